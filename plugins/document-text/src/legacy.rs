//! Encodings from before Unicode, and Unicode without a mark, told by what they
//! make of a text.

use encoding_rs::{Encoding, ISO_8859_15, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1252};
use oem_cp::code_table::DECODING_TABLE_CP_MAP;
use oem_cp::code_table_type::TableType;

/// So many bytes tell an encoding.
const LOOK: usize = 64 << 10;

/// The code pages of DOS that are read, by their number and their name at IANA.
const DOS: [(u16, &str); 16] = [
    (437, "IBM437"),
    (737, "cp737"),
    (775, "IBM775"),
    (850, "IBM850"),
    (852, "IBM852"),
    (855, "IBM855"),
    (857, "IBM857"),
    (858, "IBM00858"),
    (860, "IBM860"),
    (861, "IBM861"),
    (862, "IBM862"),
    (863, "IBM863"),
    (864, "IBM864"),
    (865, "IBM865"),
    (866, "IBM866"),
    (869, "IBM869"),
];

/// Letters with marks of the languages that DOS and the first Macs were sold
/// for, in lower case.
const LETTERS: &str = "äöüßéèàçêâîôûëïñáíóúåæøìòùãõ";

/// Encodings with more than one byte for every character.
#[derive(Clone, Copy)]
pub(crate) enum Wide {
    Utf16(&'static Encoding),
    /// With the most significant byte first, or last.
    Utf32 {
        big: bool,
    },
}

impl Wide {
    /// Which one, by its mark or by what it makes of the text.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        if content.len().is_multiple_of(4) && !content.is_empty() {
            if content.starts_with(b"\xff\xfe\0\0") {
                return Some(Wide::Utf32 { big: false });
            }
            if content.starts_with(b"\0\0\xfe\xff") {
                return Some(Wide::Utf32 { big: true });
            }
        }
        if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
            return None;
        }
        let look = &content[..content.len().min(LOOK)];
        // Every wide text has spaces or ends of lines.
        if !look.contains(&0) || !content.len().is_multiple_of(2) {
            return None;
        }
        if content.len().is_multiple_of(4) {
            for big in [false, true] {
                let mut units = utf32(look, big);
                // No text has only letters of dead languages.
                let living = utf32(look, big).flatten().any(|c| c < '\u{10000}');
                if living && units.all(|unit| unit.is_some_and(is_text)) {
                    return Some(Wide::Utf32 { big });
                }
            }
        }
        let little = common(look, u16::from_le_bytes).map(|count| (count, UTF_16LE));
        let big = common(look, u16::from_be_bytes).map(|count| (count, UTF_16BE));
        let (_, encoding) = little
            .into_iter()
            .chain(big)
            .max_by_key(|(count, _)| *count)?;
        Some(Wide::Utf16(encoding))
    }

    pub(crate) fn decode(self, content: &[u8]) -> (String, &'static str) {
        match self {
            Wide::Utf16(encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(content);
                (text.into_owned(), encoding.name())
            }
            Wide::Utf32 { big } => {
                let characters = utf32(content, big).map(|c| c.unwrap_or('\u{fffd}'));
                let text = characters.skip_while(|&c| c == '\u{feff}').collect();
                (text, if big { "UTF-32BE" } else { "UTF-32LE" })
            }
        }
    }
}

fn utf32(content: &[u8], big: bool) -> impl Iterator<Item = Option<char>> {
    content.as_chunks().0.iter().map(move |unit| {
        char::from_u32(match big {
            true => u32::from_be_bytes(*unit),
            false => u32::from_le_bytes(*unit),
        })
    })
}

/// How many characters are such as every text has, if all are such as any may
/// have.
fn common(look: &[u8], order: fn([u8; 2]) -> u16) -> Option<usize> {
    let units = look.as_chunks().0.iter().map(|unit| order(*unit));
    let (mut count, mut all) = (0_usize, 0_usize);
    let mut characters = char::decode_utf16(units).peekable();
    while let Some(character) = characters.next() {
        let character = match character {
            Ok(character) => character,
            // The look may end within a pair.
            Err(_) if characters.peek().is_none() => break,
            Err(_) => return None,
        };
        if !is_text(character) {
            return None;
        }
        all += 1;
        let punctuation = matches!(character, '\u{3000}'..='\u{3002}' | '\u{ff0c}');
        count += usize::from(character.is_ascii() || punctuation);
    }
    // One in twenty: Chinese has no spaces, but commas.
    (count > 0 && count * 20 >= all).then_some(count)
}

/// Whether a text may have it: neither binary data nor private.
fn is_text(character: char) -> bool {
    let value = character as u32;
    matches!(character, '\t' | '\n' | '\r' | '\u{c}' | '\u{feff}')
        || !character.is_control()
            && !matches!(value, 0xe000..=0xf8ff | 0xfff0..=0xfff8 | 0xf0000..)
            && value & 0xfffe != 0xfffe
}

/// What mainframes write: spaces are `@` and letters are beyond ASCII.
pub(crate) fn is_ebcdic(content: &[u8]) -> bool {
    let look = &content[..content.len().min(LOOK)];
    let count = |is: fn(&u8) -> bool| look.iter().filter(|byte| is(byte)).count() * 100;
    let letters = |byte: &u8| {
        matches!(byte, 0x81..=0x89 | 0x91..=0x99 | 0xa2..=0xa9 | 0xc1..=0xc9 | 0xd1..=0xd9
            | 0xe2..=0xe9 | 0xf0..=0xf9)
    };
    count(letters) >= look.len() * 60
        && count(|&byte| byte == 0x40) >= look.len() * 5
        && count(u8::is_ascii_alphabetic) <= look.len() * 5
        && count(|&byte| byte == b' ') <= look.len()
}

