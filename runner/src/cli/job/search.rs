//! `runner job search`: jobs that match a query, in one queue or in several.

use super::scan::{self, table};
use super::window::Window;
use crate::cli::remote::Place;
use crate::cli::{Cli, Result, output};
use crate::verbs::search::Order;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: runner job search orders 'name:invoice-* data.to:ada@example.com since:2h'"
)]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis; * matches any characters of several.
    pub(super) queue: String,
    /// What to look for: texts and terms (docs/search.md). Quote a query that has spaces,
    /// or begins with -.
    #[arg(required = true)]
    query: Vec<String>,
    #[command(flatten)]
    window: Window,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let filter = scan::filter(&self.query)?;
        let seen = scan::run(place, &self.queue, &self.window, filter, Order::AtOnce).await?;
        if cli.json {
            output::json(&seen);
        } else {
            table(&seen.jobs, super::is_several(&self.queue));
            scan::say(&seen);
        }
        Ok(())
    }
}
