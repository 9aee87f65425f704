//! From pieces of text at places to lines in the order in which they are read.

use std::collections::HashSet;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use super::page::{Placed, gap};

/// Pieces on one baseline are so near, and overlap no more, in em.
const NEAR: f64 = 0.3;

/// A line of more pieces goes on in another one, so that drawings made for it do
/// not take the square of their length.
const PIECES: usize = 2000;

/// So many letters one by one are a spaced-out word: fewer may be initials.
const SPREAD: usize = 4;

/// Within a spaced-out word gaps are up to so much wider than the narrowest
/// one; pdftotext has the same.
const EVEN: f64 = 1.3;

/// Letters so far from each other are not of one word, in em.
const FAR: f64 = 0.8;

/// Words before which a hyphen at the end of a line stands for a part that they
/// share: `Vor- und Nachname`, `pre- and post-war`.
const SHARING: [&str; 6] = ["and", "or", "und", "oder", "bzw", "en"];

/// Whether a letter is written from right to left.
pub(super) fn is_rtl(letter: char) -> bool {
    letter >= '\u{590}' && matches!(bidi_class(letter), BidiClass::R | BidiClass::AL)
}

/// Whether a letter is of a script that puts words together from letters, with
/// spaces in between; Chinese and Japanese characters have cells of their own.
fn is_joined(letter: char) -> bool {
    letter.is_alphabetic()
        && !matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..)
}

/// Text as it was drawn without a step back or to another line.
pub(super) struct Piece {
    text: String,
    first: Placed,
    last: Placed,
    rtl: bool,
    /// Where the gaps are, and how wide.
    gaps: Vec<(usize, f64)>,
}

impl Piece {
    pub(super) fn new(letters: &str, placed: Placed) -> Self {
        Piece {
            text: letters.to_owned(),
            first: placed,
            last: placed,
            rtl: letters.chars().any(is_rtl),
            gaps: Vec::new(),
        }
    }

    /// Add the letters of a glyph, after a gap that is so wide.
    pub(super) fn push(&mut self, letters: &str, placed: Placed, gap: Option<(char, f64)>) {
        if let Some((gap, width)) = gap {
            self.gaps.push((self.text.len(), width));
            self.text.push(gap);
        }
        self.text.push_str(letters);
        self.rtl |= letters.chars().any(is_rtl);
        self.last = placed;
    }

    /// Put words together whose letters stand alone.
    fn close_up(&mut self) {
        let gaps = std::mem::take(&mut self.gaps);
        if gaps.len() + 1 < SPREAD {
            return;
        }
        // Runs of gaps with a single character between each and the next.
        let is_one = |from: usize, to: usize| self.text[from..to].chars().nth(1).is_none();
        let mut closed = Vec::new();
        let mut run = 0;
        for end in 1..=gaps.len() {
            let goes_on = end < gaps.len() && is_one(gaps[end - 1].0 + 1, gaps[end].0);
            if !goes_on {
                self.choose(&gaps[run..end], &mut closed);
                run = end;
            }
        }
        if closed.is_empty() {
            return;
        }
        let mut closed = closed.into_iter().peekable();
        let mut text = String::with_capacity(self.text.len());
        for (at, letter) in self.text.char_indices() {
            if closed.next_if_eq(&at).is_none() {
                text.push(letter);
            }
        }
        self.text = text;
    }

    /// The gaps to close of a run in which letters stand alone.
    fn choose(&self, run: &[(usize, f64)], closed: &mut Vec<usize>) {
        let (Some(&(first, _)), Some(&(last, _))) = (run.first(), run.last()) else {
            return;
        };
        let letters = self.text[first..last].chars().filter(|c| is_joined(*c));
        let narrowest = run.iter().map(|&(_, width)| width).fold(f64::MAX, f64::min);
        // Single figures are cells of a table, and so are letters far apart.
        if letters.count() + 2 < SPREAD || narrowest > FAR {
            return;
        }
        let even = run.iter().filter(|&&(_, width)| width <= narrowest * EVEN);
        closed.extend(even.map(|&(at, _)| at));
    }

    /// Where it is along the baseline of `line`, in points.
    fn span(&self, line: &Placed) -> (f64, f64) {
        let start = line.along.dot(self.first.start - line.start);
        (start, line.along.dot(self.last.end - line.start))
    }
}

/// The lines of a page.
#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
}

/// Pieces on one baseline in the order in which they are seen.
struct Line {
    pieces: Vec<Piece>,
    rtl: bool,
}

impl Lines {
    /// Letters from right to left may be drawn one after the other, each before
    /// the last one: they find their place in the line. Other text is read as it
    /// was drawn.
    pub(super) fn add(&mut self, piece: Option<Piece>) {
        let Some(mut piece) = piece else { return };
        piece.close_up();
        let place = self.lines.last().and_then(|line| line.place(&piece));
        match (place, self.lines.last_mut()) {
            (Some(place), Some(line)) => {
                line.rtl |= piece.rtl;
                line.pieces.insert(place, piece);
            }
            _ => self.lines.push(Line {
                rtl: piece.rtl,
                pieces: vec![piece],
            }),
        }
    }

