//! Checks uploaded documents, reads their text and passes them on: the contract
//! `docs:jobs/document-processing`.
//!
//! The file of the payload is looked for in the granted directory, in this order:
//!
//! 1. `<documentId>/<filename>`
//! 2. `<documentId>.<extension of filename>`
//! 3. `<filename>`
//!
//! With the setting `store` it is looked for in the same order in that object store, and
//! its path in the report, and in the jobs that follow, is `blobs:` and the key.
//!
//! It may be PDF, an office document, a book, an e-mail or a text, also compressed:
//! README.md has the list. What its content is, and how large, must be what was declared. The result is
//! a report; a job for `compliance-analysis` and an e-mail for the user
//! follow, each once however often the job is attempted.
//!
//! ```toml
//! [plugins.document-processor]
//! dirs = { "/documents" = "data/documents" } # the uploads, read only
//!
//! [plugins.document-processor.config]
//! directory = "/documents"         # where to look; default "/documents"
//! store = "documents"              # the store of `blobs` to look in, instead of a directory
//! strict = true                    # false: a file that is not as declared is logged, not rejected
//! max_size = 67108864              # larger files are rejected, in bytes; default 64 MiB
//! followups = true                 # false: no other job is added
//! frameworks = ["GDPR", "SOX"]     # what compliance-analysis checks; this is the default
//! ```
//!
//! A file that is not there (yet) is a retry; one that is damaged, protected by
//! a password, or has no text that can be read, is rejected, and so is one that was
//! made to fill the memory.

runner_sdk::contract!({
    path: ["../../wit/runner", "../../wit/queues/documents.wit"],
    world: "docs:jobs/document-processor",
});

mod follow_up;
mod object;
mod upload;

use document_text::{Document, Kind};
use exports::docs::jobs::document_processing::{Guest, Report, Upload};
use runner_sdk::prelude::*;
use runner_sdk::typed;
use sha2::{Digest, Sha256};

struct Processor;

runner_sdk::serve!(Processor);

impl Guest for Processor {
    fn process_document(data: Upload) -> Result<Report, typed::Failure> {
        Ok(process(&Job::current(), &data)?)
    }
}

/// Progress is split so: looking at the file, its pages, the rest.
const LOOKED: f64 = 10.0;
const READ: f64 = 90.0;

/// So many characters of the text are in the result: enough to recognise a
/// document by, and to show in a list.
const PREVIEW: usize = 500;

/// Process the document of one job.
///
/// # Errors
/// Rejects a file that cannot be read or is not as declared; retries when there is
/// no file, and when Redis cannot be reached.
fn process(job: &Job, upload: &Upload) -> Result<Report> {
    progress::describe(0.0, "looking for the file");
    let path = upload.find()?;
    let content = upload.load(&path)?;
    let bytes = content.len() as u64;
    let kind = Kind::of(&content, &upload.mime_type).map_err(reject)?;
    upload.check(kind, bytes)?;
    progress::describe(LOOKED, "checked");

    let sha256 = hex(&Sha256::digest(&content));
    let document = kind
        .read(content, &upload.mime_type, |page, count| {
            let share = (page - 1) as f64 / count as f64;
            let message = format!("page {page} of {count}");
            progress::describe(LOOKED + share * (READ - LOOKED), &message);
        })
        .map_err(reject)?;
    progress::describe(READ, "read");

    let mut report = Report::new(upload, &path, sha256, bytes, document);
    log::info!(
        bytes = bytes,
        words = report.words,
        sha256 = report.sha256,
        "{} is {}",
        report.path,
        report.mime_type
    );
    if report.words == 0 {
        log::warn!("the document has no text; scanned pages need text recognition (OCR) first");
    }
    report.follow_ups = follow_up::add(job, upload, &report)?;
    progress::describe(100.0, "done");
    Ok(report)
}

impl Report {
    fn new(upload: &Upload, path: &str, sha256: String, bytes: u64, document: Document) -> Self {
        let pages = document.pages.len();
        Report {
            document_id: upload.document_id.clone(),
            path: path.to_owned(),
            sha256,
            bytes,
            mime_type: document.kind.media_type().to_owned(),
            encoding: document.encoding.map(str::to_owned),
            pages: (pages > 0).then_some(pages as u32),
            words: document.words() as u64,
            characters: document.characters() as u64,
            text_preview: preview(&document.text),
            title: document.title,
            follow_ups: Vec::new(),
        }
    }
}

fn preview(text: &str) -> String {
    let mut preview = String::new();
    // Enough of the text for this many words of this length; no more is read.
    for word in text.split_whitespace().take(PREVIEW) {
        if !preview.is_empty() {
            preview.push(' ');
        }
        preview.extend(word.chars().take(PREVIEW));
    }
    preview.chars().take(PREVIEW).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
