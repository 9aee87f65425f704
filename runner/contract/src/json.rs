//! Whether a text is JSON, and how deep it is nested. Parsers that recurse, which
//! most guests have, use up their stack on a few kilobytes of brackets.

use serde::de::IgnoredAny;

use super::fault::{Fault, Path, Step};

/// Steps shown of a way that is too long to be shown whole.
const SHOWN: usize = 8;

/// Whether a text is JSON. Does not recurse, so depth is no danger.
///
/// # Errors
/// `is not JSON: …`, to follow a name of the text.
pub fn is_json(text: &str) -> Result<(), String> {
    serde_json::from_str::<IgnoredAny>(text)
        .map(drop)
        .map_err(|error| format!("is not JSON: {error}"))
}

/// Whether a text is JSON that is not nested deeper than this.
///
/// # Errors
/// What is wrong, to follow a name of the text; the place in it begins with `root`.
pub fn check_json(root: &'static str, text: &str, depth: usize) -> Result<(), String> {
    is_json(text)?;
    match too_deep(root, text, depth) {
        Some(fault) => Err(format!("is nested too deep: {fault}")),
        None => Ok(()),
    }
}

/// The first place in a text that is nested deeper than `max` levels of arrays and
/// objects. Text that is not JSON is looked at as if it were.
pub fn too_deep(root: &'static str, text: &str, max: usize) -> Option<Fault> {
    // Most texts have fewer brackets than that, which is known at once.
    let opens = |byte: &&u8| **byte | 0x20 == b'{';
    if text.len() <= max || text.as_bytes().iter().filter(opens).count() <= max {
        return None;
    }
    let mut steps = way(text.as_bytes(), max)?;
    steps.truncate(SHOWN);
    Some(Fault {
        path: Path { root, steps },
        reason: format!("more than {max} levels from here on (max_depth)"),
    })
}

/// The way to the first bracket that opens one level too many.
fn way(text: &[u8], max: usize) -> Option<Vec<Step>> {
    // Of each level its kind and, in an array, where it is; keys of objects are
    // read again when they are needed.
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' if levels.len() == max => {
                return Some(levels.iter().map(|level| level.step(text)).collect());
            }
            b'[' => levels.push(Level::Array(0)),
            b'{' => levels.push(Level::Object(None)),
            b']' | b'}' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Array(index)) => *index += 1,
                Some(Level::Object(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let end = end_of_string(text, at + 1);
                if let Some(Level::Object(key @ None)) = levels.last_mut() {
                    *key = Some((at, end));
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that begins here ends: at its quotation mark.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

enum Level {
    /// The index of the element.
    Array(usize),
    /// The place of the key, in its quotation marks.
    Object(Option<(usize, usize)>),
}

impl Level {
    fn step(&self, text: &[u8]) -> Step {
        match self {
            Level::Array(index) => Step::Index(*index),
            Level::Object(key) => {
                let key = key.and_then(|(start, end)| text.get(start..=end));
                let key = key.and_then(|key| serde_json::from_slice(key).ok());
                Step::Key(key.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, max: usize) -> Option<String> {
        too_deep("data", text, max).map(|fault| fault.to_string())
    }

    #[test]
    fn as_deep_as_allowed_is_no_fault_and_one_level_more_is() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = open.matches(['[', '{']).count();
            let nested = |times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
            assert_eq!(found(&nested(64 / levels), 64), None);
            assert!(found(&nested(64 / levels + 1), 64).is_some());
        }
        // Wide is not deep.
        let wide = format!("[{}[]]", "[],{\"a\":[1]},".repeat(1000));
        assert_eq!(found(&wide, 3), None);
        assert!(found(&wide, 2).is_some());
    }

    #[test]
    fn the_place_is_named() {
        let reason = "more than 3 levels from here on (max_depth)";
        for (text, place) in [
            ("[0,[1,2,[3,[4]]]]", "data[1][2][1]"),
            (
                r#"{"a":"[[[[","b c":[{"\"k":{"l":1}}]}"#,
                r#"data["b c"][0]["\"k"]"#,
            ),
            (r#"[{"a":[],"b":[[1]]}]"#, "data[0].b[0]"),
        ] {
            assert_eq!(found(text, 3), Some(format!("{place}: {reason}")), "{text}");
        }
        let long = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let expected =
            "data[0][0][0][0][0][0][0][0]: more than 128 levels from here on (max_depth)";
        assert_eq!(found(&long, 128).as_deref(), Some(expected));
    }

    #[test]
    fn brackets_in_strings_and_broken_texts_are_no_levels() {
        assert_eq!(found(&format!("\"{}\"", "[{".repeat(500)), 4), None);
        assert_eq!(found(&format!("\"\\\"{}\"", "[{".repeat(500)), 4), None);
        assert_eq!(found("\"[[[[[[[[", 4), None);
        assert_eq!(found("[]]]]]]]]][[[[", 4), None);
        assert!(found(&"[".repeat(9), 4).is_some());
        assert_eq!(found("\"\\", 0), None);
    }
}
