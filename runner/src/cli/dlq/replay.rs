//! `runner dlq replay`: letters go back to work.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::pick::Pick;
use crate::cli::job::refused;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Exit, Result, args, output, target};
use crate::config::Loaded;
use crate::queue::{Letter, Queue, Replay};
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  runner dlq replay otp-dead otp-17-1763876400000
  runner dlq replay otp-dead --all --reason timeout --rate 10/s")]
pub(in crate::cli) struct Args {
    /// A dead letter queue.
    queue: String,
    #[command(flatten)]
    pick: Pick,
    /// Replay at most this many per second, minute or hour: 10/s, 600/m, 100/h.
    #[arg(long, value_parser = args::pause)]
    rate: Option<Duration>,
    /// Give the jobs only the attempts they had left, but at least one.
    #[arg(long, conflicts_with = "reset_attempts")]
    keep_attempts: bool,
    /// Give the jobs all of their attempts again (the default).
    #[arg(long)]
    reset_attempts: bool,
    /// The queue to move them to, instead of the one they failed in.
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    #[command(flatten)]
    confirm: Confirm,
}

/// What has become of the letters so far.
#[derive(Default)]
struct Ends {
    replayed: Vec<Value>,
    refusals: Vec<Exit>,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        let queue = super::connect(cli, loaded, &self.queue).await?;
        if let Some(to) = &self.to {
            target::declared(loaded, to)?;
            if *to == self.queue {
                return Err(Exit::usage(format!("{to:?} is where the letters are")));
            }
        }
        let (ids, refusals) = self.pick.ids(&queue).await?;
        if self.pick.is_all() && !ids.is_empty() {
            let to = match &self.to {
                Some(to) => format!("to queue {to:?}"),
                None => "to where they failed".to_owned(),
            };
            let letters = units::count(ids.len() as u64, "letter");
            let what = format!("moves {letters} of queue {:?} {to}", queue.name());
            self.confirm.ask(queue.name(), &what)?;
        }
        let mut ends = Ends {
            replayed: Vec::new(),
            refusals,
        };
        let moved = self.replay(loaded, &queue, &ids, &mut ends).await;
        let count = ends.replayed.len();
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "replayed": ends.replayed }));
        } else {
            output::line(format!("replayed {}", units::count(count as u64, "letter")));
        }
        moved?;
        refused(ends.refusals)
    }

    async fn replay(
        &self,
        loaded: &Loaded,
        queue: &Queue,
        ids: &[String],
        ends: &mut Ends,
    ) -> Result {
        let bar = output::bar(ids.len() as u64);
        let mut targets = BTreeMap::new();
        let mut ticks = self.rate.map(|pause| {
            // A call that takes longer than the pause does not hurry the next ones.
            let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks
        });
        for id in ids {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let Some(letter) = queue.letter(id).await? else {
                self.gone(queue, id, ends);
                continue;
            };
            match self.target(loaded, queue, &letter, &mut targets) {
                Err(refusal) => ends.refusals.push(refusal),
                Ok(to) => match queue.replay(&letter, &to, !self.keep_attempts).await? {
                    Replay::Done(new) => ends
                        .replayed
                        .push(json!({ "letter": id, "queue": to.name(), "id": new })),
                    Replay::Missing => self.gone(queue, id, ends),
                    Replay::Active => ends.refusals.push(super::active(id)),
                },
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Somebody else was faster; of all letters that is none of them.
    fn gone(&self, queue: &Queue, id: &str, ends: &mut Ends) {
        if !self.pick.is_all() {
            ends.refusals.push(super::missing(queue, id));
        }
    }

    /// The queue a letter goes to: declared, so that a slip of the pen in the
    /// configuration does not fill a queue that nobody works on.
    fn target(
        &self,
        loaded: &Loaded,
        queue: &Queue,
        letter: &Letter,
        known: &mut BTreeMap<String, Queue>,
    ) -> Result<Queue> {
        let origin = letter.origin.as_ref().map(|origin| origin.queue.as_str());
        let Some(name) = self.to.as_deref().or(origin) else {
            return Err(Exit::failed(format!(
                "letter {:?} does not say where it comes from; name a queue with --to",
                letter.id
            )));
        };
        if let Some(queue) = known.get(name) {
            return Ok(queue.clone());
        }
        if !loaded.config.queues.contains_key(name) {
            return Err(Exit::failed(format!(
                "letter {:?} comes from queue {name:?}, which is no longer declared; \
                 name another one with --to",
                letter.id
            )));
        }
        let to = target::over(queue.redis().clone(), loaded, name);
        known.insert(name.to_owned(), to.clone());
        Ok(to)
    }
}
