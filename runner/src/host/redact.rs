//! Takes the values of granted secrets out of whatever leaves a plugin.

use crate::config::Plugin;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Shorter values are left alone: replacing every `1` or `ok` would hide
/// nothing and destroy the text.
const MIN: usize = 4;

/// The secrets of one plugin.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another goes whole.
    secrets: Vec<Box<str>>,
}

impl Redactor {
    /// The values granted to this plugin, also as JSON writes them.
    pub fn new(plugin: &Plugin) -> Redactor {
        let mut secrets: Vec<Box<str>> = Vec::new();
        for secret in plugin
            .secrets
            .values()
            .filter(|secret| secret.0.len() >= MIN)
        {
            let json = serde_json::to_string(&secret.0).expect("a string is JSON");
            secrets.push(secret.0.as_str().into());
            secrets.push(json[1..json.len() - 1].into());
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
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
}
