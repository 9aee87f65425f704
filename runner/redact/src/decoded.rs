//! A text with percent-encoding, the plus of forms and the escapes of JSON undone,
//! which knows where each byte comes from.

use std::ops::Range;

/// A text without its outermost encoding.
pub(super) struct Decoded {
    bytes: Vec<u8>,
    /// From this byte on, the text goes on from there.
    jumps: Vec<(usize, usize)>,
}

impl Decoded {
    /// None when nothing in the text is encoded.
    pub(super) fn of(text: &[u8]) -> Option<Decoded> {
        let mut decoded = Decoded {
            bytes: Vec::new(),
            jumps: vec![(0, 0)],
        };
        let mut done = 0;
        for at in memchr::memchr3_iter(b'%', b'\\', b'+', text) {
            // The second backslash of a pair.
            if at < done {
                continue;
            }
            let Some((c, length)) = unit(&text[at..]) else {
                continue;
            };
            decoded.bytes.extend_from_slice(&text[done..at]);
            decoded.jumps.push((decoded.bytes.len(), at));
            match c {
                Unit::Byte(byte) => decoded.bytes.push(byte),
                Unit::Char(c) => {
                    let c = c.encode_utf8(&mut [0; 4]).as_bytes().to_vec();
                    decoded.bytes.extend_from_slice(&c);
                }
            }
            done = at + length;
            decoded.jumps.push((decoded.bytes.len(), done));
        }
        if done == 0 {
            return None;
        }
        decoded.bytes.extend_from_slice(&text[done..]);
        Some(decoded)
    }

    /// Not always UTF-8.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where whole characters of it come from.
    pub(super) fn source(&self, place: Range<usize>) -> Range<usize> {
        let source = |at: usize| {
            let next = self.jumps.partition_point(|(from, _)| *from <= at);
            let (from, source) = self.jumps[next - 1];
            source + (at - from)
        };
        source(place.start)..source(place.end)
    }
}

/// What something encoded stands for.
enum Unit {
    Byte(u8),
    Char(char),
}

/// The encoded unit at the start of a text, and its length.
fn unit(text: &[u8]) -> Option<(Unit, usize)> {
    match text[0] {
        b'+' => Some((Unit::Byte(b' '), 1)),
        b'%' => Some((Unit::Byte(hex(text.get(1..3))? as u8), 3)),
        _ => escape(&text[1..]).map(|(c, length)| (Unit::Char(c), 1 + length)),
    }
}

/// The character of an escape after its backslash, and its length.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let c = match text.first()? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unicode(text),
        c @ (b'"' | b'\\' | b'/') => char::from(*c),
        _ => return None,
    };
    Some((c, 1))
}

/// `u00e4`, or two surrogates with a backslash between them.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = hex(text.get(1..5))?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 5));
    }
    let second = text.get(5..7).filter(|between| *between == b"\\u");
    let second = second.and_then(|_| hex(text.get(7..11)))?;
    let pair = [first as u16, second as u16];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some((c, 11))
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    // `+1` is a number, too.
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
