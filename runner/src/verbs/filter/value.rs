//! What a term compares with: words and patterns, texts, values of JSON, versions.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::json;
use super::number::Number;
use super::time::{When, instant};
use crate::config::Pattern;

/// A word that is the whole of a text, or a pattern of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Itself.
    Is(String),
    /// With `*` for any characters.
    Like(Pattern),
}

impl Word {
    /// Only a word that stands in no quotes is a pattern.
    pub(super) fn new(text: String, quoted: bool) -> Word {
        match text.contains('*') && !quoted {
            true => Word::Like(Pattern(text)),
            false => Word::Is(text),
        }
    }

    pub(super) fn is(&self, text: &str) -> bool {
        match self {
            Word::Is(word) => word == text,
            Word::Like(pattern) => pattern.matches(text),
        }
    }

    /// The word, if it is no pattern.
    pub(super) fn exact(&self) -> Option<&str> {
        match self {
            Word::Is(word) => Some(word),
            Word::Like(_) => None,
        }
    }
}

/// A text that is looked for in others, in any case: its parts, which follow each other
/// with anything between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(Vec<String>);

impl Text {
    pub(super) fn new(text: &str, quoted: bool) -> Text {
        let text = text.to_lowercase();
        Text(match quoted {
            true => vec![text],
            false => text.split('*').map(str::to_owned).collect(),
        })
    }

    /// Whether it is in a text; nothing is in an empty one.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        let mut rest = text.as_str();
        self.0.iter().all(|part| match rest.find(part.as_str()) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

/// How two values are to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Sign {
    /// Longer ones first, as they are looked for.
    pub(super) const ALL: [(&'static str, Sign); 5] = [
        ("<=", Sign::LessOrEqual),
        (">=", Sign::GreaterOrEqual),
        ("<", Sign::Less),
        (">", Sign::Greater),
        ("=", Sign::Equal),
    ];

    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Sign::Equal => order.is_eq(),
            Sign::Less => order.is_lt(),
            Sign::LessOrEqual => order.is_le(),
            Sign::Greater => order.is_gt(),
            Sign::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What a value of JSON is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A string.
    String(String),
    /// A string, a number, `true`, `false` or `null` that is written so.
    Word(String, Option<Number>),
    /// Such a value that is like this; `*` is any value at all.
    Like(Pattern),
    /// A number, or a string that is one.
    Number(Sign, Number),
    /// An instant: a string of RFC 3339, or milliseconds since 1970.
    Time(Sign, When),
}

impl Value {
    /// What a text must have in it to have this value in it, if that can be said.
    pub(super) fn needle(&self) -> Option<&str> {
        match self {
            Value::String(text) | Value::Word(text, None) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is(&self, value: &RawValue, now: u64) -> bool {
        let raw = value.get();
        match self {
            Value::String(text) => json::string(value).is_some_and(|string| string == *text),
            Value::Word(text, number) => match json::string(value) {
                Some(string) => string == *text,
                None => raw == text || number.is_some() && Number::read(raw) == *number,
            },
            Value::Like(pattern) => match json::string(value) {
                Some(string) => pattern.matches(&string),
                None if raw.starts_with(['{', '[']) => pattern.0 == "*",
                None => pattern.matches(raw),
            },
            Value::Number(sign, number) => {
                let text = json::string(value);
                let other = Number::read(text.as_deref().unwrap_or(raw));
                other.is_some_and(|other| sign.holds(other.cmp(number)))
            }
            Value::Time(sign, when) => {
                let at = match json::string(value) {
                    Some(text) => instant(&text),
                    None => raw.parse().ok(),
                };
                at.is_some_and(|at| sign.holds(compared(at, *when, now)))
            }
        }
    }
}

/// An instant against what may be a whole day.
fn compared(at: i64, when: When, now: u64) -> Ordering {
    if at < when.first(now) {
        Ordering::Less
    } else if at > when.last(now) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// A plugin, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) name: Word,
    /// The beginning of the digest, which Redis has twelve digits of.
    pub(super) digest: Option<String>,
}

impl Version {
    pub(super) fn is(&self, version: &str) -> bool {
        let (name, digest) = version.split_once('@').unwrap_or((version, ""));
        !version.is_empty()
            && self.name.is(name)
            && self.digest.as_ref().is_none_or(|wanted| {
                !digest.is_empty()
                    && (digest.starts_with(wanted.as_str()) || wanted.starts_with(digest))
            })
    }
}
