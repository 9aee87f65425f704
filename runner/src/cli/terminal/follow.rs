//! Following a job to its end, for `add --wait` and `job wait`.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;

use super::output;
use crate::cli::{Exit, Result};
use crate::queue::Event;
use crate::redact::Redactor;
use crate::units;

/// What happens to a job that is followed.
pub(in crate::cli) enum Happening {
    /// Something of its own.
    Job(Event),
    /// Its queue has no plugin.
    Unserved,
}

/// Follow a job by what `next` tells of it: progress and logs on stderr, its result on
/// stdout; `says` is taken out of all but the result. The exit is 1 when the job failed,
/// 124 when `limit` passed before it ended.
pub(in crate::cli) async fn to_end(
    queue: &str,
    id: &str,
    limit: Option<Duration>,
    says: &Redactor,
    next: impl AsyncFnMut() -> Result<Happening>,
) -> Result {
    let end = follow(queue, id, says, next);
    match limit {
        None => end.await,
        Some(limit) => tokio::time::timeout(limit, end).await.unwrap_or_else(|_| {
            Err(Exit::timeout(format!(
                "job {id} did not end within {}; it keeps running",
                units::duration(limit)
            )))
        }),
    }
}

/// Show what the job says until it ends.
async fn follow(
    queue: &str,
    id: &str,
    says: &Redactor,
    mut next: impl AsyncFnMut() -> Result<Happening>,
) -> Result {
    let bar = output::job_bar();
    output::message(&bar, "waiting");
    let end = loop {
        let event = match next().await? {
            Happening::Job(event) => event,
            Happening::Unserved => {
                bar.suspend(|| {
                    output::hint(&format!(
                        "queue {queue:?} has no plugin: the job waits for another program"
                    ));
                });
                continue;
            }
        };
        match event {
            Event::Active => output::message(&bar, "active"),
            Event::Waiting(state) => output::message(&bar, &state),
            Event::Progress(json) => show_progress(&bar, &says.redact(json)),
            Event::Log(line) => bar.suspend(|| output::say(says.redact(line))),
            Event::Completed(value) => break Ok(value),
            Event::Failed(reason) => {
                break Err(format!("job {id} failed: {}", says.redact(reason)));
            }
            Event::Gone => {
                break Err(format!(
                    "job {id} was removed or moved to another queue before it ended"
                ));
            }
        }
    };
    bar.finish_and_clear();
    if end.is_err() {
        output::hint(&format!("runner job get {queue} {id}"));
    }
    output::line(end.map_err(Exit::failed)?);
    Ok(())
}

/// A number is a percentage; an object may have `percent` and `message`.
fn show_progress(bar: &ProgressBar, json: &str) {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    if let Some(percent) = value.as_f64().or_else(|| value["percent"].as_f64()) {
        bar.set_position(percent.clamp(0.0, 100.0) as u64);
    }
    output::message(bar, value["message"].as_str().unwrap_or("active"));
    if bar.is_hidden() {
        output::say(format!("progress {json}"));
    }
}
