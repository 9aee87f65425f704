//! `runner job wait`: follow a job that is there already.

use std::time::Duration;

use super::Job;
use crate::cli::Result;
use crate::cli::terminal::follow;
use crate::verbs::search::Target;
use crate::verbs::{self, jobs};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job wait orders 42 --timeout 5m")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(super) job: Job,
    /// Give up waiting after this time (30s, 5m) and exit with 124.
    #[arg(long, value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
}

impl Args {
    pub(super) async fn run(&self, target: &Target) -> Result {
        let Target { queue, cover } = target;
        let id = &self.job.id;
        let before = queue.last_event().await?;
        let job = queue.find(id).await?;
        let job = job.ok_or_else(|| verbs::Error::from(jobs::missing(queue, id)))?;
        let says = cover.redactor(&job.name, &job.data);
        follow::to_end(queue, id, before, self.timeout, &says).await
    }
}
