//! What a request says: the values that the placeholders of a route stand for. JSON is
//! taken out as it stands, so that no number loses a digit.

use std::borrow::Cow;
use std::collections::HashMap;

use runner_config::webhook::{Field, Form, Format, From, Part, Text};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::Request;

/// What a request says.
#[derive(Debug)]
pub struct Said<'a> {
    request: Request<'a>,
    /// The parameters of its path.
    parameters: Vec<(String, String)>,
    /// JSON text.
    body: Cow<'a, str>,
    /// JSON text.
    claims: String,
}

/// Why a request cannot become a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// Where in the body: a JSON Pointer.
    pub pointer: Option<String>,
    /// Whether it is no body of its kind at all.
    pub unreadable: bool,
}

impl Misfit {
    fn unreadable(message: impl Into<String>) -> Misfit {
        Misfit {
            message: message.into(),
            pointer: None,
            unreadable: true,
        }
    }

    fn at(field: &Field, what: &str) -> Misfit {
        let pointer = || {
            let escape = |part: &String| part.replace('~', "~0").replace('/', "~1");
            let parts = field.path.iter().map(|part| format!("/{}", escape(part)));
            parts.collect::<String>()
        };
        Misfit {
            message: what.to_owned(),
            pointer: (field.source == From::Body).then(pointer),
            unreadable: false,
        }
    }
}

impl<'a> Said<'a> {
    /// Read the body of a request that has been believed.
    pub fn new(
        request: Request<'a>,
        format: Format,
        parameters: Vec<(String, String)>,
        claims: &Map<String, Value>,
    ) -> Result<Said<'a>, Misfit> {
        let text = || {
            let text = std::str::from_utf8(request.body);
            text.map_err(|_| Misfit::unreadable("the body is not UTF-8 text"))
        };
        let format = match format {
            Format::Auto if request.is_form() => Format::Form,
            Format::Auto => Format::Json,
            other => other,
        };
        let body = match format {
            Format::Form => Cow::Owned(form(request.body).to_string()),
            Format::Text => Cow::Owned(Value::from(text()?).to_string()),
            // No body is no value.
            Format::Json | Format::Auto if request.body.trim_ascii().is_empty() => "null".into(),
            Format::Json | Format::Auto => {
                let text = text()?;
                let raw: Result<&RawValue, _> = serde_json::from_str(text);
                let raw = raw.map_err(|error| {
                    Misfit::unreadable(format!("the body is not JSON: {error}"))
                })?;
                Cow::Borrowed(raw.get())
            }
        };
        Ok(Said {
            request,
            parameters,
            body,
            claims: Value::Object(claims.clone()).to_string(),
        })
    }

    /// What a placeholder stands for, as JSON text.
    fn find(&self, field: &Field) -> Option<Cow<'_, str>> {
        let quoted = |text: &str| Cow::Owned(Value::from(text).to_string());
        let name = field.path.first().map(String::as_str).unwrap_or_default();
        match field.source {
            From::Body => find(&self.body, &field.path).map(Cow::Borrowed),
            From::Claim => find(&self.claims, &field.path).map(Cow::Borrowed),
            From::Header => self.request.header(name).map(quoted),
            From::Path => {
                let own = self.parameters.iter().find(|(own, _)| own == name);
                own.map(|(_, value)| quoted(value))
            }
            From::Query => {
                let query = self.request.target.split_once('?')?.1;
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                pairs
                    .find(|(own, _)| own == name)
                    .map(|(_, value)| quoted(&value))
            }
        }
        .filter(|json| json != "null" || field.path.is_empty())
    }

    /// Text with its placeholders filled.
    pub fn text(&self, text: &Text) -> Result<String, Misfit> {
        let mut whole = String::new();
        for part in &text.0 {
            let field = match part {
                Part::Plain(plain) => {
                    whole.push_str(plain);
                    continue;
                }
                Part::Field(field) => field,
            };
            let json = match self.find(field) {
                Some(json) if json != "null" => json,
                _ if field.optional => continue,
                _ => return Err(missing(field)),
            };
            match json.as_bytes().first() {
                Some(b'"') => {
                    let text: Result<String, _> = serde_json::from_str(&json);
                    let odd = || Misfit::at(field, &format!("{{{field}}} is not text"));
                    whole.push_str(&text.map_err(|_| odd())?);
                }
                Some(b'{') | Some(b'[') => {
                    let what = if json.starts_with('{') {
                        "an object"
                    } else {
                        "a list"
                    };
                    let what = format!("{{{field}}} is {what}, which cannot be part of a text");
                    return Err(Misfit::at(field, &what));
                }
                _ => whole.push_str(&json),
            }
        }
        Ok(whole)
    }

    /// JSON with its placeholders filled.
    pub fn json(&self, form: &Form) -> Result<String, Misfit> {
        Ok(self.value(form)?.unwrap_or_else(|| "null".to_owned()))
    }

    /// The same; `None` for an optional value that is missing.
    fn value(&self, form: &Form) -> Result<Option<String>, Misfit> {
        Ok(Some(match form {
            Form::Plain(json) => json.clone(),
            Form::Text(text) => match text.0.as_slice() {
                [Part::Field(field)] => match self.find(field) {
                    Some(json) => json.into_owned(),
                    None if field.optional => return Ok(None),
                    None => return Err(missing(field)),
                },
                _ => Value::from(self.text(text)?).to_string(),
            },
            Form::List(items) => {
                let items = items.iter().filter_map(|item| self.value(item).transpose());
                format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            Form::Table(entries) => {
                let entries = entries.iter().filter_map(|(name, item)| {
                    let value = self.value(item).transpose()?;
                    Some(value.map(|value| format!("{}:{value}", Value::from(name.as_str()))))
                });
                format!("{{{}}}", entries.collect::<Result<Vec<_>, _>>()?.join(","))
            }
        }))
    }
}

