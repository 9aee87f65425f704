//! The text of XLSX (SpreadsheetML, ECMA-376): sheet by sheet its name and its
//! rows, a tab between cells. Of formulas the last result is in.
//!
//! calamine builds whole tables before it gives a cell, which a few bytes of a
//! made-up sheet make larger than any memory; here cells go by one at a time.

use crate::archive::Archive;
use crate::package::{self, relations};
use crate::xml::{Piece, end_line, push, walk};
use crate::{Document, Error, Kind};

pub(crate) const MAIN: &str = "xl/workbook.xml";

/// There are no more different texts in cells; each costs memory though it may
/// be empty. Excel's own sheets have a million rows.
const STRINGS: usize = 4 << 20;

/// Days from the first day of the common era's calendar of this file, 1970-01-01,
/// back to day 0 of sheets, 1899-12-30 (ECMA-376, 18.17.4.1), and 1904-01-01.
const EPOCH_1900: i64 = -25_569;
const EPOCH_1904: i64 = -24_107;

pub(crate) fn read(mut archive: Archive<'_>) -> Result<Document, Error> {
    let book = Book::read(&mut archive)?;
    let format = archive.format();
    let mut text = String::new();
    for (name, sheet) in &book.sheets {
        push(&mut text, name)?;
        end_line(&mut text);
        if let Some(part) = archive.part(sheet)? {
            let mut cell = Cell::default();
            walk(part, format, |piece| cell.piece(piece, &book, &mut text))?;
        }
        end_line(&mut text);
    }
    text.truncate(text.trim_end().len());
    let title = package::title(&mut archive, "docProps/core.xml")?;
    Ok(Document::plain(Kind::Xlsx, title, text))
}

/// What the sheets share.
#[derive(Default)]
struct Book {
    /// Their names and parts, in order.
    sheets: Vec<(String, String)>,
    strings: String,
    /// Where in `strings` each one ends.
    ends: Vec<u32>,
    /// Whether each style of cells shows a date.
    dates: Vec<bool>,
    /// The day 0, in days since 1970-01-01.
    epoch: i64,
}

