//! How commands print: tables, JSON, errors, progress.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Red, for `error:`.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Green, for what went well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Yellow, for `warning:`.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// For headings and what matters less.
pub(super) const DIM: Style = Style::new().dimmed();

/// Whether stderr takes colour.
pub(super) fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Print what went wrong. A rendered report, which begins with `error` itself,
/// is printed as it is.
pub(super) fn error(message: &str) {
    let text = anstream::adapter::strip_str(message).to_string();
    if text.starts_with("error: ") {
        anstream::eprintln!("{}", message.trim_end());
    } else {
        anstream::eprintln!("{ERROR}error:{ERROR:#} {message}");
    }
}

/// Print a line to stderr: what people should know, and scripts need not.
pub(super) fn say(text: &str) {
    anstream::eprintln!("{text}");
}

/// Print a hint: what to do next. Only people read hints.
pub(super) fn hint(message: &str) {
    if std::io::stderr().is_terminal() {
        anstream::eprintln!("{DIM}hint: {message}{DIM:#}");
    }
}

/// Print one JSON document.
pub(super) fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("own types serialise to JSON");
    line(&text);
}

/// Print one line to stdout. A closed pipe (`runner … | head`) is no error.
pub(super) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Print a name and its value, if there is one.
pub(super) fn field(name: &str, value: &str) {
    if !value.is_empty() {
        line(&format!("{DIM}{name:<10}{DIM:#} {value}"));
    }
}

/// Print a table: aligned on a terminal, tab-separated in a pipe.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    if !std::io::stdout().is_terminal() {
        line(&head.join("\t"));
        rows.iter().for_each(|row| line(&row.join("\t")));
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
    line(&format!("{DIM}{}{DIM:#}", align(head.to_vec())));
    for row in rows {
        line(&align(row.iter().map(String::as_str).collect()));
    }
}

/// `1.4 MiB`, `312 B`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Milliseconds since 1970 as RFC 3339 in UTC; empty when there is none.
pub(super) fn instant(millis: Option<u64>) -> String {
    millis
        .and_then(|millis| i64::try_from(millis).ok())
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map(|instant| format!("{instant:.3}"))
        .unwrap_or_default()
}

/// An instant in a table: how long ago on a terminal (`3m 12s ago`, `in 2h`), else
/// as [`instant`].
pub(super) fn when(millis: u64) -> String {
    if !std::io::stdout().is_terminal() {
        return instant(Some(millis));
    }
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    let coarse = |millis: u64| {
        let seconds = std::time::Duration::from_secs(millis / 1000);
        let text = humantime::format_duration(seconds).to_string();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    };
    match now.checked_sub(millis) {
        Some(past) => format!("{} ago", coarse(past)),
        None => format!("in {}", coarse(millis - now)),
    }
}

/// Any text on one line of a table: 60 characters, line breaks and tabs as spaces.
pub(super) fn cell(text: &str) -> String {
    const WIDTH: usize = 60;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().nth(WIDTH).is_none() {
        return text.chars().map(plain).collect();
    }
    let start: String = text.chars().take(WIDTH - 1).map(plain).collect();
    format!("{start}…")
}

/// A bar for work on many jobs, on a terminal only. Clear it at the end.
pub(super) fn bar(jobs: u64) -> ProgressBar {
    let bar = ProgressBar::new(jobs);
    bar.set_style(
        ProgressStyle::with_template("{bar:30.green} {human_pos}/{human_len} {per_sec} {eta}")
            .expect("the template is well-formed"),
    );
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}
