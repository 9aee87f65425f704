//! Finds numbers in a text, in one pass.
//!
//! Only digits stop the pass. From each, the groups round it are read that one
//! number can have, and the kinds of that length are tried. What is not taken is
//! not read again, but for the few groups that the next number may begin with.

use super::label::Context;
use super::{Identifier, Label};

/// Characters of the longest identifier.
const LONGEST: usize = 62;
/// Groups of the longest IBAN, and of what may stand before it.
const GROUPS: usize = 12;
/// Letters in front of the first digits, and groups of them: `RSS MRA 85T10 …`.
const LETTERS: usize = 3;
const LETTER_GROUPS: usize = 2;
/// Blanks round a line break in a number.
const INDENT: usize = 8;

/// A number in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Which of the kinds of the walk.
    pub(crate) kind: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A walk through a text.
pub(crate) struct Walk<'a> {
    kinds: &'a [(usize, &'static Identifier)],
    text: &'a str,
    /// How many kinds have numbers of each length.
    by_length: [u8; LONGEST + 1],
    /// Where the last number or group ended.
    floor: usize,
    /// Up to where there are no further digits.
    searched: usize,
}

/// Characters without a separator.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
    /// What stands before it: a blank, a hyphen, a full stop or a line break.
    separator: u8,
}

/// What is read round a digit.
struct Run {
    groups: Vec<Group>,
    /// The group with the digit.
    first: usize,
}

impl<'a> Walk<'a> {
    /// The kinds, each with a name of its own.
    pub(crate) fn new(kinds: &'a [(usize, &'static Identifier)], text: &'a str) -> Self {
        let mut by_length = [0; LONGEST + 1];
        for (_, kind) in kinds {
            for length in kind.lengths.clone() {
                by_length[length] += 1;
            }
        }
        Walk {
            kinds,
            text,
            by_length,
            floor: 0,
            searched: 0,
        }
    }

    /// The next number whose first digit is before `limit`.
    pub(crate) fn next(&mut self, limit: usize) -> Option<Written> {
        if self.kinds.is_empty() {
            return None;
        }
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.searched..limit)?;
            let Some(digit) = rest.iter().position(u8::is_ascii_digit) else {
                self.searched = limit;
                return None;
            };
            let run = Run::read(bytes, self.floor, self.searched + digit);
            let found = self.best(&run);
            let end = found.map_or(run.groups[run.first].end, |number| number.end);
            (self.floor, self.searched) = (end, end);
            if found.is_some() {
                return found;
            }
        }
    }

    /// The number with the nearest word, or else the longest one.
    fn best(&self, run: &Run) -> Option<Written> {
        let mut best: Option<((usize, usize), Written)> = None;
        for from in 0..=run.first {
            if !begins(self.text, run.groups[from].start) {
                continue;
            }
            let mut lengths = Vec::with_capacity(GROUPS);
            let (mut separator, mut breaks, mut length) = (None, 0, 0);
            for (at, group) in run.groups.iter().enumerate().skip(from) {
                if at > from {
                    match group.separator {
                        b'\n' => breaks += 1,
                        other if separator.is_none_or(|known| known == other) => {
                            separator = Some(other);
                        }
                        _ => break,
                    }
                }
                length += group.end - group.start;
                if length > LONGEST || breaks > 1 {
                    break;
                }
                lengths.push(group.end - group.start);
                if at < run.first || self.by_length[length] == 0 || !ends(self.text, group.end) {
                    continue;
                }
                let span = &run.groups[from..=at];
                if let Some((kind, distance)) = self.kind(span, &lengths, length, separator) {
                    let rank = (distance, LONGEST - length);
                    let written = Written {
                        kind,
                        start: span[0].start,
                        end: group.end,
                    };
                    if best.is_none_or(|(known, _)| rank < known) {
                        best = Some((rank, written));
                    }
                }
            }
        }
        best.map(|(_, written)| written)
    }

    /// What these groups are, and how far away the word for it is.
    fn kind(
        &self,
        span: &[Group],
        lengths: &[usize],
        length: usize,
        separator: Option<u8>,
    ) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let mut written = Vec::new();
        let mut context = None;
        let mut best: Option<(usize, usize)> = None;
        for (name, kind) in self.kinds {
            if !kind.lengths.contains(&length) || !kind.groups.allow(lengths) {
                continue;
            }
            if written.is_empty() {
                let parts = span.iter().map(|group| &bytes[group.start..group.end]);
                written = parts.collect::<Vec<_>>().concat();
            }
            let valid = match kind.cased {
                true => (kind.valid)(&written),
                false => (kind.valid)(&written.to_ascii_uppercase()),
            };
            if !valid {
                continue;
            }
            let context = context.get_or_insert_with(|| {
                let (first, last) = (span[0], span[span.len() - 1]);
                Context::new(self.text, first.start, last.end)
            });
            let distance = context.distance(kind.words);
            let capitals = !written.iter().any(u8::is_ascii_lowercase);
            let alone = match kind.label {
                Label::Never => true,
                Label::Unshaped => capitals && !context.is_something_else(),
                Label::Ungrouped(by) => capitals && separator == Some(by),
                Label::Always => false,
            };
            let distance = distance.or(alone.then_some(usize::MAX));
            if let Some(distance) = distance
                && best.is_none_or(|(_, known)| distance < known)
            {
                best = Some((*name, distance));
            }
        }
        best
    }
}

