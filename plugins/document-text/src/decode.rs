//! From bytes to text: which encoding a text is in.
//!
//! The order is that of browsers: a byte order mark, UTF-8 if all of it is
//! valid, what was declared, the `<meta>` of HTML, and a guess. Besides, wide
//! encodings are known without a mark, and old ones that browsers do not know.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8};

use crate::Error;
use crate::legacy::{Wide, dos, is_ebcdic, western};

/// HTML names its encoding within this many bytes (HTML, 4.2.5.4).
const META: usize = 1024;

/// The guess reads this many bytes: more letters than it needs, and no more time
/// for a book than for a chapter.
const GUESS: usize = 256 << 10;

/// It reads this many before the first letter that is not ASCII: the word.
const BEFORE: usize = 64;

/// Escapes that switch a text of ASCII to Japanese (RFC 1468), and to Korean and
/// Chinese (RFC 1557, RFC 1922).
const JAPANESE: [&[u8]; 3] = [b"\x1b$B", b"\x1b$@", b"\x1b(J"];
const KOREAN: &[u8] = b"\x1b$)C";
const CHINESE: &[u8] = b"\x1b$)A";

/// The text and the name of its encoding. What is not valid in the encoding
/// becomes U+FFFD.
///
/// # Errors
/// [`Error::Encoding`] when it is one that is not read.
pub(crate) fn decode(
    content: Vec<u8>,
    declared: Option<&str>,
    html: bool,
) -> Result<(String, &'static str), Error> {
    if let Some(wide) = Wide::of(&content) {
        return Ok(wide.decode(&content));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(&content) {
        let (text, _) = encoding.decode_without_bom_handling(&content[mark..]);
        return Ok((text.into_owned(), encoding.name()));
    }
    if let Some(encoding) = escaped(&content)? {
        let (text, _) = encoding.decode_without_bom_handling(&content);
        return Ok((text.into_owned(), encoding.name()));
    }
    let content = match String::from_utf8(content) {
        Ok(text) => return Ok((text, UTF_8.name())),
        Err(error) => error.into_bytes(),
    };
    let encoding = declared
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| html.then(|| meta(&content)).flatten())
        // It says UTF-8 and is not: someone guessed before.
        .filter(|&encoding| encoding != UTF_8);
    let encoding = match encoding {
        Some(encoding) => encoding,
        None => {
            if let Some(found) = declared.and_then(|label| dos(label, &content)) {
                return Ok(found);
            }
            if is_ebcdic(&content) {
                return Err(Error::Encoding("EBCDIC"));
            }
            let guess = guess(&content);
            if let Some(found) = western(&content, guess) {
                return Ok(found);
            }
            guess
        }
    };
    let (text, _) = encoding.decode_without_bom_handling(&content);
    Ok((text.into_owned(), encoding.name()))
}

/// The encoding of a text of ASCII with escapes, if it has any.
fn escaped(content: &[u8]) -> Result<Option<&'static Encoding>, Error> {
    let Some(first) = content.iter().position(|&byte| byte == 0x1b) else {
        return Ok(None);
    };
    if !content.is_ascii() {
        return Ok(None);
    }
    let rest = &content[first..];
    if rest.starts_with(KOREAN) {
        return Err(Error::Encoding("ISO-2022-KR"));
    }
    if rest.starts_with(CHINESE) {
        return Err(Error::Encoding("ISO-2022-CN"));
    }
    // The first escape may be of something else.
    let is_japanese = rest.windows(3).any(|bytes| JAPANESE.contains(&bytes));
    Ok(is_japanese.then_some(ISO_2022_JP))
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
/// just before the first one.
fn guess(content: &[u8]) -> &'static Encoding {
    let first = content.iter().position(|byte| !byte.is_ascii());
    let start = first.unwrap_or_default().saturating_sub(BEFORE);
    let end = content.len().min(start + GUESS);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&content[start..end], end == content.len());
    detector.guess(None, Utf8Detection::Deny)
}
