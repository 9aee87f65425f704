//! The file that a payload is about.
//!
//! Names come from users: they are names of files, never paths. What the
//! directory grants is beyond the payload's reach anyway, as Runner opens no
//! file outside of it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};

use document_text::Kind;
use runner_sdk::prelude::*;

use crate::{Upload, object};

/// Where the uploads are, unless the setting `directory` says otherwise.
const DIRECTORY: &str = "/documents";

/// Larger files are rejected, unless the setting `max_size` says otherwise. A
/// file and its text are in memory at once.
const MAX_SIZE: u64 = 64 << 20;

impl Upload {
    /// The path of the file; `blobs:KEY` where the uploads are in a store.
    pub(crate) fn find(&self) -> Result<String> {
        if !is_name(&self.filename) {
            return Err(reject(format!(
                "data.filename: \"{}\" is not the name of a file: no \"/\", no \"\\\", not \"..\"",
                self.filename.escape_debug()
            )));
        }
        if let Some(store) = config::get("store") {
            return object::find(&store, &self.document_id, &self.places(""));
        }
        let directory = config::get("directory").unwrap_or_else(|| DIRECTORY.to_owned());
        if !fs::metadata(&directory).is_ok_and(|found| found.is_dir()) {
            return Err(reject(format!(
                "the directory \"{directory}\" is not granted; add `dirs = {{ \"{directory}\" = \
                 \"<path>\" }}` under [plugins.<name>] in queues.toml"
            )));
        }
        let places = self.places(&format!("{directory}/"));
        let found = places
            .iter()
            .find(|place| fs::metadata(place).is_ok_and(|found| found.is_file()));
        match found {
            Some(place) => Ok(place.clone()),
            // Uploads may arrive after their jobs.
            None => Err(retry(format!(
                "no file for the document \"{}\": looked for {}",
                self.document_id,
                places.join(", ")
            ))),
        }
    }

    /// Where the file may be below this, the document's own place first: a name alone
    /// may be another user's.
    fn places(&self, above: &str) -> Vec<String> {
        let (id, filename) = (&self.document_id, &self.filename);
        let mut places = Vec::new();
        if is_name(id) {
            places.push(format!("{above}{id}/{filename}"));
            if let Some((_, extension)) = filename.rsplit_once('.') {
                places.push(format!("{above}{id}.{extension}"));
            }
        }
        places.push(format!("{above}{filename}"));
        places
    }

    /// The content of the file.
    pub(crate) fn load(&self, path: &str) -> Result<Vec<u8>> {
        let limit = config::json("max_size")?.unwrap_or(MAX_SIZE);
        let fault = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied => reject(format!("{path} may not be read: {error}")),
            _ => retry(format!("{path} was not read: {error}")),
        };
        let too_large = |size| {
            reject(format!(
                "{path} has {size} bytes, more than the {limit} of the setting \"max_size\""
            ))
        };
        if let Some(key) = object::key(path) {
            let store = config::get("store").unwrap_or_default();
            return object::load(&store, key, limit)?.map_err(too_large);
        }
        let file = File::open(path).map_err(fault)?;
        let size = file.metadata().map_err(fault)?.len();
        if size > limit {
            return Err(too_large(size));
        }
        let mut content = Vec::with_capacity(size as usize);
        // It may be growing.
        file.take(limit + 1)
            .read_to_end(&mut content)
            .map_err(fault)?;
        if content.len() as u64 > limit {
            return Err(too_large(content.len() as u64));
        }
        Ok(content)
    }

    /// Whether the file is what the payload says.
    pub(crate) fn check(&self, kind: Kind, bytes: u64) -> Result {
        let mut faults = Vec::new();
        if !kind.may_be(&self.mime_type) {
            faults.push(format!(
                "data.mimeType is \"{}\", the file is {}",
                self.mime_type.escape_debug(),
                kind.media_type()
            ));
        }
        if self.file_size != bytes {
            faults.push(format!(
                "data.fileSize is {}, the file has {bytes} bytes",
                self.file_size
            ));
        }
        if faults.is_empty() {
            return Ok(());
        }
        let reason = format!("the file is not as declared: {}", faults.join("; "));
        if config::json("strict")?.unwrap_or(true) {
            return Err(reject(reason));
        }
        log::warn!("{reason}");
        Ok(())
    }
}

/// Whether a text can be the name of a file in a directory, on any system.
fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.len() <= 255
        && !text.contains(|c: char| matches!(c, '/' | '\\') || c.is_control())
}