/// Text in a code page of DOS, as it is declared: `cp850`, `IBM850`, `dos-850`.
pub(crate) fn dos(label: &str, content: &[u8]) -> Option<(String, &'static str)> {
    let number = label.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number: u16 = number.parse().ok()?;
    let (page, name) = DOS.iter().find(|(page, _)| *page == number)?;
    Some((
        DECODING_TABLE_CP_MAP
            .get(page)?
            .decode_string_lossy(content),
        name,
    ))
}

/// Western text that is not in the encoding that was guessed for it, but in that
/// of DOS, of old Macs or with the euro of ISO 8859-15.
pub(crate) fn western(content: &[u8], guess: &'static Encoding) -> Option<(String, &'static str)> {
    let start = content.iter().position(|byte| !byte.is_ascii())?;
    let look = &content[start.saturating_sub(1)..content.len().min(start + LOOK)];
    // Letters of other scripts and of Chinese stand together.
    let foreign = look.iter().filter(|byte| !byte.is_ascii()).count();
    let pairs = look
        .windows(2)
        .filter(|pair| !pair[0].is_ascii() && !pair[1].is_ascii());
    let decode = |encoding: &'static Encoding| {
        move |byte: u8| {
            let (text, _) = encoding.decode_without_bom_handling(std::slice::from_ref(&byte));
            text.chars().next().unwrap_or('\u{fffd}')
        }
    };
    // So do the lines of frames.
    let is_frame = |three: &[u8]| matches!(three, [0xc4, 0xc4, 0xc4] | [0xcd, 0xcd, 0xcd]);
    if pairs.count() * 3 > foreign && !look.windows(3).any(is_frame) {
        return None;
    }
    if guess == WINDOWS_1252 && is_latin_9(content) {
        let (text, _) = ISO_8859_15.decode_without_bom_handling(content);
        return Some((text.into_owned(), ISO_8859_15.name()));
    }
    let trusted = score(look, decode(guess), char::is_alphabetic);
    let known = |letter: char| {
        LETTERS.contains(letter) || letter.to_lowercase().any(|c| LETTERS.contains(c))
    };
    let mac = score(look, decode(MACINTOSH), known);
    let page = |page: u16| -> Box<dyn Fn(u8) -> char> {
        match DECODING_TABLE_CP_MAP.get(&page) {
            Some(TableType::Complete(table)) => Box::new(|byte| {
                byte.checked_sub(128)
                    .map_or(byte.into(), |at| table[usize::from(at)])
            }),
            _ => Box::new(char::from),
        }
    };
    let (dos_437, dos_850) = (score(look, page(437), known), score(look, page(850), known));
    let best = mac.max(dos_437).max(dos_850);
    // One letter may be chance.
    if best < trusted + 3 {
        return None;
    }
    if best == mac {
        let (text, _) = MACINTOSH.decode_without_bom_handling(content);
        return Some((text.into_owned(), MACINTOSH.name()));
    }
    dos(if best == dos_850 { "850" } else { "437" }, content)
}

/// How much a text reads like one: letters within words, capitals where words
/// begin, frames beside frames.
fn score(look: &[u8], decode: impl Fn(u8) -> char, is_letter: impl Fn(char) -> bool) -> i64 {
    let mut score = 0;
    for index in 0..look.len() {
        let byte = look[index];
        if byte.is_ascii() {
            continue;
        }
        let before = index.checked_sub(1).map_or(b' ', |index| look[index]);
        let after = look.get(index + 1).copied().unwrap_or(b' ');
        let within = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
        let beside = before.is_ascii_alphabetic() || after.is_ascii_alphabetic();
        let letter = decode(byte);
        score += match letter {
            '\u{2500}'..='\u{259f}' if !before.is_ascii() || !after.is_ascii() => 1,
            '\u{2019}' if within => 1,
            c if c.is_control() || c == '\u{fffd}' => -3,
            c if c.is_uppercase() && before.is_ascii_lowercase() => -2,
            c if c.is_alphabetic() && is_letter(c) && beside => 2,
            c if c.is_alphabetic() => 0,
            _ if within => -2,
            _ => 0,
        };
    }
    score
}

/// ISO 8859-15 differs from Windows-1252 in a few places: a euro at an amount,
/// and letters where the other one has fractions and marks.
fn is_latin_9(content: &[u8]) -> bool {
    let look = &content[..content.len().min(LOOK)];
    if look.iter().any(|byte| matches!(byte, 0x80..=0x9f)) {
        return false;
    }
    let at = |index: Option<usize>| {
        index
            .and_then(|index| look.get(index))
            .copied()
            .unwrap_or(b' ')
    };
    look.iter().enumerate().any(|(index, byte)| {
        let (before, after) = (index.checked_sub(1), index.checked_add(1));
        match byte {
            0xa4 => {
                let far_before = if at(before) == b' ' {
                    index.checked_sub(2)
                } else {
                    before
                };
                let far_after = if at(after) == b' ' {
                    index.checked_add(2)
                } else {
                    after
                };
                at(far_before).is_ascii_digit() || at(far_after).is_ascii_digit()
            }
            0xa6 | 0xa8 | 0xb4 | 0xb8 | 0xbc | 0xbd => {
                at(before).is_ascii_alphabetic() && at(after).is_ascii_alphabetic()
            }
            _ => false,
        }
    })
}
