//! What does not fit a contract, and where.

use std::fmt;

/// The first thing of a value that does not fit: `data.items[1].quantity: -2 is
/// out of range for u32`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Fault {
    /// The place, from `data` or `result` on.
    pub path: Path,
    /// What was expected and what was found.
    pub reason: String,
}

/// A place in a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// `data` or `result`.
    pub root: &'static str,
    /// From the root to the place.
    pub steps: Vec<Step>,
}

/// A step down a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into an array.
    Index(usize),
}

impl Path {
    /// The place as a JSON Pointer (RFC 6901) from the root: `/items/1/quantity`.
    pub fn pointer(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!("/{index}"),
        };
        self.steps.iter().map(step).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root)?;
        for step in &self.steps {
            match step {
                Step::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What JavaScript takes after a dot.
fn is_word(key: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    key.starts_with(letter) && key.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_pointer_too() {
        let path = Path {
            root: "data",
            steps: vec![
                Step::Key("a/b~c".into()),
                Step::Index(1),
                Step::Key("".into()),
            ],
        };
        assert_eq!(path.pointer(), "/a~1b~0c/1/");
    }
}
