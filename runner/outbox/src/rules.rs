//! Who answers what: `outbox.toml`, and the built-in replies, which are written
//! in the same form.
//!
//! Unknown keys and values out of range are errors with line and caret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runner_config::{self as config, Pattern};
use runner_watch::Stat;
use serde::de::{Deserialize, Deserializer, Error as _};
use url::Url;

use super::{Error, Exchange};

/// The replies of well-known services. Also the reference for one's own.
const BUILT_IN: &str = include_str!("replies.toml");

/// What goes wrong on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fault {
    /// No answer until the caller gives up.
    Timeout,
    /// The connection breaks.
    Reset,
    /// The reply's status is an error: 503 unless `status` says otherwise.
    Status,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    reply: Vec<Rule>,
}

/// `[[reply]]`: one way to answer.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Host; `*` stands for any characters. Defaults to any.
    #[serde(default, deserialize_with = "pattern")]
    host: Option<Pattern>,
    /// Path without query; `*` stands for any characters. Defaults to any.
    #[serde(default, deserialize_with = "pattern")]
    path: Option<Pattern>,
    /// Method. Defaults to any.
    method: Option<String>,
    /// Defaults to 200, and to 503 with `fault = "status"`.
    #[serde(default, deserialize_with = "status")]
    status: Option<u16>,
    /// Header fields. `content-type` defaults to what the body looks like.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Content, with the templates of [`fill`]. Defaults to `{}`.
    body: Option<String>,
    /// Wait before the answer. Defaults to none.
    #[serde(default, deserialize_with = "duration")]
    delay: Duration,
    /// What goes wrong instead of a proper reply.
    fault: Option<Fault>,
    /// How many requests the rule serves; later ones go on to the next rule.
    times: Option<u64>,
    /// The rule serves only this share of the requests, 0 to 1, at random.
    #[serde(default, deserialize_with = "share")]
    rate: Option<f64>,
    #[serde(skip)]
    served: u64,
}

/// The answer a rule gave to one request.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
}

/// All rules, one's own before the built-in ones.
#[derive(Debug)]
pub(super) struct Rules {
    file: PathBuf,
    /// What the file was when it was last looked at; `None`: absent.
    seen: Option<Stat>,
    own: Vec<Rule>,
    built_in: Vec<Rule>,
}

impl Rules {
    /// The rules of this file, if it exists, and the built-in ones.
    pub(super) fn read(file: PathBuf) -> Result<Self, Error> {
        let built_in = parse(BUILT_IN).expect("the built-in replies are tested");
        let mut rules = Rules {
            seen: Stat::of(&file),
            own: Vec::new(),
            built_in,
            file,
        };
        rules.own = rules.load()?;
        Ok(rules)
    }

    /// Read the file again if it changed; what was served is forgotten, so that
    /// saving the file also begins `times` anew.
    pub(super) fn refresh(&mut self) {
        let now = Stat::of(&self.file);
        if now == self.seen {
            return;
        }
        self.seen = now;
        match self.load() {
            Ok(own) => self.own = own,
            Err(error) => tracing::warn!(%error, "the outbox keeps its previous rules"),
        }
    }

    fn load(&self) -> Result<Vec<Rule>, Error> {
        if self.seen.is_none() {
            return Ok(Vec::new());
        }
        let text = std::fs::read_to_string(&self.file).map_err(Error::io(&self.file))?;
        parse(&text).map_err(|error| Error::Rules {
            path: self.file.clone(),
            reason: error.to_string(),
        })
    }

    /// The answer to a request.
    pub(super) fn choose(&mut self, exchange: &Exchange<'_>) -> Chosen {
        let rule = self
            .own
            .iter_mut()
            .chain(&mut self.built_in)
            .find(|rule| rule.serves(exchange))
            .expect("the last built-in rule serves every request");
        rule.served += 1;
        rule.answer(exchange.body)
    }
}

impl Rule {
    fn serves(&self, exchange: &Exchange<'_>) -> bool {
        let matches = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        };
        matches(&self.host, host(exchange.url))
            && matches(&self.path, exchange.url.path())
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(exchange.method.as_str()))
            && self.times.is_none_or(|times| self.served < times)
            && self.rate.is_none_or(|rate| fastrand::f64() < rate)
    }

    fn answer(&self, request: &[u8]) -> Chosen {
        let body = fill(self.body.as_deref().unwrap_or("{}"), request);
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        if !headers.iter().any(|(name, _)| name == "content-type") && !body.is_empty() {
            let kind = match body.as_bytes()[0] {
                b'{' | b'[' => "application/json",
                _ => "text/plain; charset=utf-8",
            };
            headers.push(("content-type".into(), kind.into()));
        }
        let usual = match self.fault {
            Some(Fault::Status) => 503,
            _ => 200,
        };
        Chosen {
            status: self.status.unwrap_or(usual),
            headers,
            body,
            delay: self.delay,
            fault: self.fault,
        }
    }
}

/// Replace the templates of a body: `{id}` a new id of 32 hex digits, `{uuid}`
/// the same with dashes, `{unix}` seconds since 1970, `{request.key}` the string
/// under this key in the request's JSON object or form (escaped for JSON, empty
/// if there is none). Other braces are left as they are.
fn fill(template: &str, request: &[u8]) -> String {
    let id = format!("{:032x}", fastrand::u128(..));
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let (value, length) = match rest.find('}') {
            Some(end) => (variable(&rest[1..end], &id, request), end + 1),
            None => (None, 1),
        };
        match value {
            Some(value) => {
                filled.push_str(&value);
                rest = &rest[length..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[expect(clippy::disallowed_methods, reason = "only what a reply says")]
fn variable(name: &str, id: &str, request: &[u8]) -> Option<String> {
    match name {
        "id" => Some(id.to_owned()),
        "uuid" => {
            let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
            Some(parts.join("-"))
        }
        "unix" => Some(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
                .to_string(),
        ),
        name => {
            let value = request_value(request, name.strip_prefix("request.")?);
            let quoted = serde_json::Value::from(value).to_string();
            Some(quoted[1..quoted.len() - 1].to_owned())
        }
    }
}

fn request_value(request: &[u8], key: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(request).ok();
    match json {
        Some(json) => json
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned(),
        None => url::form_urlencoded::parse(request)
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default(),
    }
}

fn parse(text: &str) -> Result<Vec<Rule>, toml::de::Error> {
    let file: Result<File, _> = toml::from_str(text);
    file.map(|file| file.reply)
        .map_err(|error| config::masked(error, text))
}

pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn pattern<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Pattern>, D::Error> {
    String::deserialize(input).map(|text| Some(Pattern(text)))
}

fn status<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u16>, D::Error> {
    match u16::deserialize(input)? {
        status @ 200..=599 => Ok(Some(status)),
        other => Err(D::Error::custom(format!(
            "{other} is not a status: use 200 to 599"
        ))),
    }
}

fn duration<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    humantime::parse_duration(&text).map_err(|_| {
        D::Error::custom(format!(
            "{text:?} is not a duration: write \"250ms\" or \"2s\""
        ))
    })
}

fn share<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f64>, D::Error> {
    match f64::deserialize(input)? {
        share if (0.0..=1.0).contains(&share) => Ok(Some(share)),
        other => Err(D::Error::custom(format!(
            "{other} is not a share: use 0 to 1"
        ))),
    }
}
