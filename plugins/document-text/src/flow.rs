//! Paragraphs and tables of office documents, from whichever XML they are in: a
//! line per paragraph, a tab between the cells of a table's row.

use std::io::BufRead;

use crate::Error;
use crate::xml::{Piece, end_line, push, walk};

/// What elements mean, by their names.
pub(crate) struct Rules {
    /// Those whose characters are text; none: all of them.
    pub(crate) text: &'static [&'static str],
    /// Those whose content is left out.
    pub(crate) hidden: &'static [&'static str],
    /// Paragraphs: each is a line.
    pub(crate) lines: &'static [&'static str],
    /// Cells, which are lines only outside of tables.
    pub(crate) cells: &'static [&'static str],
    /// Rows of cells.
    pub(crate) rows: &'static [&'static str],
    /// Those that stand for characters.
    pub(crate) characters: &'static [(&'static str, &'static str)],
}

/// Append the text of a part.
pub(crate) fn read(
    part: impl BufRead,
    format: &'static str,
    rules: &Rules,
    text: &mut String,
) -> Result<(), Error> {
    let (mut hidden, mut shown, mut cells) = (0_usize, 0_usize, 0_usize);
    walk(part, format, |piece| {
        match piece {
            Piece::Start(name, _) if hidden > 0 || rules.hidden.contains(&name) => hidden += 1,
            Piece::End(_) if hidden > 0 => hidden -= 1,
            _ if hidden > 0 => {}
            Piece::Start(name, tag) => {
                if rules.text.contains(&name) {
                    shown += 1;
                }
                if rules.cells.contains(&name) {
                    cells += 1;
                } else if let Some((_, character)) =
                    rules.characters.iter().find(|(of, _)| *of == name)
                {
                    push(text, character)?;
                    // ODF counts further spaces.
                    let count = tag.get("c").and_then(|count| count.parse().ok());
                    for _ in 1..count.unwrap_or(1).min(100) {
                        push(text, character)?;
                    }
                }
            }
            Piece::End(name) => {
                if rules.text.contains(&name) {
                    shown = shown.saturating_sub(1);
                }
                if rules.cells.contains(&name) {
                    cells = cells.saturating_sub(1);
                    text.truncate(text.trim_end_matches(' ').len());
                    push(text, "\t")?;
                } else if rules.lines.contains(&name) {
                    if cells > 0 {
                        push(text, " ")?;
                    } else {
                        end_line(text);
                    }
                } else if rules.rows.contains(&name) {
                    end_line(text);
                }
            }
            Piece::Text(part) if shown > 0 || rules.text.is_empty() => push(text, part)?,
            Piece::Text(_) => {}
        }
        Ok(())
    })
}
