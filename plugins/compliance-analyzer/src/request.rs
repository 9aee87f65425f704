//! The payload, and the text it points to.

use std::fs;
use std::io::ErrorKind;

use runner_sdk::prelude::*;
use serde::Deserialize;

use crate::framework::Framework;

/// What the producer asked for.
pub(crate) struct Request {
    pub(crate) document_id: String,
    pub(crate) user_id: String,
    pub(crate) path: String,
    pub(crate) mime_type: String,
    pub(crate) frameworks: Vec<Framework>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    document_id: String,
    user_id: String,
    document_path: String,
    mime_type: String,
    compliance_frameworks: Vec<String>,
}

/// The text of a document.
pub(crate) struct Text {
    pub(crate) text: String,
    /// Offsets at which pages begin, the first being 0.
    pub(crate) pages: Vec<usize>,
    /// Size of the file.
    pub(crate) bytes: usize,
}

impl Request {
    pub(crate) fn read(job: &Job) -> Result<Self> {
        let payload: Payload = job.data()?;
        Ok(Request {
            frameworks: Framework::parse_all(&payload.compliance_frameworks)?,
            document_id: payload.document_id,
            user_id: payload.user_id,
            path: payload.document_path,
            mime_type: payload.mime_type,
        })
    }

    /// Read the document.
    pub(crate) fn text(&self) -> Result<Text> {
        let directory = config::get("documents").unwrap_or_else(|| "/documents".into());
        let directory = directory.trim_end_matches('/');
        let path = &self.path;
        let inside = path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/') && !rest.ends_with('/'));
        if !inside || path.split('/').any(|part| part == "..") || path.contains('\0') {
            return Err(reject(format!(
                "data.documentPath: \"{path}\" is not in the directory \"{directory}\""
            )));
        }
        let max_bytes = config::json("max_bytes")?.unwrap_or(MAX_BYTES);
        let place = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => reject(format!(
                "there is no document \"{path}\"; it was looked for in the directory that \
                 queues.toml grants as \"{directory}\" (dirs under [plugins.<name>])"
            )),
            ErrorKind::IsADirectory => reject(format!("\"{path}\" is a directory")),
            _ => retry(format!("the document \"{path}\" cannot be read: {error}")),
        };
        let about = fs::metadata(path).map_err(place)?;
        if about.is_dir() {
            return Err(reject(format!("\"{path}\" is a directory")));
        }
        if about.len() > max_bytes {
            return Err(reject(format!(
                "the document \"{path}\" has {} bytes, more than the setting \"max_bytes\" \
                 allows: {max_bytes}",
                about.len()
            )));
        }
        text_of(fs::read(path).map_err(place)?, &self.mime_type).map_err(|failure| {
            let reason = format!("the document \"{path}\": {}", failure.reason());
            failure.with_reason(reason)
        })
    }
}

/// 32 MiB: what fits into the default memory of the queue with its text.
const MAX_BYTES: u64 = 32 << 20;

fn text_of(file: Vec<u8>, mime_type: &str) -> Result<Text> {
    let bytes = file.len();
    let text = String::from_utf8(file)
        .map_err(|_| reject(format!("{mime_type} is not read, only text in UTF-8")))?;
    let mut pages = vec![0];
    pages.extend(text.match_indices('\x0c').map(|(at, _)| at + 1));
    Ok(Text { text, pages, bytes })
}
