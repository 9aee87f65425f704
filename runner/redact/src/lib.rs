//! Takes the values of granted secrets out of whatever leaves a plugin, and those
//! of sensitive fields of the payload out of what it says.
//!
//! A secret is found as it is, each line of it by itself, as a URL parser writes
//! it, within Base64 (`Basic` credentials), and behind the encodings that
//! [`decoded`] undoes. All of that takes time in proportion to the text: payloads
//! and what guests say about them come from strangers.
//!
//! The only place that takes a secret out of a text: for the host, its HTTP client, the
//! outbox, the executor and commands. Knows what is secret, not where the text goes.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use url::Url;

use self::decoded::Decoded;
use runner_config::{Plugin, Variable};
use runner_contract::is_json;

mod decoded;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are left alone: replacing every `1` or `ok` would hide
/// nothing and destroy the text.
const MIN: usize = 4;

/// Longer values are no credentials: they are looked for as they are, and not as
/// URLs, in Base64 or without their own encodings.
const MAX: usize = 8 << 10;

/// Encodings within encodings that are undone, such as JSON in a form in JSON.
const LAYERS: usize = 3;

/// The shortest Base64 that is looked for: 6 bytes; less is found by chance.
const MIN_BASE64: usize = 8;

/// Values that must not be shown.
#[derive(Debug, Default, Clone)]
pub struct Redactor {
    needles: Vec<Arc<Finder<'static>>>,
    /// Values that are too short to be replaced in a text.
    short: Vec<Arc<str>>,
}

impl Redactor {
    /// For the secrets granted to this plugin.
    pub fn new(plugin: &Plugin) -> Redactor {
        let mut redactor = Redactor::default();
        let variables = plugin.env.values().filter_map(|of| match of {
            Variable::Secret(secret) => Some(secret),
            Variable::Plain(_) => None,
        });
        for secret in plugin.secrets.values().chain(variables) {
            redactor.add(&secret.0);
            redactor.add_credential(&secret.0);
        }
        redactor.sorted()
    }

    /// These and more: values of a payload, which may be many and long.
    pub fn with(&self, values: &[String]) -> Redactor {
        let mut redactor = self.clone();
        values.iter().for_each(|value| redactor.add(value));
        redactor.sorted()
    }

    fn add(&mut self, value: &str) {
        if !value.is_empty() && value.len() < MIN {
            self.short.push(value.into());
        }
        self.look_for(value);
        // A plugin prints a value of several lines line by line.
        if value.contains('\n') {
            value.lines().for_each(|line| self.look_for(line));
        }
    }

    fn add_credential(&mut self, value: &str) {
        if value.len() > MAX {
            return;
        }
        if let Ok(url) = Url::parse(value)
            && url.has_host()
        {
            self.add_url(url);
        }
        base64(value).iter().for_each(|text| self.look_for(text));
    }

    /// As a URL is sent: normalised, without fragment and the dot after its host. A
    /// password in it goes another way.
    fn add_url(&mut self, mut url: Url) {
        self.look_for(url.as_str());
        url.set_fragment(None);
        let host = url.host_str().and_then(|host| host.strip_suffix('.'));
        if let Some(host) = host.map(str::to_owned) {
            // It was a host with the dot, too.
            let _ = url.set_host(Some(&host));
        }
        self.look_for(url.as_str());
        if let Some(password) = url.password() {
            self.look_for(password);
            base64(password).iter().for_each(|text| self.look_for(text));
        }
    }

    /// Look for a text, and for what is left of it behind each encoding: it may
    /// be encoded itself.
    fn look_for(&mut self, text: &str) {
        let mut needle = |bytes: &[u8]| {
            if bytes.len() >= MIN {
                self.needles.push(Arc::new(Finder::new(bytes).into_owned()));
            }
        };
        needle(text.as_bytes());
        if text.len() > MAX {
            return;
        }
        let mut layer = Decoded::of(text.as_bytes());
        for _ in 0..LAYERS {
            let Some(decoded) = layer else { return };
            needle(decoded.bytes());
            layer = Decoded::of(decoded.bytes());
        }
    }

    fn sorted(mut self) -> Redactor {
        self.needles
            .sort_unstable_by(|a, b| a.needle().cmp(b.needle()));
        self.needles.dedup_by(|a, b| a.needle() == b.needle());
        self
    }

    /// Whether a text has one of them, however short: for what is left out whole.
    pub fn finds(&self, text: &str) -> bool {
        self.short.iter().any(|short| text.contains(&**short)) || !self.places(text).is_empty()
    }

    /// The text without secrets; the text itself when there are none in it.
    pub fn redact(&self, mut text: String) -> String {
        for place in self.places(&text).into_iter().rev() {
            text.replace_range(place, REDACTED);
        }
        text
    }

    /// JSON text without secrets, still JSON: a secret that stood outside of a
    /// string, such as a number, takes the whole value with it.
    pub fn redact_json(&self, text: String) -> String {
        if self.places(&text).is_empty() {
            return text;
        }
        let redacted = self.redact(text);
        match is_json(&redacted) {
            Ok(_) => redacted,
            Err(_) => format!("\"{REDACTED}\""),
        }
    }

    /// Where secrets are, in order and apart from each other.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        if self.needles.is_empty() {
            return places;
        }
        let mut layers: Vec<Decoded> = Vec::new();
        loop {
            let bytes = layers.last().map_or(text.as_bytes(), Decoded::bytes);
            for needle in &self.needles {
                for at in needle.find_iter(bytes) {
                    let place = at..at + needle.needle().len();
                    places.push(layers.iter().rev().fold(place, |at, of| of.source(at)));
                }
            }
            match Decoded::of(bytes) {
                Some(decoded) if layers.len() < LAYERS => layers.push(decoded),
                _ => return joined(text, places),
            }
        }
    }
}

