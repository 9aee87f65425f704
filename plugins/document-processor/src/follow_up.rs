//! The jobs that follow a processed document.
//!
//! Two things keep a retry from adding them again: a checkpoint, and an id that
//! is the same in all attempts, for the attempt that was cut off in between.

use std::time::UNIX_EPOCH;

use runner_sdk::prelude::*;
use serde_json::{Value, json};

use crate::exports::docs::jobs::document_processing::{FollowUp, Report, Upload};

/// Add the jobs, unless the setting `followups` is false.
pub(crate) fn add(job: &Job, upload: &Upload, report: &Report) -> Result<Vec<FollowUp>> {
    if !config::json("followups")?.unwrap_or(true) {
        return Ok(Vec::new());
    }
    let mut added = Vec::new();
    // A document without text would pass every check.
    if report.words > 0 {
        let frameworks: Option<Vec<String>> = config::json("frameworks")?;
        let data = json!({
            "documentId": upload.document_id,
            "userId": upload.user_id,
            "documentPath": report.path,
            "mimeType": media_type(report),
            "complianceFrameworks": frameworks.unwrap_or_else(|| vec!["GDPR".into(), "SOX".into()]),
        });
        added.push(once(
            job,
            upload,
            "compliance-analysis",
            "analyze-compliance",
            &data,
        )?);
    }
    let data = json!({
        "userId": upload.user_id,
        "type": "email",
        "subject": "Document Processed",
        "message": message(upload, report),
    });
    added.push(once(
        job,
        upload,
        "notifications",
        "send-notification",
        &data,
    )?);
    Ok(added)
}

fn once(job: &Job, upload: &Upload, queue: &str, name: &str, data: &Value) -> Result<FollowUp> {
    let job_id = checkpoint::once(queue, || {
        let add = queue::add(queue, name, data).id(id(job, upload, queue));
        Ok(add.send()?)
    })?;
    Ok(FollowUp {
        queue: queue.to_owned(),
        job_id,
    })
}

/// The time makes the id of a document that is uploaded again another one.
/// BullMQ allows no `:` in ids.
fn id(job: &Job, upload: &Upload, queue: &str) -> String {
    let added_at = job
        .added_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let document_id = upload.document_id.replace(':', "-");
    format!("{document_id}-{added_at}-{queue}")
}

/// With the encoding that was found, so that the text is read the same way.
fn media_type(report: &Report) -> String {
    match &report.encoding {
        Some(encoding) => format!("{}; charset={encoding}", report.mime_type),
        None => report.mime_type.clone(),
    }
}

fn message(upload: &Upload, report: &Report) -> String {
    let mut facts = vec![upload.filename.clone()];
    if let Some(pages) = report.pages {
        facts.push(count(pages.into(), "page"));
    }
    facts.push(count(report.words, "word"));
    let mut message = format!(
        "Your document has been processed: {} (SHA-256 {}).",
        facts.join(", "),
        report.sha256
    );
    if report.words == 0 {
        message.push_str(" No text was found in it, so it was not analyzed.");
    }
    message
}

fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
