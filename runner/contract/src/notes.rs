//! Doc comments of WIT: prose, and tags that each have a line of their own.
//!
//! ```wit
//! /// The code the user types in.
//! /// @sensitive
//! /// @example "123456"
//! otp: string,
//! ```

use super::json::is_json;

/// What a doc comment says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notes {
    /// The prose, without the tags.
    pub text: String,
    /// `@name`: what stands in JSON instead of the name made from WIT's.
    pub name: Option<String>,
    /// `@sensitive`: the value is not shown in logs, errors and output.
    pub sensitive: bool,
    /// `@example`: JSON text.
    pub examples: Vec<String>,
    /// `@format`: a format of JSON Schema, e.g. `email`. Not checked.
    pub format: Option<String>,
}

impl Notes {
    /// Read a doc comment.
    ///
    /// # Errors
    /// A tag that is unknown, has no value or a wrong one.
    pub(super) fn read(docs: &str) -> Result<Notes, String> {
        let mut notes = Notes::default();
        let mut prose = Vec::new();
        for line in docs.lines() {
            let Some(tag) = line.trim().strip_prefix('@') else {
                prose.push(line.trim_end());
                continue;
            };
            let (tag, value) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            let value = value.trim();
            let given = |what: &str| match value {
                "" => Err(format!("`@{tag}` needs {what}")),
                value => Ok(value.to_owned()),
            };
            match tag {
                "sensitive" => notes.sensitive = true,
                "name" => notes.name = Some(given("a name")?),
                "format" => notes.format = Some(given("a format, e.g. `@format email`")?),
                "example" => {
                    let value = given("a JSON value")?;
                    is_json(&value).map_err(|fault| format!("`@example {value}` {fault}"))?;
                    notes.examples.push(value);
                }
                _ => {
                    return Err(format!(
                        "`@{tag}` is not a known tag; use @name, @sensitive, @example or @format"
                    ));
                }
            }
        }
        notes.text = prose.join("\n").trim().to_owned();
        Ok(notes)
    }
}
