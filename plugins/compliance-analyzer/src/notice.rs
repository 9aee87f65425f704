//! The e-mail about grave findings, a job for notifier.
//!
//! Two things keep a retry from sending it again: a checkpoint, and an id that is
//! the same in all attempts, for the attempt that was cut off in between.

use runner_sdk::prelude::*;
use serde_json::json;

use crate::framework::Severity;
use crate::report::{Report, Total};
use crate::request::Request;

/// Where the job goes, unless the setting `notifications_queue` says otherwise.
const QUEUE: &str = "notifications";

/// Tell the user, if something is high or critical.
pub(crate) fn send(job: &Job, request: &Request, report: &Report) -> Result {
    let Some(severity @ (Severity::High | Severity::Critical)) = report.severity else {
        return Ok(());
    };
    let frameworks: Vec<_> = request.frameworks.iter().map(ToString::to_string).collect();
    let notice = json!({
        "userId": request.user_id,
        "type": "email",
        "subject": format!("Compliance findings ({severity}) in document {}", request.document_id),
        "message": format!(
            "The document {} was checked against {}. Grave findings:\n\n{}\n\n\
             The full report is the result of job {} in the queue {}.",
            request.document_id,
            frameworks.join(", "),
            grave(report).join("\n"),
            job.id,
            job.queue,
        ),
    });
    let queue = config::get("notifications_queue").unwrap_or_else(|| QUEUE.into());
    checkpoint::once("notification", || {
        // BullMQ allows no `:` in ids.
        let id = job.idempotency_key("notification").replace(':', "-");
        Ok(queue::add(&queue, "send-notification", &notice)
            .id(id)
            .send()?)
    })?;
    Ok(())
}

/// A line for each grave rule that was met.
fn grave(report: &Report) -> Vec<String> {
    report
        .totals
        .iter()
        .filter(|total| total.severity >= Severity::High)
        .map(
            |Total {
                 title,
                 severity,
                 count,
                 ..
             }| {
                let places = if *count == 1 { "place" } else { "places" };
                format!("- {title} ({severity}, {count} {places})")
            },
        )
        .collect()
}
