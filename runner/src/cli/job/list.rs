//! `runner job list`: the jobs of a queue.

use super::scan::{self, table};
use super::window::Window;
use crate::cli::remote::Place;
use crate::cli::{Cli, Result, output};
use crate::verbs::search::Order;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner job list orders --state failed --name 'invoice-*'")]
pub(in crate::cli) struct Args {
    /// A queue, declared or in Redis; * matches any characters of several.
    pub(super) queue: String,
    /// Only jobs that match this query (docs/search.md): 'error:timeout since:2h'.
    query: Vec<String>,
    /// Only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    #[command(flatten)]
    window: Window,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let name = self.name.as_ref().map(|name| format!("name:{name}"));
        let words: Vec<String> = self.query.iter().cloned().chain(name).collect();
        let filter = scan::filter(&words)?;
        let narrowed = !filter.is_empty();
        let seen = scan::run(place, &self.queue, &self.window, filter, Order::InTurn).await?;
        if cli.json {
            output::json(&seen.jobs);
        } else {
            table(&seen.jobs, super::is_several(&self.queue));
        }
        if narrowed {
            scan::say(&seen);
        } else if seen.cursor.is_some() {
            output::hint("there are more: raise --limit, or narrow with --state");
        }
        Ok(())
    }
}
