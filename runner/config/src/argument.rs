//! `args` of a plugin: what a program is called with, made anew for each job.
//!
//! A placeholder is a part of one argument, whatever it holds: nothing is split,
//! and no shell sees it.

use std::fmt::{self, Display, Formatter};

use super::problem::nearest;
use super::value::{self, Fault, Raw, fault, text};

/// One argument, in the pieces it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument(pub Vec<Piece>);

/// A piece of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// Something of the job.
    Placeholder(Placeholder),
}

/// Something of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// `{id}`
    Id,
    /// `{name}`
    Name,
    /// `{queue}`
    Queue,
    /// `{attempt}`
    Attempt,
    /// `{maxAttempts}`
    MaxAttempts,
    /// `{requestId}`; a job may have none.
    RequestId {
        /// `{requestId?}`: nothing then.
        optional: bool,
    },
    /// `{deadline}`, in milliseconds since 1970.
    Deadline,
    /// `{data}`, or a value in it.
    Data {
        /// Names of fields and places in lists; none for the whole payload.
        path: Vec<String>,
        /// `{data.note?}`: nothing when it is missing or null.
        optional: bool,
    },
}

/// The words that are not paths.
const WORDS: [&str; 8] = [
    "id",
    "name",
    "queue",
    "attempt",
    "maxAttempts",
    "requestId",
    "deadline",
    "data",
];

impl Argument {
    /// Text with placeholders: `--shop={data.shop.id}`.
    pub(super) fn read(raw: Raw<'_>) -> Result<Argument, Fault> {
        let whole = match raw {
            // An argument may be empty.
            Raw::Toml(value) if value.as_str() == Some("") => String::new(),
            raw => text(raw)?,
        };
        if whole.contains('\0') {
            return Err(fault(
                "must not have the character U+0000",
                "an argument ends there",
            ));
        }
        let field = |word: &str| Placeholder::read(word).map(Piece::Placeholder);
        let pieces = value::pieces(&whole, Piece::Text, field)?;
        Ok(Argument(pieces))
    }
}

impl Placeholder {
    fn read(word: &str) -> Result<Placeholder, Fault> {
        let (name, optional) = match word.strip_suffix('?') {
            Some(name) => (name, true),
            None => (word, false),
        };
        if let Some(path) = name.strip_prefix("data") {
            let path = match path.strip_prefix('.') {
                Some(path) => path.split('.').map(str::to_owned).collect(),
                None if path.is_empty() => Vec::new(),
                None => return Err(unknown(word)),
            };
            return match path.iter().any(String::is_empty) {
                true => Err(fault(
                    format!("has the placeholder `{{{word}}}`, whose path has an empty part"),
                    "write names and places in lists with one dot between: {data.items.0.sku}",
                )),
                false => Ok(Placeholder::Data { path, optional }),
            };
        }
        match name {
            "requestId" => Ok(Placeholder::RequestId { optional }),
            _ if optional => Err(unknown(word)),
            "id" => Ok(Placeholder::Id),
            "name" => Ok(Placeholder::Name),
            "queue" => Ok(Placeholder::Queue),
            "attempt" => Ok(Placeholder::Attempt),
            "maxAttempts" => Ok(Placeholder::MaxAttempts),
            "deadline" => Ok(Placeholder::Deadline),
            _ => Err(unknown(word)),
        }
    }
}

fn unknown(word: &str) -> Fault {
    let name = word.trim_end_matches('?');
    let hint = match nearest(name, WORDS) {
        Some(near) if near == name => format!("every job has it: write {{{name}}}"),
        Some(near) => format!("did you mean {{{near}}}?"),
        None => "a field of the payload is {data.field}; write `{{` for a brace as such".to_owned(),
    };
    fault(
        format!(
            "has the placeholder `{{{word}}}`; there are {{{}}} and {{data.field}}",
            WORDS.join("}, {")
        ),
        hint,
    )
}

impl Display for Placeholder {
    /// As it is written, without braces.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, optional) = match self {
            Placeholder::Id => ("id", false),
            Placeholder::Name => ("name", false),
            Placeholder::Queue => ("queue", false),
            Placeholder::Attempt => ("attempt", false),
            Placeholder::MaxAttempts => ("maxAttempts", false),
            Placeholder::Deadline => ("deadline", false),
            Placeholder::RequestId { optional } => ("requestId", *optional),
            Placeholder::Data { path, optional } => {
                write!(f, "data")?;
                path.iter().try_for_each(|part| write!(f, ".{part}"))?;
                ("", *optional)
            }
        };
        write!(f, "{word}{}", if optional { "?" } else { "" })
    }
}

impl Display for Argument {
    /// As it is written.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => {
                write!(f, "{}", text.replace('{', "{{").replace('}', "}}"))
            }
            Piece::Placeholder(of) => write!(f, "{{{of}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Argument, Fault> {
        Argument::read(Raw::Text(text))
    }

    #[test]
    fn text_and_placeholders_are_told_apart() {
        let argument = read("--at={{{queue}}}/{data.items.0.sku?}").unwrap();
        let data = Placeholder::Data {
            path: ["items", "0", "sku"].map(str::to_owned).to_vec(),
            optional: true,
        };
        assert_eq!(
            argument.0,
            [
                Piece::Text("--at={".into()),
                Piece::Placeholder(Placeholder::Queue),
                Piece::Text("}/".into()),
                Piece::Placeholder(data),
            ]
        );
    }

    #[test]
    fn an_argument_is_shown_as_it_is_written() {
        for text in ["--shop", "{{}}", "{id}:{data}:{requestId?}", "{data.a.b?}x"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_placeholder_is_refused_with_the_way_out() {
        let told = |text: &str| {
            let fault = read(text).unwrap_err();
            format!("{}; {}", fault.message, fault.hint)
        };
        let all = "there are {id}, {name}, {queue}, {attempt}, {maxAttempts}, {requestId}, \
                   {deadline}, {data} and {data.field}";
        assert_eq!(
            told("{queu}"),
            format!("has the placeholder `{{queu}}`; {all}; did you mean {{queue}}?")
        );
        assert_eq!(
            told("{id?}"),
            format!("has the placeholder `{{id?}}`; {all}; every job has it: write {{id}}")
        );
        assert_eq!(
            told("{shopId}"),
            format!(
                "has the placeholder `{{shopId}}`; {all}; a field of the payload is \
                 {{data.field}}; write `{{{{` for a brace as such"
            )
        );
        assert_eq!(
            told("{data..x}"),
            "has the placeholder `{data..x}`, whose path has an empty part; write names and \
             places in lists with one dot between: {data.items.0.sku}"
        );
        for open in ["a{b", "a}b"] {
            let brace = &open[1..2];
            assert_eq!(
                told(open),
                format!(
                    "has a `{brace}` without its other half; write `{brace}{brace}` for a brace \
                     as such"
                )
            );
        }
        assert_eq!(
            told("a\0b"),
            "must not have the character U+0000; an argument ends there"
        );
    }
}
