//! How commands print: lines, tables, JSON, errors, progress.
//!
//! The only way to the terminal: clippy refuses every other one (`.clippy.toml`). What is
//! printed may come from strangers, so all of it is escaped here; styles are ours
//! and go beside the text, as [`Piece`]s.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the one place that prints"
)]

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::printable;
use crate::units;

/// Red, for `error:`.
const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Green, for what went well.
const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Yellow, for `warning:`.
const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// For headings and what matters less.
const DIM: Style = Style::new().dimmed();

/// A text in a style.
pub(in crate::cli) struct Piece(Style, String);

/// As it is.
pub(in crate::cli) fn plain(text: impl Display) -> Piece {
    Piece(Style::new(), text.to_string())
}

/// Less prominent.
pub(in crate::cli) fn dim(text: impl Display) -> Piece {
    Piece(DIM, text.to_string())
}

/// What went well.
pub(in crate::cli) fn good(text: impl Display) -> Piece {
    Piece(GOOD, text.to_string())
}

/// A warning.
pub(in crate::cli) fn warn(text: impl Display) -> Piece {
    Piece(WARN, text.to_string())
}

/// What went wrong.
pub(in crate::cli) fn bad(text: impl Display) -> Piece {
    Piece(ERROR, text.to_string())
}

/// What is printed at once: nothing in it is obeyed by a terminal but our styles.
pub(in crate::cli) struct Text(String);

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(printable::lines(text).into_owned())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Text {
        text.as_str().into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        text.as_str().into()
    }
}

/// Pieces with a space between them.
impl<const N: usize> From<[Piece; N]> for Text {
    fn from(pieces: [Piece; N]) -> Text {
        let pieces = pieces.map(|Piece(style, text)| {
            let text = printable::lines(&text);
            format!("{style}{text}{style:#}")
        });
        Text(pieces.join(" "))
    }
}

/// Whether stderr takes colour.
pub(in crate::cli) fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Whether people read what is printed.
pub(in crate::cli) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether people read what is said.
pub(in crate::cli) fn is_heard() -> bool {
    std::io::stderr().is_terminal()
}

/// Print to stdout. A closed pipe (`runner … | head`) is no error.
pub(in crate::cli) fn line(text: impl Into<Text>) {
    let _ = try_line(text);
}

/// [`line`] for what goes on until nobody reads it.
pub(in crate::cli) fn try_line(text: impl Into<Text>) -> std::io::Result<()> {
    writeln!(anstream::stdout(), "{}", text.into().0)
}

/// Print to stderr: what people should know, and no script needs.
pub(in crate::cli) fn say(text: impl Into<Text>) {
    anstream::eprintln!("{}", text.into().0);
}

/// Ask on stderr; the answer follows on the same line.
pub(in crate::cli) fn ask(text: impl Into<Text>) {
    anstream::eprint!("{}", text.into().0);
}

/// Print what went wrong.
pub(in crate::cli) fn error(message: &str) {
    say([bad("error:"), plain(message)]);
}

/// Print a rendered report, which begins with `error` itself and has colours.
pub(in crate::cli) fn report(report: &str) {
    anstream::eprintln!("{}", printable::styled(report.trim_end()));
}

/// Print a hint: what to do next. Only people read hints.
pub(in crate::cli) fn hint(message: &str) {
    if is_heard() {
        say([dim(format!("hint: {message}"))]);
    }
}

/// Print one JSON document.
pub(in crate::cli) fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("own types serialise to JSON");
    line(text);
}

/// Print a name and its value, if there is one.
pub(in crate::cli) fn field(name: &str, value: &str) {
    if !value.is_empty() {
        wide_field(10, name, value);
    }
}

/// Print a name in a column of this width, and its value; further lines of the
/// value stay in its column.
pub(in crate::cli) fn wide_field(width: usize, name: &str, value: &str) {
    let mut name = name;
    for text in value.split('\n') {
        line([dim(format!("{name:<width$}")), plain(text)]);
        name = "";
    }
}

/// Print a table: aligned on a terminal, tab-separated in a pipe. A cell has one
/// line.
pub(in crate::cli) fn table(head: &[&str], rows: &[Vec<String>]) {
    let rows = rows.iter().map(|row| row.iter().map(|text| flat(text)));
    let rows: Vec<Vec<String>> = rows.map(Iterator::collect).collect();
    if !is_terminal() {
        line(head.join("\t"));
        rows.iter().for_each(|row| line(row.join("\t")));
        return;
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([head[column].len()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let align = |cells: Vec<&str>| {
        let cells: Vec<String> = std::iter::zip(cells, &widths)
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    line([dim(align(head.to_vec()))]);
    for row in &rows {
        line(align(row.iter().map(String::as_str).collect()));
    }
}

/// A text on one line, without tabs.
fn flat(text: &str) -> String {
    printable::inline(&text.replace(['\n', '\t'], " ")).into_owned()
}

/// Any text in a cell of a table: one line of 60 characters.
pub(in crate::cli) fn cell(text: &str) -> String {
    const WIDTH: usize = 60;
    let text = flat(text);
    match text.char_indices().nth(WIDTH) {
        None => text,
        Some(_) => text.chars().take(WIDTH - 1).chain(['…']).collect(),
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC; empty when there is none.
pub(in crate::cli) fn instant(millis: Option<u64>) -> String {
    millis
        .and_then(|millis| i64::try_from(millis).ok())
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map(|instant| format!("{instant:.3}"))
        .unwrap_or_default()
}

/// An instant in a table: how long ago on a terminal (`3m12s ago`, `in 2h`), else
/// as [`instant`].
pub(in crate::cli) fn when(millis: u64) -> String {
    if !is_terminal() {
        return instant(Some(millis));
    }
    #[expect(clippy::disallowed_methods, reason = "only shown")]
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    let coarse = |millis| units::rough_duration(std::time::Duration::from_millis(millis));
    match now.checked_sub(millis) {
        Some(past) => format!("{} ago", coarse(past)),
        None => format!("in {}", coarse(millis - now)),
    }
}

/// A bar for work on many jobs, on a terminal only. Clear it at the end.
pub(in crate::cli) fn bar(jobs: u64) -> ProgressBar {
    styled_bar(
        jobs,
        "{bar:30.green} {human_pos}/{human_len} {per_sec} {eta}",
    )
}

/// A bar for one job, on a terminal only: how far it is, and a message.
pub(in crate::cli) fn job_bar() -> ProgressBar {
    styled_bar(100, "{bar:30.green} {percent:>3}% {msg}")
}

fn styled_bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
    if !is_heard() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// Show a message beside a bar of [`job_bar`].
pub(in crate::cli) fn message(bar: &ProgressBar, text: &str) {
    bar.set_message(cell(text));
}
