//! Mistakes of TOML itself.

use std::ops::Range;

use toml::de::{DeTable, Error};

/// More than people mend in one go.
const MOST: usize = 5;

/// One mistake of TOML: where, and what.
pub(super) type Mistake = (Range<usize>, String);

/// The mistakes of a text without those that only follow from another one: the first,
/// and each that its line has by itself, one for a line. Keys that come twice are told only when
/// there is nothing else.
pub(super) fn mistakes(source: &str, faults: Vec<Error>) -> Vec<Mistake> {
    let mut all: Vec<Mistake> = faults
        .iter()
        .map(|fault| (place(source, fault), message(fault)))
        .collect();
    all.sort_by_key(|(place, _)| place.start);
    let is_double = |message: &str| message == "duplicate key";
    if all.iter().all(|(_, message)| is_double(message)) {
        return all;
    }
    all.retain(|(_, message)| !is_double(message));
    all.dedup_by_key(|(place, _)| line_of(source, place.start).start);
    let mut first = true;
    all.retain(|(place, _)| std::mem::take(&mut first) || has_its_own(source, place.start));
    all.truncate(MOST);
    all
}

/// Whether the line has a mistake at this place without the lines before it.
fn has_its_own(source: &str, at: usize) -> bool {
    let line = line_of(source, at);
    let (_, faults) = DeTable::parse_recoverable(&source[line.clone()]);
    let places = faults.iter().filter_map(Error::span);
    places
        .into_iter()
        .any(|place| line.start + place.start == at)
}

fn message(fault: &Error) -> String {
    match fault.message() {
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            "nested too deeply".to_owned()
        }
        message => message.to_owned(),
    }
}

/// Where a mistake is. That of a key with too many dots has no place: it is on the
/// first line that has such a one.
fn place(source: &str, fault: &Error) -> Range<usize> {
    if let Some(place) = fault.span() {
        return place;
    }
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let (_, faults) = DeTable::parse_recoverable(line);
        if faults.iter().any(|fault| fault.span().is_none()) {
            return start..start + line.trim_end().len();
        }
        start += line.len();
    }
    0..0
}

fn line_of(source: &str, at: usize) -> Range<usize> {
    let start = source[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = source[at..].find('\n').map_or(source.len(), |end| at + end);
    start..end
}
