//! What of a file may be shown. Passwords and secrets are covered byte for byte, so
//! that places in the text stay true.
//!
//! Secrets are looked for in the text, line by line, before and without TOML: a file
//! with a broken header or quote has no tables that say what a secret is.

use super::nearest::nearest;
use super::passwords::{MARKS, mask_passwords, stars};

/// Parts of the names under which people keep secrets.
const SECRET_NAMES: [&str; 10] = [
    "secret",
    "token",
    "passw",
    "passphrase",
    "apikey",
    "api_key",
    "api-key",
    "private_key",
    "access_key",
    "credential",
];

/// A file as it may be shown, and the words in it that must not be shown elsewhere.
/// Of a broken one only the values of keys that are `known` are shown.
pub(super) fn mask(source: &str, known: Option<Known>) -> (String, Vec<String>) {
    let shown = mask_passwords(source);
    let mut lines = Lines {
        known,
        secrets: false,
        open: None,
        covered: false,
        words: Vec::new(),
    };
    let shown = shown
        .split_inclusive('\n')
        .map(|line| lines.show(line))
        .collect();
    (shown, lines.words)
}

/// Whether a key of this name stands in some table, and its value is no secret.
pub(super) type Known = fn(&str) -> bool;

/// A mistake in another file of TOML, with the line that it shows as it may be shown.
pub fn masked(mut error: toml::de::Error, text: &str) -> toml::de::Error {
    error.set_input(Some(&mask(text, None).0));
    error
}

/// Where the walk is.
struct Lines {
    /// Of a broken file; it has no tables to go by.
    known: Option<Known>,
    /// Below a header of secrets.
    secrets: bool,
    /// In a secret over several lines, up to these quotes.
    open: Option<&'static str>,
    /// In the lines of a value that is covered.
    covered: bool,
    words: Vec<String>,
}

impl Lines {
    fn show(&mut self, line: &str) -> String {
        // A secret that is commented out is one.
        let body = line.trim_start_matches([' ', '\t', '#']);
        let start = line.len() - body.len();
        if let Some(quotes) = self.open {
            if body.contains(quotes) {
                self.open = None;
            }
            return self.cover(line, start);
        }
        let equals = body.find('=');
        if self.is_header(body) {
            return self.header(line, start, equals);
        }
        let Some(equals) = equals else {
            let word = body.find(char::is_whitespace).unwrap_or(body.len());
            let strange = !body.starts_with(MARKS) && self.is_strange(&body[..word]);
            return match self.secrets || self.covered || strange {
                true => self.cover(line, start),
                false => line.to_owned(),
            };
        };
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        let secret = self.secrets || is_secret(key);
        let strange = self.is_strange(key);
        // A line of a value: `=` fills up base64.
        let no_key = (value.starts_with('=') || value.trim().is_empty()) && !key.ends_with(' ');
        let no_value = self.known.is_some() && !value.trim_start().starts_with(MARKS);
        if (no_key && strange) || (no_value && (secret || self.covered)) {
            return self.cover(line, start);
        }
        self.covered = secret || strange;
        let at = start + equals + 1;
        if !self.covered {
            let nested = value.find('=').filter(|_| is_secret(value));
            // Of a table in braces only the texts are covered.
            let braces = self.known.is_none() && value.trim_start().starts_with('{');
            let nested = nested.map(|nested| if braces { at } else { at + nested });
            return nested.map_or_else(|| line.to_owned(), |from| self.cover(line, from));
        }
        let quotes = ["\"\"\"", "'''"].into_iter();
        let mut open = quotes.filter(|quotes| value.matches(quotes).count() % 2 == 1);
        self.open = open.next();
        match is_reference(value) {
            true => line.to_owned(),
            false => self.cover(line, at),
        }
    }

    /// Whether the file is broken, and this no key whose value may be shown.
    fn is_strange(&self, key: &str) -> bool {
        let last = key.trim().rsplit('.').next().unwrap_or_default();
        let last = last.trim_matches(['"', '\'', ' ']);
        self.known.is_some_and(|known| !known(last))
    }

    /// `[plugins.mail.secrets]`, with or without one of its brackets.
    fn is_header(&self, body: &str) -> bool {
        let body = body.trim_end();
        body.starts_with('[')
            || self.known.is_some() && !body.contains(['=', '"', '\'', ',']) && body.ends_with(']')
    }

    /// What follows a header on its line is a value that has lost its line break.
    fn header(&mut self, line: &str, start: usize, equals: Option<usize>) -> String {
        let body = &line[start..];
        self.covered = false;
        self.secrets = is_secret(&body[..equals.unwrap_or(body.len())]);
        let end = match (equals, body.rfind(']')) {
            (Some(equals), _) => equals,
            (None, Some(bracket)) => bracket + 1,
            (None, None) => body.find(char::is_whitespace).unwrap_or(body.len()),
        };
        match self.secrets || self.known.is_some() {
            true => self.cover(line, start + end),
            false => line.to_owned(),
        }
    }

