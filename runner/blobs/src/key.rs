//! Keys, as plugins write them. The same rule holds for all stores, so that a plugin that
//! was tried with a directory works with a bucket.

use crate::Error;

/// Bytes of a key: what S3 allows.
const LONGEST: usize = 1024;

/// Where the uploads of a directory lie until they are finished; never a key.
pub(crate) const UPLOADS: &str = ".runner-uploads";

/// Whether an object may have this key.
pub(crate) fn check(key: &str) -> Result<(), Error> {
    let refused = |why: &str| Error::Invalid(format!("key {:?} {why}", brief(key)));
    if key.is_empty() || key.len() > LONGEST {
        let bytes = key.len();
        return Err(refused(&format!(
            "has {bytes} bytes: it must have 1 to {LONGEST}"
        )));
    }
    let mut parts = key.split('/');
    if let Some(part) = parts.find(|part| matches!(*part, "" | "." | "..")) {
        return Err(refused(&format!(
            "has the part {part:?}: no part may be empty, `.` or `..`"
        )));
    }
    check_start(key)
}

/// Whether keys may begin so. The last part need not be whole.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Error> {
    if prefix.is_empty() {
        return Ok(());
    }
    // Whatever the last part is, it may go on.
    check(&format!("{prefix}x"))
}

fn check_start(key: &str) -> Result<(), Error> {
    let refused = |why: &str| Error::Invalid(format!("key {:?} {why}", brief(key)));
    if let Some(odd) = key.chars().find(|c| c.is_ascii_control()) {
        return Err(refused(&format!("has the control character {odd:?}")));
    }
    match key.split('/').next() == Some(UPLOADS) {
        true => Err(refused(
            "is where Runner keeps unfinished uploads: use another one",
        )),
        false => Ok(()),
    }
}

/// The beginning of a text, for a message.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_paths() {
        for key in ["a", "a/b.pdf", "ä/ö ü/%2e", "..a", &"k".repeat(1024)] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
        let told = |key: &str| check(key).unwrap_err().to_string();
        let parts = "no part may be empty, `.` or `..`";
        assert_eq!(told(""), "key \"\" has 0 bytes: it must have 1 to 1024");
        assert!(told(&"k".repeat(1025)).ends_with("has 1025 bytes: it must have 1 to 1024"));
        assert_eq!(
            told("a/../b"),
            format!("key \"a/../b\" has the part \"..\": {parts}")
        );
        assert_eq!(told("/a"), format!("key \"/a\" has the part \"\": {parts}"));
        assert_eq!(told("a/"), format!("key \"a/\" has the part \"\": {parts}"));
        assert_eq!(told("a\0"), "key \"a\\0\" has the control character '\\0'");
        assert_eq!(
            told(".runner-uploads/x"),
            "key \".runner-uploads/x\" is where Runner keeps unfinished uploads: use another one"
        );
    }

    #[test]
    fn a_prefix_ends_anywhere() {
        for prefix in ["", "a/", "a/b", "..", "a/."] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix}");
        }
        assert!(check_prefix("../").is_err());
        assert!(check_prefix("/a").is_err());
    }
}
