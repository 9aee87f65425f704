//! The text of CSV (RFC 4180): a line per record, a tab between its fields.
//! Comma, semicolon, tab and bar may stand between fields.

use crate::Error;
use crate::xml::{end_line, push};

/// So many lines tell what stands between fields.
const LOOK: usize = 20;

pub(crate) fn read(source: &str) -> Result<String, Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(source))
        .from_reader(source.as_bytes());
    let mut text = String::with_capacity(source.len());
    let mut record = csv::StringRecord::new();
    // The source is UTF-8 and records may have any length: nothing fails.
    while reader.read_record(&mut record).unwrap_or(false) {
        for field in &record {
            let mut words = field.split_whitespace();
            push(&mut text, words.next().unwrap_or_default())?;
            for word in words {
                push(&mut text, " ")?;
                push(&mut text, word)?;
            }
            push(&mut text, "\t")?;
        }
        end_line(&mut text);
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// What the first lines have most of.
fn delimiter(source: &str) -> u8 {
    let head: Vec<&str> = source.lines().take(LOOK).collect();
    let count = |delimiter: u8| {
        let bytes = head.iter().flat_map(|line| line.bytes());
        bytes.filter(|&byte| byte == delimiter).count()
    };
    [b'|', b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}