    /// The line with all but the marks of TOML covered from here on; of a table in
    /// braces only its texts, if there is nothing broken.
    fn cover(&mut self, line: &str, from: usize) -> String {
        let (head, tail) = line.split_at(from);
        let in_braces = self.known.is_none() && tail.trim_start().starts_with(['{', '[']);
        let mut shown = head.to_owned();
        let mut quote = None;
        for word in tail.split_inclusive(|c: char| c.is_whitespace() || MARKS.contains(&c)) {
            let mark = word
                .chars()
                .next_back()
                .filter(|c| c.is_whitespace() || MARKS.contains(c));
            let text = &word[..word.len() - mark.map_or(0, char::len_utf8)];
            match in_braces && (quote.is_none() || says_where(text)) {
                true => shown.push_str(text),
                false => shown.push_str(&self.hide(text)),
            }
            shown.extend(mark);
            quote = match mark {
                Some('"' | '\'') if quote.is_none() => mark,
                Some(_) if mark == quote => None,
                _ => quote,
            };
        }
        shown
    }

    fn hide(&mut self, text: &str) -> String {
        // Shorter ones are in other words; nothing is said of what is in a broken file.
        if text.len() > 5 && !text.starts_with('*') && self.known.is_none() {
            self.words.push(text.to_owned());
        }
        let hidden = text.chars().map(|c| match c {
            '=' => "=".to_owned(),
            c => stars(c.len_utf8()),
        });
        hidden.collect()
    }
}

/// Whether a key or header has a name for secrets in it.
fn is_secret(text: &str) -> bool {
    let part = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    text.split(part).any(|word| {
        let word = word.to_lowercase();
        SECRET_NAMES.iter().any(|name| word.contains(name)) || nearest(&word, ["secrets"]).is_some()
    })
}

/// Whether a value says where a secret is, and nothing else.
fn is_reference(value: &str) -> bool {
    let value = value.split('#').next().unwrap_or_default().trim();
    ['"', '\''].iter().any(|quote| {
        let inner = value.strip_prefix(*quote);
        let inner = inner.and_then(|inner| inner.strip_suffix(*quote));
        inner.is_some_and(|inner| !inner.contains(MARKS) && says_where(inner))
    })
}

fn says_where(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_of_toml_show_no_secret_either() {
        let text = "# a comment\nsecrets = { KEY = \"hunter2\", B = c }\n";
        let error = toml::de::DeTable::parse(text).unwrap_err();
        assert!(error.to_string().contains("hunter2"));
        let error = masked(error, text).to_string();
        assert!(error.contains("KEY = \"*******\", B = c"), "{error}");
    }

    #[test]
    fn what_may_be_a_secret_is_covered_and_the_rest_is_not() {
        let known: Known = crate::keys::is_known;
        let shown = |text: &str, broken: bool| mask(text, broken.then_some(known)).0;
        for (text, expected) in [
            (
                "[p.secrets]\nA = \"hunter2\"\n",
                "[p.secrets]\nA = \"*******\"\n",
            ),
            ("p.secrets]\nA = \"hunter2", "p.secrets]\nA = \"*******"),
            ("[p.secrts\nA = \"hunter2\"", "[p.secrts\nA = \"*******\""),
            ("[p.secrets]A = \"hunter2\"", "[p.secrets]A = \"*******\""),
            ("[p.secrets]\nA \"hunter2\"", "[p.secrets]\n* \"*******\""),
            (
                "secrets = { A = \"hunter2\" }",
                "secrets = { * = \"*******\" }",
            ),
            (
                "p = { secrets = { A = \"x\" } }",
                "p = { ******* = { * = \"*\" } }",
            ),
            (
                "A = \"\"\"\nhunter2==\n\"\"\"\nplugin = \"p\"",
                "A = \"\"\"\n*******==\n\"\"\"\nplugin = \"p\"",
            ),
            ("# API_TOKEN = \"hunter2\"", "# API_TOKEN = \"*******\""),
            ("WEBHOOK = \"hunter2\"", "WEBHOOK = \"*******\""),
            ("url = \"redis\"", "url = \"*****\""),
            (
                "[p.secrets]\nA = \"env:A?\" # here",
                "[p.secrets]\nA = \"env:A?\" # here",
            ),
            (
                "[queues.a]\nplugin \"p\"\ntimeout = 10s",
                "[queues.a]\nplugin \"p\"\ntimeout = 10s",
            ),
            (
                "[queues.a\nhttp = [\n  \"https://a\",\n]",
                "[queues.a\nhttp = [\n  \"https://a\",\n]",
            ),
        ] {
            assert_eq!(shown(text, true).len(), text.len());
            assert_eq!(shown(text, true), expected, "{text}");
        }
        let whole = "secrets = { A = \"env:A\", B = \"hunter2 x\" }";
        let expected = "secrets = { A = \"env:A\", B = \"******* *\" }";
        assert_eq!(shown(whole, false), expected);
        let whole = "store = { url = \"hunter2\", access_key = \"env:A\", write = true }";
        let expected = "store = { url = \"*******\", access_key = \"env:A\", write = true }";
        assert_eq!(shown(whole, false), expected);
        // Whole TOML knows its tables.
        let whole = "[queues.a.names]\nfew = \"many\"\n[p.config]\nsender = \"Ada\"\n";
        assert_eq!(shown(whole, false), whole);
        assert_eq!(mask("TOKEN = \"hunter2\"", None).1, ["hunter2"]);
    }
}
