//! `runner dlq list`: the dead letter queues, or the letters of one.

use serde_json::{Value, json};

use super::pick::Filter;
use crate::cli::{Cli, Exit, Result, output, target};
use crate::config::Loaded;
use crate::queue::{Letter, Queue};
use crate::verbs::cover::Cover;

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
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        match &self.queue {
            None if self.filter.is_set() => {
                let which = "name the dead letter queue whose letters are filtered";
                Err(Exit::usage(format!("{which}: runner dlq list QUEUE")))
            }
            None => queues(cli, loaded).await,
            Some(name) => {
                let queue = super::connect(cli, loaded, name).await?;
                self.letters(cli, loaded, &queue).await
            }
        }
    }

    async fn letters(&self, cli: &Cli, loaded: &Loaded, queue: &Queue) -> Result {
        let fits = self.filter.test(queue.now().await?);
        let mut found = Vec::new();
        let mut more = false;
        queue
            .each_letter(|letter| {
                if fits(&letter) {
                    more = found.len() == self.limit as usize;
                    if !more {
                        found.push(letter);
                    }
                }
                !more
            })
            .await?;
        let cover = Cover::of(&loaded.config, queue.name());
        found
            .iter_mut()
            .for_each(|letter| cover.letter(&loaded.config, letter));
        if cli.json {
            let all: Vec<Value> = found.iter().map(super::show::document).collect();
            output::json(&all);
        } else if found.is_empty() {
            let which = if self.filter.is_set() {
                " that match"
            } else {
                ""
            };
            output::say(format!("queue {:?} has no letters{which}", queue.name()));
        } else {
            table(&found);
        }
        if more {
            output::say("there are more; raise --limit to see them");
        }
        Ok(())
    }
}

async fn queues(cli: &Cli, loaded: &Loaded) -> Result {
    let redis = target::redis(cli, loaded).await?;
    let mut rows = Vec::new();
    for name in loaded.config.queues.keys() {
        let sources = super::sources(&loaded.config, name);
        if !sources.is_empty() {
            let queue = target::over(redis.clone(), loaded, name);
            rows.push((name, sources, queue.count_letters().await?));
        }
    }
    if cli.json {
        let document = |(name, sources, count): &(&String, Vec<&str>, u64)| json!({ "queue": name, "from": sources, "letters": count });
        output::json(&rows.iter().map(document).collect::<Vec<Value>>());
    } else if rows.is_empty() {
        output::say("no queue of queues.toml has a `dead_letter`");
    } else {
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(name, sources, count)| vec![name.clone(), count.to_string(), sources.join(", ")])
            .collect();
        output::table(&["queue", "letters", "from"], &rows);
    }
    Ok(())
}

fn table(letters: &[Letter]) {
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let origin = letter.origin.as_ref();
            vec![
                letter.id.clone(),
                output::cell(&letter.name),
                origin.map_or_else(String::new, |from| format!("{} {}", from.queue, from.id)),
                origin.map_or_else(String::new, |from| from.attempts_made.to_string()),
                output::instant(Some(letter.failed_at())),
                output::cell(letter.failed_reason()),
            ]
        })
        .collect();
    output::table(
        &["id", "name", "from", "attempts", "failed", "reason"],
        &rows,
    );
}
