//! From bytes to text: which encoding a text is in.
//!
//! The order is that of browsers: a byte order mark, UTF-8 if all of it is
//! valid, what was declared, the `<meta>` of HTML, and a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// HTML names its encoding within this many bytes (HTML, 4.2.5.4).
const META: usize = 1024;

/// The guess reads this many bytes: more letters than it needs, and no more time
/// for a book than for a chapter.
const GUESS: usize = 256 << 10;

/// It reads this many before the first letter that is not ASCII: the word.
const BEFORE: usize = 64;

/// The text and the name of its encoding. What is not valid in the encoding
/// becomes U+FFFD.
pub(crate) fn decode(
    content: Vec<u8>,
    declared: Option<&str>,
    html: bool,
) -> (String, &'static str) {
    if let Some((encoding, mark)) = Encoding::for_bom(&content) {
        let (text, _) = encoding.decode_without_bom_handling(&content[mark..]);
        return (text.into_owned(), encoding.name());
    }
    let content = match String::from_utf8(content) {
        Ok(text) => return (text, UTF_8.name()),
        Err(error) => error.into_bytes(),
    };
    let encoding = declared
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| html.then(|| meta(&content)).flatten())
        // It says UTF-8 and is not: someone guessed before.
        .filter(|&encoding| encoding != UTF_8)
        .unwrap_or_else(|| guess(&content));
    let (text, _) = encoding.decode_without_bom_handling(&content);
    (text.into_owned(), encoding.name())
}

/// The encoding after the first `charset=` of a page, quoted or not.
fn meta(content: &[u8]) -> Option<&'static Encoding> {
    let head = content[..content.len().min(META)].to_ascii_lowercase();
    let at = head.windows(8).position(|bytes| bytes == b"charset=")?;
    let label = head[at + 8..]
        .split(|byte| matches!(byte, b'"' | b'\'' | b'>' | b';' | b' ' | b'/'))
        .find(|part| !part.is_empty())?;
    Encoding::for_label(label)
}

/// Only letters that are not ASCII tell encodings apart, so the guess begins
/// just before the first one. (ISO-2022-JP has none, and arrives as UTF-8.)
fn guess(content: &[u8]) -> &'static Encoding {
    let first = content.iter().position(|byte| !byte.is_ascii());
    let start = first.unwrap_or_default().saturating_sub(BEFORE);
    let end = content.len().min(start + GUESS);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&content[start..end], end == content.len());
    detector.guess(None, Utf8Detection::Deny)
}
