//! `runner dlq list`: the dead letter queues, or the letters of one.

use super::pick::Filter;
use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Exit, Result, output};
use crate::verbs::letters::{self, DeadLetter, DeadQueue, Letters, MOST};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner dlq list otp-dead --reason timeout --newer-than 2h")]
pub(in crate::cli) struct Args {
    /// A dead letter queue; lists the queues themselves if none is given.
    queue: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Show at most N letters.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        match &self.queue {
            None if !self.filter.query()?.is_empty() => {
                let which = "name the dead letter queue whose letters are filtered";
                Err(Exit::usage(format!("{which}: runner dlq list QUEUE")))
            }
            None => queues(cli, place).await,
            Some(queue) => self.letters(cli, place, queue).await,
        }
    }

    async fn letters(&self, cli: &Cli, place: &Place, queue: &str) -> Result {
        let filter = &self.filter.query()?;
        let mut found = Vec::new();
        let mut cursor = None;
        let more = loop {
            let limit = (self.limit as usize - found.len()).min(MOST);
            let from = cursor.as_deref();
            let verb =
                async |here: &_| letters::list(here, queue, filter, limit, from, false).await;
            let route = routes::letters(queue, filter, limit, from);
            let page: Letters = place.ask(route, verb).await?;
            found.extend(page.letters);
            cursor = page.cursor;
            if cursor.is_none() || found.len() == self.limit as usize {
                break cursor.is_some();
            }
        };
        if cli.json {
            output::json(&found);
        } else if found.is_empty() {
            let which = match filter.is_empty() {
                true => "",
                false => " that match",
            };
            output::say(format!("queue {queue:?} has no letters{which}"));
        } else {
            table(&found);
        }
        if more {
            output::say("there are more; raise --limit to see them");
        }
        Ok(())
    }
}

async fn queues(cli: &Cli, place: &Place) -> Result {
    let queues: Vec<DeadQueue> = place.ask(routes::dead_queues(), letters::queues).await?;
    if cli.json {
        output::json(&queues);
    } else if queues.is_empty() {
        output::say("no queue of queues.toml has a `dead_letter`");
    } else {
        let row =
            |of: &DeadQueue| vec![of.queue.clone(), of.letters.to_string(), of.from.join(", ")];
        let rows: Vec<Vec<String>> = queues.iter().map(row).collect();
        output::table(&["queue", "letters", "from"], &rows);
    }
    Ok(())
}

fn table(letters: &[DeadLetter]) {
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let origin = letter.from.as_ref();
            vec![
                letter.id.clone(),
                output::cell(&letter.name),
                origin.map_or_else(String::new, |from| format!("{} {}", from.queue, from.id)),
                origin.map_or_else(String::new, |from| from.attempts_made.to_string()),
                output::instant(Some(letter.failed_at)),
                output::cell(&letter.reason),
            ]
        })
        .collect();
    output::table(
        &["id", "name", "from", "attempts", "failed", "reason"],
        &rows,
    );
}
