//! Takes the values of granted secrets out of whatever leaves a plugin, and those
//! of sensitive fields of the payload out of what it says.

use crate::config::Plugin;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Shorter values are left alone: replacing every `1` or `ok` would hide
/// nothing and destroy the text.
const MIN: usize = 4;

/// Values that must not be shown.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another goes whole.
    secrets: Vec<Box<str>>,
}

impl Redactor {
    /// For the secrets granted to this plugin.
    pub fn new(plugin: &Plugin) -> Redactor {
        let values = plugin.secrets.values().map(|secret| &*secret.0);
        Redactor::of(values.collect())
    }

    /// These and more.
    pub fn with(&self, values: &[String]) -> Redactor {
        let values = values.iter().map(|value| &**value);
        let known = self.secrets.iter().map(|secret| &**secret);
        Redactor::of(known.chain(values).collect())
    }

    /// Values, also as JSON writes them, and each line of a value of several,
    /// because a plugin prints it line by line.
    fn of(values: Vec<&str>) -> Redactor {
        let pieces = values.into_iter();
        let pieces = pieces.flat_map(|value| std::iter::once(value).chain(value.lines()));
        let mut secrets: Vec<Box<str>> = Vec::new();
        for piece in pieces.filter(|piece| piece.len() >= MIN) {
            let json = serde_json::to_string(piece).expect("a string is JSON");
            secrets.push(piece.into());
            secrets.push(json[1..json.len() - 1].into());
        }
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Redactor { secrets }
    }

    /// The text without secrets; the text itself when there are none in it.
    pub fn redact(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(&**secret) {
                text = text.replace(&**secret, REDACTED);
            }
        }
        text
    }

    /// JSON text without secrets, still JSON: a secret that stood outside of a
    /// string, such as a number, takes the whole value with it.
    pub fn redact_json(&self, text: String) -> String {
        if !self.secrets.iter().any(|secret| text.contains(&**secret)) {
            return text;
        }
        let redacted = self.redact(text);
        match super::check_json(&redacted) {
            Ok(()) => redacted,
            Err(_) => format!("\"{REDACTED}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn redacted_json_is_still_json() {
        let secrets = [("PIN", "12345"), ("TOKEN", "a\"quote")];
        let secrets = secrets.map(|(name, value)| (name.into(), Secret(value.into())));
        let redactor = Redactor::new(&Plugin {
            secrets: secrets.into(),
            ..Plugin::default()
        });
        let json = |text: &str| redactor.redact_json(text.to_owned());
        assert_eq!(json(r#"{"pin":"12345"}"#), r#"{"pin":"[redacted]"}"#);
        assert_eq!(json(r#"{"token":"a\"quote"}"#), r#"{"token":"[redacted]"}"#);
        assert_eq!(json(r#"{"pin":12345}"#), r#""[redacted]""#);
        assert_eq!(json(r#"{"pin":1234}"#), r#"{"pin":1234}"#);
    }
}
