//! `runner audit`: who has changed what through the HTTP API.

use std::time::Duration;

use jiff::Timestamp;

use super::remote::{Place, routes};
use super::{Cli, Result, output};
use crate::verbs::audit::{self, Entries, Entry, Question};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner audit --who user:ann --since 24h")]
pub(super) struct Args {
    /// Only of this caller: token:ci, user:ann, jwt:4711.
    #[arg(long, value_name = "WHO")]
    who: Option<String>,
    /// Only this verb, such as pause.
    #[arg(long, value_name = "VERB")]
    verb: Option<String>,
    /// Only what begins with this, such as the name of a queue.
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Not older than this.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// How many entries.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let since = self.since.map(|since| {
            #[expect(clippy::disallowed_methods, reason = "as a person means it")]
            let now = Timestamp::now().as_millisecond();
            let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            u64::try_from(now.saturating_sub(since)).unwrap_or_default()
        });
        let question = Question {
            who: self.who.clone(),
            verb: self.verb.clone(),
            target: self.target.clone(),
            since,
        };
        super::block_on(async {
            let place = Place::of(cli, Cli::load_or_default).await?;
            let mut entries: Vec<Entry> = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let left = self.limit as usize - entries.len();
                let from = cursor.as_deref();
                let route = routes::audit(&question, left, from);
                let page = place.ask(route, async |here| {
                    audit::audit(here, &question, left, from).await
                });
                let page: Entries = page.await?;
                entries.extend(page.entries);
                cursor = page.cursor;
                if cursor.is_none() || entries.len() >= self.limit as usize {
                    break;
                }
            }
            say(cli, &entries);
            Ok(())
        })
    }
}

fn say(cli: &Cli, entries: &[Entry]) {
    if cli.json {
        output::json(&entries);
        return;
    }
    let row = |entry: &Entry| {
        vec![
            output::instant(Some(entry.at)),
            entry.who.clone(),
            entry.from.clone().unwrap_or_default(),
            entry.verb.clone(),
            entry.target.clone(),
            entry.count.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    output::table(&["at", "who", "from", "verb", "target", "count"], &rows);
}
