//! The text of PDF, page by page.
//!
//! hayro interprets each page; instead of drawing the glyphs, `Page` writes them
//! down, and `Lines` puts them together.

mod choices;
mod lines;
mod page;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};

use crate::{Document, Error, Kind, MAX_TEXT};
use page::Page;

pub(crate) fn read(
    content: Vec<u8>,
    mut on_page: impl FnMut(usize, usize),
) -> Result<Document, Error> {
    let pdf = Pdf::new(content).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::Password("PDF"),
        LoadPdfError::Decryption(_) => Error::Encryption,
        LoadPdfError::Invalid => Error::Damaged,
    })?;
    let count = pdf.pages().len();
    if count == 0 {
        return Err(Error::Damaged);
    }
    let cache = InterpreterCache::new();
    let mut text = String::new();
    let mut pages = Vec::with_capacity(count);
    for (index, page) in pdf.pages().iter().enumerate() {
        on_page(index + 1, count);
        pages.push(text.len());
        let mut context = Context::new(
            Affine::IDENTITY,
            // hayro may leave out what is outside; `Page` decides that.
            Rect::new(f64::MIN, f64::MIN, f64::MAX, f64::MAX),
            &cache,
            pdf.xref(),
            InterpreterSettings::default(),
        );
        let room = MAX_TEXT.saturating_sub(text.len());
        let mut drawn = Page::new(page.media_box(), room);
        interpret_page(page, &mut context, &mut drawn);
        let start = text.len();
        drawn.write(&mut text);
        choices::write(page.raw(), start, &mut text);
        if text.len() > MAX_TEXT {
            return Err(Error::TooLong);
        }
    }
    text.truncate(text.trim_end().len());
    for start in &mut pages {
        *start = (*start).min(text.len());
    }
    let title = pdf.metadata().title.as_deref().map(string);
    Ok(Document {
        kind: Kind::Pdf,
        title: title.filter(|title| !title.is_empty()),
        encoding: None,
        text,
        pages,
    })
}

/// A text string (ISO 32000-1, 7.9.2.2). PDFDocEncoding is Windows-1252 but for
/// a few characters of typography. White space is one space, other control
/// characters are left out: they are C strings' ends and padding.
fn string(bytes: &[u8]) -> String {
    let (text, _) = match bytes {
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest),
        [0xff, 0xfe, rest @ ..] => UTF_16LE.decode_without_bom_handling(rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => UTF_8.decode_without_bom_handling(rest),
        _ => WINDOWS_1252.decode_without_bom_handling(bytes),
    };
    let text: String = text
        .chars()
        .filter(|c| c.is_whitespace() || !c.is_control())
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
