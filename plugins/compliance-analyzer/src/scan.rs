//! Reads a text once and notes what the rules find.
//!
//! All patterns together are one automaton that reads the text window by
//! window; only the rules that it names look closer, each from where it stopped.
//! Numbers have a walk of their own, a little ahead of the automaton. So the time
//! is linear in the length of the text, and a rule that is never met is never
//! compiled alone.

use std::cell::OnceCell;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::check::Hit;
use crate::identifiers::{Identifier, Walk};
use crate::rule::{Check, Find, Rule};

/// Bytes that are read at a time; a window ends at a line if it can. Small
/// enough that few rules are met in each, large enough that the start of a
/// window costs nothing.
const WINDOW: usize = 4096;
/// Bytes behind the window that a match may reach into.
const OVERLAP: usize = 512;
/// Bytes before a match, and behind it, that checks may look at.
const BEFORE: usize = 80;
const AFTER: usize = 16;
/// Bytes of the automaton's memory. Ordinary text needs a few hundred KiB; text
/// that is made of the words of the rules would fill the default of 2 MiB again
/// and again.
const CACHE: usize = 16 << 20;
/// Windows between two reports of progress: 1 MiB.
const REPORT: usize = 256;

/// What one rule found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How often.
    pub(crate) count: u64,
    /// The first places, at most as many as were asked for.
    pub(crate) places: Vec<Place>,
}

/// Where a value stands, counted from 1, and how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) page: usize,
    /// Of the page.
    pub(crate) line: usize,
    /// In characters.
    pub(crate) column: usize,
    pub(crate) excerpt: String,
}

/// Rules, ready to read texts.
pub(crate) struct Scanner {
    rules: Vec<&'static Rule>,
    patterns: Vec<Pattern>,
    all: RegexSet,
    /// Each with the index of its rule.
    numbers: Vec<(usize, &'static Identifier)>,
}

/// What a rule looks for with a pattern.
struct Pattern {
    rule: usize,
    source: &'static str,
    check: Check,
    /// Whether it gives way to a number.
    yields: bool,
    compiled: OnceCell<Regex>,
}

/// What was found so far.
struct Notes {
    found: Vec<Found>,
    /// Places to be shown: the offset, the rule, and which of its places.
    places: Vec<(usize, usize, usize)>,
    /// Where numbers stand that a pattern may still meet, in order.
    numbers: Vec<(usize, usize)>,
    shown: usize,
}

impl Scanner {
    pub(crate) fn new(rules: Vec<&'static Rule>) -> Self {
        let mut patterns = Vec::new();
        let mut numbers = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match rule.find {
                Find::Text(source, check) => {
                    patterns.push(Pattern::new(index, source, check, false))
                }
                Find::Label(source, check) => {
                    patterns.push(Pattern::new(index, source, check, true))
                }
                Find::Number(kind) => numbers.push((index, kind)),
            }
        }
        let all = RegexSetBuilder::new(patterns.iter().map(|pattern| pattern.source))
            .unicode(false)
            .case_insensitive(true)
            .dfa_size_limit(CACHE)
            .build()
            .expect("the tests compile every pattern");
        Scanner {
            rules,
            patterns,
            all,
            numbers,
        }
    }

    pub(crate) fn rules(&self) -> &[&'static Rule] {
        &self.rules
    }

    /// What each rule finds in the text, in the order of the rules; `pages` are
    /// the offsets at which pages begin.
    pub(crate) fn scan(
        &self,
        text: &str,
        pages: &[usize],
        shown: usize,
        mut progress: impl FnMut(usize),
    ) -> Vec<Found> {
        let mut notes = Notes {
            found: vec![Found::default(); self.rules.len()],
            places: Vec::new(),
            numbers: Vec::new(),
            shown,
        };
        let mut resume = vec![0; self.patterns.len()];
        let mut walk = Walk::new(&self.numbers, text);
        let mut cursor = Cursor::new(text, pages);
        let mut start = 0;
        for window in 0.. {
            if start >= text.len() {
                break;
            }
            if window % REPORT == 0 {
                progress(start);
            }
            let end = window_end(text, start);
            let reach = text.ceil_char_boundary(end.saturating_add(OVERLAP).min(text.len()));
            notes.numbers.retain(|&(_, number_end)| number_end > start);
            while let Some(number) = walk.next(reach) {
                notes.numbers.push((number.start, number.end));
                self.note(&mut notes, number.kind, text, (number.start, number.end));
            }
            // One byte earlier, for what must not stand before a word.
            let seen = &text.as_bytes()[start.saturating_sub(1)..reach];
            for index in self.all.matches(seen) {
                let pattern = &self.patterns[index];
                let mut at = start.max(resume[index]);
                while let Some((value, next)) = pattern.find(&text[..reach], at, end) {
                    at = next;
                    if let Some(value) = value
                        && !(pattern.yields && notes.has_number(value))
                    {
                        self.note(&mut notes, pattern.rule, text, value);
                    }
                }
                resume[index] = at;
            }
            // A value may stand behind the window; there others may precede it.
            notes.places.sort_unstable();
            let before_end = notes.places.partition_point(|&(offset, ..)| offset < end);
            for (offset, rule, index) in notes.places.drain(..before_end) {
                let place = &mut notes.found[rule].places[index];
                (place.page, place.line, place.column) = cursor.advance(offset);
            }
            start = end;
        }
        notes.found
    }