impl Run {
    /// The groups round a digit, none of them before `floor`.
    fn read(bytes: &[u8], floor: usize, digit: usize) -> Self {
        let lowest = floor.max(digit.saturating_sub(LONGEST));
        let start = group_start(bytes, lowest, digit);
        let mut groups = vec![Group {
            start,
            end: group_end(bytes, digit),
            separator: 0,
        }];
        for _ in 0..LETTER_GROUPS {
            let Some((separator, end)) = separator_before(bytes, groups[0].start) else {
                break;
            };
            let start = group_start(
                bytes,
                floor.max(end.saturating_sub(LETTERS + 1)).min(end),
                end,
            );
            let letters = &bytes[start..end];
            if !(1..=LETTERS).contains(&letters.len())
                || !letters.iter().all(u8::is_ascii_alphabetic)
            {
                break;
            }
            groups[0].separator = separator;
            let group = Group {
                start,
                end,
                separator: 0,
            };
            groups.insert(0, group);
        }
        let first = groups.len() - 1;
        let mut end = groups[first].end;
        while groups.len() < GROUPS {
            let Some((separator, start)) = separator_after(bytes, end) else {
                break;
            };
            end = group_end(bytes, start);
            if end == start || end - start > LONGEST {
                break;
            }
            groups.push(Group {
                start,
                end,
                separator,
            });
        }
        Run { groups, first }
    }
}

fn group_start(bytes: &[u8], lowest: usize, from: usize) -> usize {
    let before = bytes[lowest..from].iter().rev();
    from - before
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

fn group_end(bytes: &[u8], from: usize) -> usize {
    let after = bytes[from..].iter();
    from + after
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

/// The separator that ends here, and where it begins.
fn separator_before(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    match &bytes[..at] {
        [.., b' '] => Some((b' ', at - 1)),
        [.., b'-'] => Some((b'-', at - 1)),
        [.., 0xc2, 0xa0] => Some((b' ', at - 2)),
        _ => None,
    }
}

/// The separator that begins here, and where it ends. The spaces that do not
/// break (U+00A0, U+202F) and the other hyphens (U+2010, U+2011, U+2013) count
/// as the plain ones.
fn separator_after(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let (separator, end) = match &bytes[at..] {
        [b' ', ..] => (b' ', at + 1),
        [b'-', ..] => (b'-', at + 1),
        [b'.', ..] => (b'.', at + 1),
        [0xc2, 0xa0, ..] => (b' ', at + 2),
        [0xe2, 0x80, 0xaf, ..] => (b' ', at + 3),
        [0xe2, 0x80, 0x90 | 0x91 | 0x93, ..] => (b'-', at + 3),
        [b'\n' | b'\r' | b'\t', ..] => (b'\n', at),
        _ => return None,
    };
    let next = bytes.get(end)?;
    if separator != b'\n' && next.is_ascii_alphanumeric() {
        return Some((separator, end));
    }
    // Or a line break, with blanks round it.
    let blanks = bytes[end..].iter().take(2 * INDENT);
    let blanks = blanks.take_while(|byte| byte.is_ascii_whitespace()).count();
    let blanks = &bytes[end..end + blanks];
    let breaks = blanks.iter().filter(|byte| **byte == b'\n').count();
    (breaks == 1).then_some((b'\n', end + blanks.len()))
}

/// Whether a number may begin here: it is no part of a longer one, of a word or
/// of an amount.
fn begins(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    let (last, other) = (before.next(), before.next());
    match last {
        None => true,
        Some('-' | '\u{2010}' | '\u{2011}' | '\u{2013}') => {
            !other.is_some_and(char::is_alphanumeric)
        }
        Some('.' | ',' | '/' | ':') => !other.is_some_and(|other| other.is_ascii_digit()),
        Some('+' | '_' | '@' | '$' | '€' | '£' | '₹') => false,
        Some(last) => !last.is_alphanumeric(),
    }
}

/// Whether a number may end here.
fn ends(text: &str, at: usize) -> bool {
    let mut after = text[at..].chars();
    let (next, other) = (after.next(), after.next());
    match next {
        None => true,
        Some('-') => !other.is_some_and(char::is_alphanumeric),
        Some('.' | ',' | '/' | ':') => !other.is_some_and(|other| other.is_ascii_digit()),
        Some('_' | '@') => false,
        Some(next) => !next.is_alphanumeric(),
    }
}