fn missing(field: &Field) -> Misfit {
    Misfit::at(field, &format!("the request has no {{{field}}}"))
}

/// A form as an object: a list where a name comes more than once.
fn form(body: &[u8]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => drop(fields.insert(name.into_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(fields)
}

/// The value at a path of JSON text, as it stands there. A name may have dots itself,
/// as claims do.
fn find<'a>(json: &'a str, path: &[String]) -> Option<&'a str> {
    let Some((first, rest)) = path.split_first() else {
        return Some(json);
    };
    if json.starts_with('[') {
        let items: Vec<&'a RawValue> = serde_json::from_str(json).ok()?;
        let at: usize = first.parse().ok()?;
        return find(items.get(at)?.get(), rest);
    }
    let fields: HashMap<String, &'a RawValue> = serde_json::from_str(json).ok()?;
    if let Some(whole) = fields.get(&path.join(".")) {
        return Some(whole.get());
    }
    find(fields.get(first)?.get(), rest)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn said<'a>(body: &'a str, headers: &'a HeaderMap) -> Said<'a> {
        let request = Request {
            target: "/hooks/acme?page=2&q=a%20b",
            headers,
            body: body.as_bytes(),
        };
        let claims = serde_json::from_str(r#"{"sub":"u1","https://x.y/org":"o1"}"#).unwrap();
        let parameters = vec![("shop".to_owned(), "acme".to_owned())];
        Said::new(request, Format::Auto, parameters, &claims).unwrap()
    }

    /// `Form`s are made by reading a file.
    fn route(payload: &str) -> Form {
        let toml = format!(
            "[queues.q]\n[[routes]]\npath = \"/hooks/{{shop}}\"\nqueue = \"q\"\nname = \"n\"\nverify = {{ scheme = \"jwt\" }}\npayload = {payload}\n"
        );
        let (path, env) = (std::path::Path::new("queues.toml"), Default::default());
        let loaded = runner_config::Config::parse(path, &toml, &Default::default(), &env);
        loaded.unwrap().config.routes[0].job.payload.clone()
    }

    #[test]
    fn values_keep_their_types_and_all_of_their_digits() {
        let headers = HeaderMap::new();
        let body =
            r#"{"id":9007199254740993,"price":1.10,"big":1e400,"list":[{"sku":"a"}],"no":null}"#;
        let said = said(body, &headers);
        let json = |payload| said.json(&route(payload)).unwrap();
        assert_eq!(json("\"{body}\""), body);
        assert_eq!(
            json(
                r#"{ id = "{body.id}", text = "n-{body.id}", price = "{body.price}", big = "{body.big}", one = 1, sku = "{body.list.0.sku}" }"#
            ),
            r#"{"id":9007199254740993,"text":"n-9007199254740993","price":1.10,"big":1e400,"one":1,"sku":"a"}"#
        );
        assert_eq!(
            json(
                r#"[ "{body.none?}", "{body.no?}", "{path.shop}", "{query.q}", "{claim.sub}", "{claim.https://x.y/org}" ]"#
            ),
            r#"["acme","a b","u1","o1"]"#
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let headers = HeaderMap::new();
        let said = said(r#"{"a":{"b":{}}}"#, &headers);
        let misfit = |payload| said.json(&route(payload)).unwrap_err();
        let at = misfit(r#"{ x = "{body.a.c/d}" }"#);
        assert_eq!(at.message, "the request has no {body.a.c/d}");
        assert_eq!(at.pointer.as_deref(), Some("/a/c~1d"));
        let at = misfit(r#"{ x = "no-{body.a.b}" }"#);
        assert_eq!(
            at.message,
            "{body.a.b} is an object, which cannot be part of a text"
        );
        let at = misfit(r#""{header.X-Topic}""#);
        assert_eq!(at.message, "the request has no {header.X-Topic}");
        assert_eq!(at.pointer, None);
    }

    #[test]
    fn a_form_is_an_object() {
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        headers.insert("content-type", kind.parse().unwrap());
        let said = said("From=%2B1&Body=hi+you&Media=a&Media=b", &headers);
        assert_eq!(
            said.json(&route("\"{body}\"")).unwrap(),
            r#"{"From":"+1","Body":"hi you","Media":["a","b"]}"#
        );
    }
}
