//! `runner outbox`: the HTTP requests that `runner dev --outbox` answered.

use super::{Cli, Exit, Result, output};
use crate::outbox::{self, Filter, Format};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner outbox --host api.example.com --last 5 --whole")]
pub(super) struct Args {
    /// Only requests to this host.
    #[arg(long)]
    host: Option<String>,
    /// Only requests made by jobs of this queue.
    #[arg(long)]
    queue: Option<String>,
    /// Only requests made by the job with this id.
    #[arg(long)]
    job: Option<String>,
    /// Only the last N requests.
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Show headers and bodies, too.
    #[arg(long)]
    whole: bool,
    /// Keep printing new requests until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// Delete all recorded requests.
    #[arg(long, conflicts_with_all = ["host", "queue", "job", "last", "whole", "follow"])]
    clear: bool,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let path = cli.data().join(outbox::FILE);
        if self.clear {
            return outbox::clear(&path).map_err(Exit::failed);
        }
        let filter = Filter {
            host: self.host.clone(),
            queue: self.queue.clone(),
            job: self.job.clone(),
            last: self.last,
        };
        let format = match (cli.json, self.whole) {
            (true, _) => Format::Json,
            (false, true) => Format::Whole,
            (false, false) => Format::Table,
        };
        if self.follow {
            return super::block_on(async {
                let each = |entry: &_| output::try_line(outbox::render(entry, format));
                outbox::follow(&path, &filter, each)
                    .await
                    .map_err(Exit::failed)
            });
        }
        let entries = outbox::read(&path, &filter).map_err(|error| match error {
            outbox::Error::Absent { .. } => Exit::not_found(error),
            other => Exit::failed(other),
        })?;
        if entries.is_empty() && output::is_terminal() {
            output::hint("no request matches");
        }
        for entry in &entries {
            output::line(outbox::render(entry, format));
        }
        Ok(())
    }
}