    /// Append the lines.
    pub(super) fn write(self, text: &mut String) {
        let mut lines: Vec<(String, Placed)> = Vec::with_capacity(self.lines.len());
        let rtl = self.lines.iter().any(|line| line.rtl);
        let base = if rtl { self.base() } else { Level::ltr() };
        for line in self.lines {
            let seen = line.seen();
            let read = if line.rtl { logical(&seen, base) } else { seen };
            lines.push((read, line.pieces[0].first));
        }
        let compounds: HashSet<&str> = lines
            .iter()
            .flat_map(|(line, _)| line.split_whitespace())
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.contains(['-', '\u{2010}']))
            .collect();
        for (index, (line, at)) in lines.iter().enumerate() {
            text.push_str(line);
            let broken = lines
                .get(index + 1)
                .filter(|(_, below)| across(at, below) > NEAR)
                .and_then(|(next, _)| broken(line, next, &compounds));
            match broken {
                Some(Break::Hyphen) => {
                    text.pop();
                }
                Some(Break::Compound) => {}
                None => text.push('\n'),
            }
        }
    }

    /// The direction of most of the page's letters.
    fn base(&self) -> Level {
        let letters = || {
            let pieces = self.lines.iter().flat_map(|line| &line.pieces);
            pieces.flat_map(|piece| piece.text.chars().filter(|c| c.is_alphabetic()))
        };
        let rtl = letters().filter(|&letter| is_rtl(letter)).count();
        match rtl * 2 >= letters().count() {
            true => Level::rtl(),
            false => Level::ltr(),
        }
    }
}

impl Line {
    /// Where a piece belongs in the line, if it does.
    fn place(&self, piece: &Piece) -> Option<usize> {
        let line = &self.pieces.first()?.first;
        let same = (self.rtl || piece.rtl)
            && self.pieces.len() < PIECES
            && line.along.dot(piece.first.along) > 0.99
            && across(line, &piece.first) <= NEAR;
        if !same {
            return None;
        }
        let slack = NEAR * line.size;
        let (start, end) = piece.span(line);
        let place = self
            .pieces
            .partition_point(|other| other.span(line).0 < start);
        let before = place
            .checked_sub(1)
            .map(|before| self.pieces[before].span(line).1);
        let after = self.pieces.get(place).map(|after| after.span(line).0);
        let is_free = before.is_none_or(|before| before <= start + slack)
            && after.is_none_or(|after| end <= after + slack);
        is_free.then_some(place)
    }

    /// The text from left to right.
    fn seen(&self) -> String {
        let mut text = String::new();
        let mut last: Option<&Piece> = None;
        for piece in &self.pieces {
            if let Some(last) = last {
                text.extend(gap(last.last.step(&piece.first).0));
            }
            text.push_str(&piece.text);
            last = Some(piece);
        }
        text
    }
}

/// How far two baselines are from each other, in em.
fn across(one: &Placed, other: &Placed) -> f64 {
    let step = other.start - one.start;
    one.along.cross(step).abs() / one.size.max(other.size)
}

/// From the order on the page to the order of reading: what the bidirectional
/// algorithm (UAX 9) does to a line it also undoes.
fn logical(seen: &str, base: Level) -> String {
    let info = BidiInfo::new(seen, Some(base));
    let Some(paragraph) = info.paragraphs.first() else {
        return seen.to_owned();
    };
    let line = info.reorder_line(paragraph, paragraph.range.clone());
    // Some fonts name brackets by their shape, others by what they mean.
    let is_bracket = |c: &char| "()[]{}".contains(*c);
    match line.chars().find(is_bracket) {
        Some(')' | ']' | '}') if line.contains(['(', '[', '{']) => {
            line.chars().map(mirrored).collect()
        }
        _ => line.into_owned(),
    }
}

fn mirrored(bracket: char) -> char {
    match bracket {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        other => other,
    }
}

/// How a word goes on in the next line.
enum Break {
    /// The hyphen is there for the line only.
    Hyphen,
    /// The hyphen belongs to the word.
    Compound,
}

/// Whether the last word of a line goes on in the next one. It is a compound if
/// the page has it with its hyphen elsewhere.
fn broken(line: &str, next: &str, compounds: &HashSet<&str>) -> Option<Break> {
    let start = line.strip_suffix(['-', '\u{2010}'])?;
    let begins = start.chars().next_back().is_some_and(char::is_alphabetic);
    let goes_on = next.chars().next().is_some_and(char::is_lowercase);
    if !begins || !goes_on {
        return None;
    }
    let rest = next
        .split_once(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\u{2010}' | '\''))
        .map_or(next, |(rest, _)| rest);
    if SHARING.contains(&rest) {
        return None;
    }
    let from = start
        .rfind(|c: char| c.is_whitespace())
        .map_or(0, |at| at + 1);
    let first = start[from..].trim_start_matches(|c: char| !c.is_alphanumeric());
    let whole = format!("{first}-{rest}");
    Some(match compounds.contains(whole.as_str()) {
        true => Break::Compound,
        false => Break::Hyphen,
    })
}
