//! The record: one JSON line per request, appended.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::rules::{Chosen, Fault, host};
use super::{Error, Exchange};
use runner_redact::REDACTED;

/// Bytes of content that are kept of each request.
const PREVIEW: usize = 4 << 10;

/// Fields whose values are credentials whatever they hold.
const CREDENTIALS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "apikey",
];

/// One request, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counted from 1.
    pub id: u64,
    /// When, RFC 3339.
    pub time: jiff::Timestamp,
    /// Plugin that sent it.
    pub plugin: String,
    /// Queue of its job.
    pub queue: String,
    /// Id of its job.
    pub job: String,
    /// Method.
    pub method: String,
    /// URL, without secrets.
    pub url: String,
    /// Host of the URL, without secrets; for filters.
    pub host: String,
    /// Header fields, without secrets.
    pub headers: Vec<(String, String)>,
    /// The first 4 KiB of the content, without secrets, as text.
    pub body: String,
    /// Bytes of content in all.
    pub bytes: usize,
    /// Status of the reply; none if a fault took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The fault that was asked for: `timeout`, `reset` or `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The open record.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    /// With the number of the last entry.
    file: Mutex<(File, u64)>,
}

impl Record {
    /// Open the record at its end, private to the user: it holds one-time codes
    /// and addresses. A last line that a crash left unfinished is cut off.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(Error::io(path))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(Error::io(path))?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(Error::io(path))?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(Record {
            path: path.to_owned(),
            file: Mutex::new((file, lines)),
        })
    }

    /// Append one request: one write, so that a reader sees whole lines.
    pub(super) fn write(&self, exchange: &Exchange<'_>, chosen: &Chosen) -> Result<(), Error> {
        let (file, written) = &mut *self.file.lock().expect("no panic while the record is held");
        *written += 1;
        let entry = entry(*written, exchange, chosen);
        let mut line = serde_json::to_vec(&entry).expect("an entry is plain JSON");
        line.push(b'\n');
        file.write_all(&line).map_err(Error::io(&self.path))
    }
}

#[expect(clippy::disallowed_methods, reason = "only shown")]
fn entry(id: u64, exchange: &Exchange<'_>, chosen: &Chosen) -> Entry {
    let clean = |text: &str| exchange.redactor.redact(text.to_owned());
    let (status, fault) = match chosen.fault {
        None => (Some(chosen.status), None),
        Some(Fault::Status) => (Some(chosen.status), Some("status")),
        Some(Fault::Timeout) => (None, Some("timeout")),
        Some(Fault::Reset) => (None, Some("reset")),
    };
    Entry {
        id,
        time: jiff::Timestamp::now(),
        plugin: exchange.plugin.to_owned(),
        queue: exchange.queue.to_owned(),
        job: exchange.job.to_owned(),
        method: exchange.method.to_string(),
        url: clean(exchange.url.as_str()),
        host: clean(host(exchange.url)),
        headers: headers(exchange.headers, clean),
        body: preview(&clean(&String::from_utf8_lossy(exchange.body))),
        bytes: exchange.body.len(),
        status,
        fault: fault.map(str::to_owned),
    }
}

fn headers(headers: &HeaderMap, clean: impl Fn(&str) -> String) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = match CREDENTIALS.contains(&name.as_str()) {
                true => REDACTED.to_owned(),
                false => clean(&String::from_utf8_lossy(value.as_bytes())),
            };
            (clean(name.as_str()), value)
        })
        .collect()
}

/// The beginning of a text, cut between characters.
fn preview(text: &str) -> String {
    match text.len() {
        0..=PREVIEW => text.to_owned(),
        _ => format!("{}…", &text[..text.floor_char_boundary(PREVIEW)]),
    }
}
