//! XML of office documents, piece by piece: nothing but the piece is in memory.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use crate::archive::broken;
use crate::{Error, MAX_TEXT};

/// A single tag, text or comment is no longer, in bytes.
const PIECE: u64 = 16 << 20;

/// Elements are nested no deeper: documents have some dozen levels.
const DEPTH: usize = 1000;

/// A piece of XML. Names are without their prefix.
pub(crate) enum Piece<'a> {
    Start(&'a str, &'a Tag<'a>),
    End(&'a str),
    Text(&'a str),
}

/// A start tag.
pub(crate) struct Tag<'a>(&'a BytesStart<'a>);

impl Tag<'_> {
    /// The value of an attribute, by its name with or without prefix.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let attribute = self.0.attributes().flatten().find(|attribute| {
            let key = attribute.key;
            key.as_ref() == name.as_bytes() || key.local_name().as_ref() == name.as_bytes()
        })?;
        let value = String::from_utf8_lossy(&attribute.value);
        match quick_xml::escape::unescape(&value) {
            Ok(value) => Some(value.into_owned()),
            Err(_) => Some(value.into_owned()),
        }
    }
}

/// Give the pieces of a part to `visit`, in their order.
pub(crate) fn walk(
    part: impl BufRead,
    format: &'static str,
    mut visit: impl FnMut(Piece<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let piece_length = Cell::new(0);
    let mut reader = Reader::from_reader(Piecewise {
        inner: part,
        length: &piece_length,
    });
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().allow_unmatched_ends = true;
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    let mut depth = 0_usize;
    loop {
        buffer.clear();
        piece_length.set(0);
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|error| match error {
                quick_xml::Error::Io(error) => broken(format, &error),
                error => Error::Broken {
                    format,
                    reason: error.to_string(),
                },
            })?;
        match event {
            Event::Eof => return Ok(()),
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH {
                    let reason = format!("its elements are nested more than {DEPTH} deep");
                    return Err(Error::Broken { format, reason });
                }
                let name = start.local_name();
                let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
                visit(Piece::Start(name, &Tag(&start)))?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                let name = end.local_name();
                visit(Piece::End(
                    std::str::from_utf8(name.as_ref()).unwrap_or_default(),
                ))?;
            }
            Event::Text(text) => visit(Piece::Text(&String::from_utf8_lossy(&text)))?,
            Event::CData(text) => visit(Piece::Text(&String::from_utf8_lossy(&text)))?,
            Event::GeneralRef(reference) => {
                if let Ok(Some(character)) = reference.resolve_char_ref() {
                    visit(Piece::Text(character.encode_utf8(&mut [0; 4])))?;
                } else if let Ok(name) = reference.decode() {
                    // Entities of a document's own are not unfolded.
                    visit(Piece::Text(resolve_xml_entity(&name).unwrap_or_default()))?;
                }
            }
            _ => {}
        }
    }
}

/// Append text, as long as there is not too much of it.
pub(crate) fn push(text: &mut String, part: &str) -> Result<(), Error> {
    if text.len() + part.len() > MAX_TEXT {
        return Err(Error::TooLong);
    }
    text.push_str(part);
    Ok(())
}

/// End the line, if one has begun.
pub(crate) fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', '\t']).len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Ends with a fault within a piece that is too long.
struct Piecewise<'l, R> {
    inner: R,
    length: &'l Cell<u64>,
}

impl<R: BufRead> Read for Piecewise<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.length.set(self.length.get() + read as u64);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Piecewise<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.length.get() > PIECE {
            return Err(io::Error::other(format!(
                "a piece of it is longer than {} MiB",
                PIECE >> 20
            )));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.length.set(self.length.get() + amount as u64);
        self.inner.consume(amount);
    }
}
