//! What may be sent to a terminal. Names, payloads, logs and reasons come from
//! strangers: a control character in them can move the cursor, hide text, rename the
//! window or answer for the user, and a formatting one can make one text look like
//! another.
//!
//! Such characters are shown as JSON escapes them, `\u001b`: readable in any text,
//! and still the same value in JSON. Any module may use it.

use std::borrow::Cow;
use std::fmt::Write;

/// A text on one line: line breaks are escaped, tabs are kept.
pub fn inline(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\t')
}

/// A text of several lines: line breaks and tabs are kept.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// A report that brings its own colours: of all control sequences, only those that
/// style text (`ESC [ … m`) are kept.
pub fn styled(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        shown.push_str(&lines(&rest[..at]));
        let length = style(&rest[at..]);
        match length {
            Some(length) => shown.push_str(&rest[at..at + length]),
            None => push(&mut shown, '\u{1b}', None),
        }
        rest = &rest[at + length.unwrap_or(1)..];
    }
    shown.push_str(&lines(rest));
    shown
}

/// The length of the sequence that styles text at the start of this one.
fn style(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// Append a character, escaped unless it is harmless after the one `before` it.
pub fn push(shown: &mut String, c: char, before: Option<char>) {
    if !is_harmful(c, before) {
        shown.push(c);
        return;
    }
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let before = text.chars().map(Some);
    let pairs = || {
        std::iter::once(None)
            .chain(before.clone())
            .zip(text.chars())
    };
    if !pairs().any(|(before, c)| is_harmful(c, before) && !keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (before, c) in pairs() {
        match keep(c) {
            true => shown.push(c),
            false => push(&mut shown, c, before),
        }
    }
    Cow::Owned(shown)
}

/// Control characters, and those without a shape of their own that change how
/// others are shown.
fn is_harmful(c: char, before: Option<char>) -> bool {
    match c {
        ' '..='~' => false,
        // Joiners shape Persian, Indic scripts and emoji; between letters of ASCII
        // they only make two names look like one.
        '\u{200c}' | '\u{200d}' => before.is_none_or(|before| before.is_ascii()),
        // Marks, embeddings, overrides and isolates of bidirectional text.
        '\u{61c}' | '\u{200e}' | '\u{200f}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => true,
        // Separators of lines and paragraphs.
        '\u{2028}' | '\u{2029}' => true,
        // Nothing to see: soft hyphen, zero-width space, word joiner and invisible operators,
        // byte order mark, Mongolian vowel separator, Hangul fillers, interlinear
        // annotation, tags.
        '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' => true,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_what_deceives_are_escaped_as_in_json() {
        for (text, shown) in [
            ("plain Ünicode €\t漢字 👍", "plain Ünicode €\t漢字 👍"),
            ("a\u{1b}[2J\u{7}", "a\\u001b[2J\\u0007"),
            ("a\u{9b}31m\u{7f}", "a\\u009b31m\\u007f"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{202e}exe.gnp\u{2069}", "\\u202eexe.gnp\\u2069"),
            ("a\u{200b}b\u{2028}c\u{feff}", "a\\u200bb\\u2028c\\ufeff"),
            ("a\u{e0041}", "a\\udb40\\udc41"),
            (
                "می\u{200c}خواهم 👩\u{200d}💻",
                "می\u{200c}خواهم 👩\u{200d}💻",
            ),
            ("ad\u{200d}min", "ad\\u200dmin"),
        ] {
            assert_eq!(inline(text), shown);
        }
        assert_eq!(lines("a\nb\tc\rd"), "a\nb\tc\\rd");
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        for c in ('\u{7f}'..='\u{ffff}').chain('\u{e0000}'..='\u{e007f}') {
            let json = serde_json::to_string(&format!("a{c}b")).unwrap();
            let shown = lines(&json);
            assert_eq!(
                serde_json::from_str::<String>(&shown).unwrap(),
                format!("a{c}b")
            );
        }
    }

    #[test]
    fn of_a_report_only_its_colours_are_left() {
        for (text, shown) in [
            (
                "\u{1b}[1;31merror\u{1b}[0m: x",
                "\u{1b}[1;31merror\u{1b}[0m: x",
            ),
            ("a\u{1b}[2Jb", "a\\u001b[2Jb"),
            ("a\u{1b}]0;b\u{7}\nc\u{1b}", "a\\u001b]0;b\\u0007\nc\\u001b"),
            ("\u{1b}[31", "\\u001b[31"),
        ] {
            assert_eq!(styled(text), shown);
        }
    }
}
