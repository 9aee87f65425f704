//! `runner job cancel`: end jobs, waiting or running, from anywhere.

use std::time::Duration;

use serde_json::json;

use crate::cli::{Cli, Exit, Result, output};
use crate::queue::{Event, Failing, Queue};
use crate::units;

/// How long a process may take to stop a job; it takes milliseconds.
const STOP: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job cancel orders 42 --reason \"customer called\"")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis.
    pub(super) queue: String,
    /// Ids of jobs.
    #[arg(required = true)]
    ids: Vec<String>,
    /// Recorded as the reason for the failure.
    #[arg(long)]
    reason: Option<String>,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, queue: &Queue) -> Result {
        let reason = match &self.reason {
            Some(reason) => format!("cancelled: {reason}"),
            None => "cancelled".to_owned(),
        };
        let before = queue.last_event().await?;
        let ends = queue.cancel(&self.ids, &reason).await?;
        let mut refusals = Vec::new();
        let mut cancelled = 0;
        for (id, end) in std::iter::zip(&self.ids, ends) {
            let refusal = match end {
                Failing::Failed => None,
                Failing::Asked => stopped(queue, id, &reason, before.clone()).await?,
                Failing::Ended(state) => {
                    Some(Exit::failed(format!("job {id:?} has already {state}")))
                }
                Failing::Foreign(token) => Some(Exit::failed(format!(
                    "job {id:?} runs in a worker that is not Runner (its lock is {token:?}); \
                     only that worker can stop it"
                ))),
                Failing::NextRun => Some(super::next_run(queue, id)),
                Failing::Started | Failing::Missing => Some(super::missing(queue, id)),
            };
            match refusal {
                None => cancelled += 1,
                Some(refusal) => refusals.push(refusal),
            }
        }
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "cancelled": cancelled }));
        } else {
            output::line(format!("cancelled {}", units::count(cancelled, "job")));
        }
        super::refused(refusals)
    }
}

/// Wait for the end of a job whose process was asked to stop it.
async fn stopped(
    queue: &Queue,
    id: &str,
    reason: &str,
    since: String,
) -> std::result::Result<Option<Exit>, Exit> {
    let end = async {
        let mut watch = queue.watch(id, since).await?;
        loop {
            match watch.next().await? {
                Event::Failed(why) if why == reason => return Ok(None),
                Event::Failed(_) => {
                    let text = format!("job {id:?} failed before it could be cancelled");
                    return Ok(Some(Exit::failed(text)));
                }
                Event::Completed(_) => {
                    let text = format!("job {id:?} completed before it could be cancelled");
                    return Ok(Some(Exit::failed(text)));
                }
                // Removed with its end.
                Event::Gone => return Ok(None),
                _ => {}
            }
        }
    };
    tokio::time::timeout(STOP, end).await.unwrap_or_else(|_| {
        Ok(Some(Exit::failed(format!(
            "the runner that runs job {id:?} did not stop it within {}; if that runner is gone, \
             the job returns to its queue when its lock expires: cancel it then",
            units::duration(STOP)
        ))))
    })
}
