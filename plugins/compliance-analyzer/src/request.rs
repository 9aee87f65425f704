//! The payload, and the text it points to.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};

use document_text::{Document, Kind};
use runner_sdk::blobs;
use runner_sdk::prelude::*;

use crate::Analysis;
use crate::framework::Framework;

/// Where documents are, unless the setting `directory` says otherwise.
const DIRECTORY: &str = "/documents";

/// What the path of an object begins with.
const BLOBS: &str = "blobs:";

/// Where objects are, unless the setting `store` says otherwise.
const STORE: &str = "documents";

/// Larger files are rejected, unless the setting `max_size` says otherwise: 64
/// MiB, as document-processor has it.
const MAX_SIZE: u64 = 64 << 20;

/// Percent of the progress that reading takes.
const READ: f64 = 20.0;

/// What the producer asked for.
pub(crate) struct Request {
    pub(crate) document_id: String,
    pub(crate) user_id: String,
    pub(crate) path: String,
    pub(crate) mime_type: String,
    pub(crate) frameworks: Vec<Framework>,
}

impl Request {
    pub(crate) fn read(data: Analysis) -> Result<Self> {
        Ok(Request {
            frameworks: Framework::parse_all(&data.compliance_frameworks)?,
            document_id: data.document_id,
            user_id: data.user_id,
            path: data.document_path,
            mime_type: data.mime_type,
        })
    }

    /// Read the document; its size in bytes, and its text.
    pub(crate) fn document(&self) -> Result<(usize, Document)> {
        let file = self.load()?;
        let bytes = file.len();
        let read = Kind::of(&file, &self.mime_type).and_then(|kind| {
            kind.read(file, &self.mime_type, |page, count| {
                progress::describe(
                    READ * page as f64 / count as f64,
                    &format!("reading page {page} of {count}"),
                );
            })
        });
        let document =
            read.map_err(|error| reject(format!("the document \"{}\": {error}", self.path)))?;
        if document.words() == 0 {
            // To say that it passed would be false.
            return Err(reject(format!(
                "the document \"{}\" has no text that can be read; scanned pages need text \
                 recognition (OCR) first",
                self.path
            )));
        }
        Ok((bytes, document))
    }

    fn load(&self) -> Result<Vec<u8>> {
        if let Some(key) = self.path.strip_prefix(BLOBS) {
            return self.load_object(key);
        }
        let directory = config::get("directory").unwrap_or_else(|| DIRECTORY.into());
        let directory = directory.trim_end_matches('/');
        let path = &self.path;
        let inside = path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/') && !rest.ends_with('/'));
        if !inside || path.split('/').any(|part| part == "..") || path.contains('\0') {
            return Err(reject(format!(
                "data.documentPath: \"{}\" is not in the directory \"{directory}\"",
                path.escape_debug()
            )));
        }
        let fault = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => reject(format!(
                "there is no document \"{path}\"; it was looked for in the directory that \
                 queues.toml grants as \"{directory}\" (dirs under [plugins.<name>])"
            )),
            ErrorKind::PermissionDenied => reject(format!("\"{path}\" may not be read: {error}")),
            _ => retry(format!("\"{path}\" was not read: {error}")),
        };
        let about = fs::metadata(path).map_err(fault)?;
        if about.is_dir() {
            return Err(reject(format!("\"{path}\" is a directory")));
        }
        let limit = config::json("max_size")?.unwrap_or(MAX_SIZE);
        let mut content = Vec::new();
        // One byte more tells whether there is more; the file may be growing.
        File::open(path)
            .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut content))
            .map_err(fault)?;
        if content.len() as u64 > limit {
            return Err(reject(format!(
                "\"{path}\" has more bytes than the {limit} of the setting \"max_size\""
            )));
        }
        Ok(content)
    }

    /// The content of an object of a store.
    fn load_object(&self, key: &str) -> Result<Vec<u8>> {
        let store = config::get("store").unwrap_or_else(|| STORE.into());
        let reader = blobs::open(&store, key)?;
        let limit = config::json("max_size")?.unwrap_or(MAX_SIZE);
        if reader.metadata().size > limit {
            return Err(reject(format!(
                "\"{}\" has more bytes than the {limit} of the setting \"max_size\"",
                self.path
            )));
        }
        let mut content = Vec::new();
        reader.take(limit).read_to_end(&mut content)?;
        Ok(content)
    }
}
