//! One job in full.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ends::missing;
use crate::cost::Spent;
use crate::queue::{Dependencies, Found};
use crate::verbs::Result;
use crate::verbs::raw::{raw, string};
use crate::verbs::search::Target;
use crate::verbs::view::{Children, Place, Stored, View};

/// Bytes of a text that are shown unless all are asked for.
const CUT: usize = 16 * 1024;

/// One job with all that is stored of it; long texts are cut unless `full`.
///
/// # Errors
/// [`Kind::UnknownJob`](crate::verbs::Kind::UnknownJob).
pub async fn get(target: &Target, id: &str, full: bool) -> Result<View> {
    let queue = &target.queue;
    let job = found(target, id).await?;
    let (detail, children, logs, gate, spent) = tokio::try_join!(
        queue.detail(id),
        queue.dependencies(id),
        queue.log_count(id),
        queue.gate_of(id),
        queue.spent(id),
    )?;
    let mut view = View::of(queue.name(), job);
    if !full {
        shorten(&mut view);
    }
    let of_flow = children != Dependencies::default();
    Ok(View {
        gate,
        stored: Some(Stored {
            options: raw(detail.options),
            delay: detail.delay,
            priority: detail.priority,
            starts: detail.starts,
            stalls: detail.stalls,
            logs,
            parent: detail.parent.map(|parent| Place {
                queue: parent.queue,
                id: parent.id,
            }),
            children: of_flow.then_some(Children {
                processed: children.processed,
                unprocessed: children.unprocessed,
                failed: children.failed,
                ignored: children.ignored,
            }),
            scheduler: detail.scheduler,
            deduplication_id: detail.deduplication,
            spent,
        }),
        ..view
    })
}

/// The attempts of a job that have ended, as far as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobAttempts)]
pub struct Attempts {
    /// The queue.
    pub queue: String,
    /// The job.
    pub id: String,
    /// Attempts that count: those that were interrupted do not.
    pub attempts_made: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// What is kept of each, the first of them first: how it ended, its plugin's version,
    /// its cost, its calls to the host. The same as `stored.spent` of the job.
    pub spent: Vec<Spent>,
}

/// The attempts of a job.
///
/// # Errors
/// [`Kind::UnknownJob`](crate::verbs::Kind::UnknownJob).
pub async fn attempts(target: &Target, id: &str) -> Result<Attempts> {
    let job = found(target, id).await?;
    Ok(Attempts {
        queue: target.queue.name().to_owned(),
        id: job.id,
        attempts_made: job.attempts_made,
        attempts: job.attempts,
        spent: target.queue.spent(id).await?,
    })
}

/// Leave the beginnings of what is too long, and note the sizes.
pub fn shorten(view: &mut View) {
    let cut = &mut view.cut;
    if let Some(reason) = &mut view.failed_reason {
        shorten_text("failedReason", reason, cut);
    }
    for trace in &mut view.stacktrace {
        shorten_text("stacktrace", trace, cut);
    }
    shorten_json("data", &mut view.data, cut);
    if let Some(progress) = &mut view.progress {
        shorten_json("progress", progress, cut);
    }
    if let Some(result) = &mut view.returnvalue {
        shorten_json("returnvalue", result, cut);
    }
}

/// A job, covered.
///
/// # Errors
/// [`Kind::UnknownJob`](crate::verbs::Kind::UnknownJob).
pub async fn found(target: &Target, id: &str) -> Result<Found> {
    let queue = &target.queue;
    let job = queue.find(id).await?;
    let mut job = job.ok_or_else(|| missing(queue, id))?;
    target.cover.job(&mut job);
    Ok(job)
}

/// Leave the beginning of a text that is too long, and note its size.
fn shorten_text(name: &str, text: &mut String, cut: &mut BTreeMap<String, u64>) {
    if text.len() > CUT {
        let whole = cut.entry(name.to_owned()).or_default();
        *whole = (*whole).max(text.len() as u64);
        text.truncate(text.floor_char_boundary(CUT));
        text.push('…');
    }
}

/// The same of JSON, whose beginning is a text.
fn shorten_json(name: &str, json: &mut Box<RawValue>, cut: &mut BTreeMap<String, u64>) {
    if json.get().len() > CUT {
        let mut text = json.get().to_owned();
        shorten_text(name, &mut text, cut);
        *json = string(&text);
    }
}