/// Places that overlap are one; none cuts a character.
fn joined(text: &str, mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for place in places {
        let place = text.floor_char_boundary(place.start)..text.ceil_char_boundary(place.end);
        match apart.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => apart.push(place),
        }
    }
    apart
}

/// What Base64 of any text around this value has of it alone: it depends on how
/// many bytes are before it, modulo 3.
fn base64(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    for before in 0..3 {
        let bytes = [&[0; 2][..before.min(2)], value.as_bytes()].concat();
        // Characters that hold bits of what is around it are left out.
        let start = [0, 2, 3][before];
        let end = bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            let own = text.get(start..end).unwrap_or_default();
            if own.len() >= MIN_BASE64 && !found.iter().any(|known| known == own) {
                found.push(own.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use runner_config::Secret;

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets = secrets.iter().enumerate();
        let secrets = secrets.map(|(n, value)| (n.to_string(), Secret((*value).into())));
        Redactor::new(&Plugin {
            secrets: secrets.collect(),
            ..Plugin::default()
        })
    }

    #[track_caller]
    fn is(secret: &str, text: &str, expected: &str) {
        assert_eq!(
            redactor(&[secret]).redact(text.to_owned()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn redacted_json_is_still_json() {
        let redactor = redactor(&["12345", "a\"quote"]);
        let json = |text: &str| redactor.redact_json(text.to_owned());
        assert_eq!(json(r#"{"pin":"12345"}"#), r#"{"pin":"[redacted]"}"#);
        assert_eq!(json(r#"{"token":"a\"quote"}"#), r#"{"token":"[redacted]"}"#);
        assert_eq!(json(r#"{"pin":12345}"#), r#""[redacted]""#);
        assert_eq!(json(r#"{"pin":1234}"#), r#"{"pin":1234}"#);
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = "pä ss/w\"ord&%41";
        for written in [
            secret,
            "p%C3%A4%20ss%2Fw%22ord%26%2541",
            "p%c3%a4+ss%2fw%22ord%26%2541",
            r#"pä ss/w\"ord&%41"#,
            r#"p\u00e4 ss\/w\u0022ord\u0026%41"#,
            // A URL within a URL, and JSON within JSON.
            "p%25C3%25A4%2520ss%252Fw%2522ord%2526%252541",
            r#"pä ss/w\\\"ord&%41"#,
        ] {
            is(secret, &format!("a={written}&b"), "a=[redacted]&b");
        }
        is(secret, "p%C3%A4%20ss", "p%C3%A4%20ss");
        is(
            "tok😀en",
            r#"{"a":"tok\ud83d\ude00en"}"#,
            r#"{"a":"[redacted]"}"#,
        );
        is("tok😀en", r#"tok\ud83d"#, r#"tok\ud83d"#);
    }

    #[test]
    fn a_secret_url_is_found_as_it_is_sent() {
        for url in [
            "HTTPS://Hooks.Example.com:443/T0/x y#part",
            "https://hooks.example.com./a/../T0/x%20y",
        ] {
            is(
                url,
                "to https://hooks.example.com/T0/x%20y?a=1",
                "to [redacted]?a=1",
            );
            let json = r#"{"to":"https:\/\/hooks.example.com\/T0\/x%20y"}"#;
            is(url, json, r#"{"to":"[redacted]"}"#);
        }
        is(
            "https://user:p%40ss@example.com/",
            "p@ss p%40ss",
            "[redacted] [redacted]",
        );
    }

    #[test]
    fn a_secret_is_found_within_base64() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        let secret = "s3cret-key~~?";
        for user in ["", "a", "ab", "abc", "user"] {
            for engine in [&STANDARD as &dyn Fn64, &URL_SAFE] {
                let text = engine.text(&format!("{user}:{secret}\n"));
                let shown = redactor(&[secret]).redact(format!("Basic {text}"));
                assert!(shown.contains(REDACTED), "{user}: {shown}");
                assert!(
                    shown.len() <= "Basic [redacted]".len() + 12,
                    "{user}: {shown}"
                );
            }
        }
    }

    trait Fn64 {
        fn text(&self, bytes: &str) -> String;
    }

    impl<E: base64::Engine> Fn64 for E {
        fn text(&self, bytes: &str) -> String {
            self.encode(bytes)
        }
    }

    #[test]
    fn a_secret_within_another_and_lines_go_whole() {
        let text = redactor(&["abcd", "xabcdx"]).redact("xabcdx abcd".to_owned());
        assert_eq!(text, "[redacted] [redacted]");
        let key = "-----BEGIN-----\nMIIabc\n-----END-----";
        is(key, "key: MIIabc", "key: [redacted]");
        is(
            key,
            r#"{"k":"-----BEGIN-----\nMIIabc\n-----END-----"}"#,
            r#"{"k":"[redacted]"}"#,
        );
    }

    #[test]
    fn a_short_secret_is_found_but_not_replaced() {
        let redactor = redactor(&["abc"]);
        assert!(redactor.finds("xabcx"));
        assert_eq!(redactor.redact("xabcx".into()), "xabcx");
    }

    #[test]
    fn long_values_in_long_texts_are_looked_for_in_one_pass() {
        let values = [
            "a".repeat(1 << 20) + "b",
            format!("%{}", "25".repeat(1 << 20)),
        ];
        let redactor = Redactor::default().with(&values);
        assert_eq!(redactor.needles.len(), 2);
        // Looking at each place anew would take hours.
        assert!(!redactor.finds(&format!("{}%20", "a".repeat(4 << 20))));
    }
}
