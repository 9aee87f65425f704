//! `runner job wait`: follow a job that is there already.

use std::time::Duration;

use super::Job;
use crate::cli::Result;
use crate::cli::remote::Place;
use crate::cli::terminal::follow::{self, Happening};
use crate::redact::Redactor;
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
    pub(super) async fn run(&self, place: &Place) -> Result {
        let Job { queue: name, id } = &self.job;
        let here = match place {
            Place::Here(here) => here,
            Place::There(client) => {
                let mut following = client.follow(name, id).await?;
                let next = async || following.next().await;
                return follow::to_end(name, id, self.timeout, &Redactor::default(), next).await;
            }
        };
        let Target { queue, cover } = super::target(here, name).await?;
        let before = queue.last_event().await?;
        let job = queue.find(id).await?;
        let job = job.ok_or_else(|| verbs::Error::from(jobs::missing(&queue, id)))?;
        let says = cover.redactor(&job.name, &job.data);
        let mut watch = queue.watch(id, before).await?;
        let next = async || Ok(Happening::Job(watch.next().await?));
        follow::to_end(name, id, self.timeout, &says, next).await
    }
}