    fn note(&self, notes: &mut Notes, rule: usize, text: &str, (start, end): (usize, usize)) {
        let found = &mut notes.found[rule];
        found.count += 1;
        let planned = found.places.len();
        if planned < notes.shown {
            found.places.push(Place {
                page: 0,
                line: 0,
                column: 0,
                excerpt: (self.rules[rule].show)(&text[start..end]),
            });
            notes.places.push((start, rule, planned));
        }
    }
}

impl Notes {
    /// Whether a number stands in these bytes.
    fn has_number(&self, (start, end): (usize, usize)) -> bool {
        let behind = self
            .numbers
            .partition_point(|&(_, number_end)| number_end <= start);
        self.numbers
            .get(behind)
            .is_some_and(|&(number, _)| number < end)
    }
}

impl Pattern {
    fn new(rule: usize, source: &'static str, check: Check, yields: bool) -> Self {
        Pattern {
            rule,
            source,
            check,
            yields,
            compiled: OnceCell::new(),
        }
    }

    /// The next match that begins before `end`: its value, unless the check
    /// calls it a false alarm, and where to go on.
    fn find(&self, text: &str, from: usize, end: usize) -> Option<(Option<(usize, usize)>, usize)> {
        let regex = self.compiled.get_or_init(|| {
            RegexBuilder::new(self.source)
                .unicode(false)
                .case_insensitive(true)
                .build()
                .expect("the tests compile every pattern")
        });
        if from >= text.len() {
            return None;
        }
        let captures = regex.captures_at(text.as_bytes(), from)?;
        let whole = captures.get(0)?;
        if whole.start() >= end {
            return None;
        }
        let value = captures.iter().skip(1).flatten().next().unwrap_or(whole);
        // A value that is cut within a character is none of ours.
        let hit = text.get(value.range()).map(|value_text| Hit {
            value: value_text,
            before: &text[text.floor_char_boundary(whole.start().saturating_sub(BEFORE))
                ..text.floor_char_boundary(whole.start())],
            bare: value.start() == whole.start(),
            after: &text
                [value.end()..text.floor_char_boundary((value.end() + AFTER).min(text.len()))],
        });
        let real = hit.and_then(|hit| (self.check)(&hit).map(str::len));
        Some(match real {
            Some(length) => {
                let end = value.start() + length;
                (Some((value.start(), end)), end)
            }
            // The real one may begin at a later group of the same run.
            None => {
                let run = text.as_bytes()[whole.start()..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .count();
                (None, whole.start() + run.max(1))
            }
        })
    }
}

/// Where the window that begins at `start` ends: behind a line, a word, or
/// within one that is longer than the window.
fn window_end(text: &str, start: usize) -> usize {
    let limit = start + WINDOW;
    if limit >= text.len() {
        return text.len();
    }
    let limit = text.floor_char_boundary(limit);
    let bytes = &text.as_bytes()[start..limit];
    let end = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .or_else(|| bytes.iter().rposition(u8::is_ascii_whitespace));
    end.map_or(limit, |at| start + at + 1)
}

/// Counts pages, lines and columns while it goes forward.
struct Cursor<'a> {
    text: &'a str,
    pages: &'a [usize],
    at: usize,
    page: usize,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str, pages: &'a [usize]) -> Self {
        Cursor {
            text,
            pages,
            at: 0,
            page: 1,
            line: 1,
            column: 1,
        }
    }

    /// Page, line and column of an offset that is not before the last one.
    fn advance(&mut self, offset: usize) -> (usize, usize, usize) {
        let page = self.pages.partition_point(|&begin| begin <= offset).max(1);
        if page != self.page {
            self.at = self.pages[page - 1];
            (self.page, self.line, self.column) = (page, 1, 1);
        }
        let passed = &self.text[self.at..offset];
        match passed.rfind('\n') {
            None => self.column += passed.chars().count(),
            Some(last) => {
                self.line += passed.bytes().filter(|&byte| byte == b'\n').count();
                self.column = passed[last + 1..].chars().count() + 1;
            }
        }
        self.at = offset;
        (self.page, self.line, self.column)
    }
}
