//! Lines of Go as gofmt lays them out.

use std::fmt::Write;

use crate::notes::Notes;

/// A line of a struct or of constants: a comment above, and columns.
pub(super) struct Row {
    about: Vec<String>,
    cells: Vec<String>,
}

impl Row {
    pub(super) fn new(about: Vec<String>, cells: impl IntoIterator<Item = String>) -> Row {
        Row {
            about,
            cells: cells.into_iter().collect(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.cells[0]
    }
}

/// Rows below each other. Those without a comment between them share their columns.
pub(super) fn rows(rows: &[Row], indent: &str) -> String {
    let mut text = String::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let more = rest[1..].iter().take_while(|row| row.about.is_empty());
        let (block, after) = rest.split_at(1 + more.count());
        comment(&block[0].about.join("\n"), indent, &mut text);
        let columns = block[0].cells.len();
        // The last cell of a row takes no part in the width of its column.
        let goes_on = |row: &&Row, at: usize| row.cells[at + 1..].iter().any(|of| !of.is_empty());
        let width = |at: usize| {
            let rows = block.iter().filter(|row| goes_on(row, at));
            rows.map(|row| row.cells[at].chars().count())
                .max()
                .unwrap_or(0)
        };
        for row in block {
            let mut line = indent.to_owned();
            for (at, cell) in row.cells.iter().enumerate() {
                match at + 1 < columns {
                    true => {
                        let _ = write!(line, "{cell:width$} ", width = width(at));
                    }
                    false => line.push_str(cell),
                }
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        rest = after;
    }
    text
}

/// What a doc comment says, by line.
pub(super) fn doc(notes: &Notes) -> Vec<String> {
    let mut lines: Vec<String> = notes.text.lines().map(str::to_owned).collect();
    lines.extend(notes.examples.iter().map(|of| format!("Example: {of}")));
    if notes.sensitive {
        lines.push("Sensitive: not shown in logs and output.".into());
    }
    lines
}

/// A comment; no text, no lines.
pub(super) fn comment(about: &str, indent: &str, text: &mut String) {
    for line in about.lines() {
        let _ = writeln!(text, "{}", format!("{indent}// {line}").trim_end());
    }
}