impl Book {
    fn read(archive: &mut Archive<'_>) -> Result<Self, Error> {
        let format = archive.format();
        let relations = relations(archive, MAIN)?;
        let mut book = Book {
            epoch: EPOCH_1900,
            ..Book::default()
        };
        if let Some(part) = archive.part(MAIN)? {
            walk(part, format, |piece| {
                match piece {
                    Piece::Start("workbookPr", tag) => {
                        let is_1904 = tag.get("date1904");
                        if matches!(is_1904.as_deref(), Some("1" | "true")) {
                            book.epoch = EPOCH_1904;
                        }
                    }
                    Piece::Start("sheet", tag) => {
                        let sheet = tag.get("r:id").and_then(|id| relations.get(&id));
                        if let (Some(name), Some(sheet)) = (tag.get("name"), sheet) {
                            book.sheets.push((name, sheet.target.clone()));
                        }
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        let shared = |kind| relations.values().find(|relation| relation.kind == kind);
        if let Some(strings) = shared("sharedStrings") {
            book.read_strings(archive, &strings.target)?;
        }
        if let Some(styles) = shared("styles") {
            book.read_styles(archive, &styles.target)?;
        }
        Ok(book)
    }

    fn read_strings(&mut self, archive: &mut Archive<'_>, name: &str) -> Result<(), Error> {
        let format = archive.format();
        let Some(part) = archive.part(name)? else {
            return Ok(());
        };
        let (mut shown, mut phonetic) = (false, false);
        walk(part, format, |piece| {
            match piece {
                Piece::Start("t", _) => shown = !phonetic,
                Piece::End("t") => shown = false,
                Piece::Start("rPh", _) => phonetic = true,
                Piece::End("rPh") => phonetic = false,
                Piece::End("si") => {
                    if self.ends.len() >= STRINGS {
                        let reason = format!("it has more than {STRINGS} different texts");
                        return Err(Error::Broken { format, reason });
                    }
                    self.ends.push(self.strings.len() as u32);
                }
                Piece::Text(part) if shown => push(&mut self.strings, part)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_styles(&mut self, archive: &mut Archive<'_>, name: &str) -> Result<(), Error> {
        let format = archive.format();
        let Some(part) = archive.part(name)? else {
            return Ok(());
        };
        let mut own = Vec::new();
        let mut within = false;
        walk(part, format, |piece| {
            match piece {
                Piece::Start("numFmt", tag) => {
                    if let (Some(id), Some(code)) = (tag.get("numFmtId"), tag.get("formatCode"))
                        && is_date(&code)
                    {
                        own.push(id);
                    }
                }
                Piece::Start("cellXfs", _) => within = true,
                Piece::End("cellXfs") => within = false,
                Piece::Start("xf", tag) if within => {
                    let id = tag.get("numFmtId").unwrap_or_default();
                    // Formats that every reader knows (18.8.30).
                    let known = matches!(id.parse(), Ok(14..=17 | 22));
                    self.dates.push(known || own.contains(&id));
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn string(&self, index: usize) -> &str {
        let start = match index {
            0 => 0,
            _ => self.ends.get(index - 1).copied().unwrap_or_default() as usize,
        };
        let end = self.ends.get(index).copied().unwrap_or_default() as usize;
        self.strings.get(start..end).unwrap_or_default()
    }
}

/// Whether a format of numbers shows a day or a year, outside of quotes and
/// brackets.
fn is_date(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    code.chars().any(|c| {
        let plain = !quoted && !bracketed && !escaped;
        escaped = plain && matches!(c, '\\' | '_' | '*');
        match c {
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        plain && matches!(c.to_ascii_lowercase(), 'd' | 'y')
    })
}

/// The cell that is being read.
#[derive(Default)]
struct Cell {
    /// `s`: a shared string; `b`: yes or no.
    kind: String,
    is_date: bool,
    shown: bool,
    value: String,
}

impl Cell {
    fn piece(&mut self, piece: Piece<'_>, book: &Book, text: &mut String) -> Result<(), Error> {
        match piece {
            Piece::Start("c", tag) => {
                let style = tag.get("s").and_then(|style| style.parse::<usize>().ok());
                let is_date = style.and_then(|style| book.dates.get(style)).copied();
                self.is_date = is_date.unwrap_or_default();
                self.kind = tag.get("t").unwrap_or_default();
                self.value.clear();
            }
            Piece::Start("v" | "t", _) => self.shown = true,
            Piece::End("v" | "t") => self.shown = false,
            Piece::Text(part) if self.shown => push(&mut self.value, part)?,
            Piece::End("c") => {
                let value = match self.kind.as_str() {
                    "s" => book
                        .string(self.value.trim().parse().unwrap_or(usize::MAX))
                        .into(),
                    "b" if self.value == "1" => "TRUE".into(),
                    "b" => "FALSE".into(),
                    "" | "n" if self.is_date => self.date(book.epoch),
                    _ => self.value.as_str().into(),
                };
                let value: std::borrow::Cow<'_, str> = value;
                for (index, word) in value.split_whitespace().enumerate() {
                    if index > 0 {
                        push(text, " ")?;
                    }
                    push(text, word)?;
                }
                push(text, "\t")?;
            }
            Piece::End("row") => end_line(text),
            _ => {}
        }
        Ok(())
    }

    /// A day in the notation of ISO 8601, as which it is found.
    fn date(&self, epoch: i64) -> std::borrow::Cow<'_, str> {
        // The year 9999 is the last one.
        let Some(day) = self
            .value
            .parse::<f64>()
            .ok()
            .filter(|day| (1.0..2_958_466.0).contains(day))
        else {
            return self.value.as_str().into();
        };
        let (year, month, date) = civil(epoch + day as i64);
        let minutes = (day.fract() * 1440.0).round() as i64;
        match minutes {
            0 => format!("{year:04}-{month:02}-{date:02}").into(),
            _ => format!(
                "{year:04}-{month:02}-{date:02} {:02}:{:02}",
                (minutes / 60).min(23),
                minutes % 60
            )
            .into(),
        }
    }
}

/// Year, month and day of a number of days since 1970-01-01, by the 400 years of
/// 146097 days after which the calendar repeats; years begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, date)
}
