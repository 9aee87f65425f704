//! Documents that were compressed with gzip (RFC 1952).

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::{Error, MAX_TEXT};

/// How a file of gzip with the only method there is begins.
pub(crate) const START: &[u8] = b"\x1f\x8b\x08";

/// The document that was compressed. It may be as long as a text.
pub(crate) fn unfold(content: &[u8]) -> Result<Vec<u8>, Error> {
    // The file ends with the length, if it is true.
    let length = content
        .last_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let mut unfolded = Vec::with_capacity((length as usize).min(MAX_TEXT) + 1);
    MultiGzDecoder::new(content)
        .take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut unfolded)
        .map_err(|error| Error::Broken {
            format: "gzip",
            reason: error.to_string(),
        })?;
    match unfolded.len() > MAX_TEXT {
        true => Err(Error::Unfolds("gzip")),
        false => Ok(unfolded),
    }
}
