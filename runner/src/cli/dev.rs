//! `runner dev`: serve with an embedded Redis and the HTTP API, and build what has a source.

use super::{Cli, Result, serve};

#[derive(Debug, clap::Args)]
#[group(skip)] // Its group would have the name of the one that it flattens.
#[command(after_help = "Example: runner dev --outbox")]
pub(super) struct Args {
    #[command(flatten)]
    serve: serve::Args,
    /// Answer plugins' HTTP requests locally and record them; see `runner outbox`.
    #[arg(long)]
    outbox: bool,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let mut overrides = self.serve.overrides(cli);
        overrides.redis_url.get_or_insert_with(|| "embedded".into());
        overrides.serves = true;
        overrides.dev = true;
        serve::serve(cli, overrides, self.outbox, true)
    }
}
