//! `runner dlq replay`: letters go back to work.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use super::pick::Pick;
use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::letters::{self, MOST, Rate, ReplayAsked, Replayed};

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
    #[arg(long)]
    rate: Option<Rate>,
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

/// Calls of a size that keeps a rate from call to call.
struct Pace {
    part: usize,
    ticks: Option<Interval>,
}

impl Pace {
    /// A quarter of a second in a call, so that one who waits sees it go on.
    fn of(rate: Option<&Rate>) -> Pace {
        let Some(rate) = rate else {
            return Pace {
                part: MOST,
                ticks: None,
            };
        };
        let pause = rate.pause().max(Duration::from_millis(1));
        let part =
            (Duration::from_millis(250).as_nanos() / pause.as_nanos()).clamp(1, MOST as u128);
        let mut ticks = tokio::time::interval(pause * part as u32);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pace {
            part: part as usize,
            ticks: Some(ticks),
        }
    }

    async fn tick(&mut self) {
        if let Some(ticks) = &mut self.ticks {
            ticks.tick().await;
        }
    }
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let mut all = Replayed {
            queue: self.queue.clone(),
            replayed: Vec::new(),
            matched: None,
            refused: Vec::new(),
            cursor: None,
        };
        let end = match self.pick.is_all() {
            true => self.all(place, &mut all).await,
            false => self.named(place, &mut all).await,
        };
        let count = all.replayed.len() as u64;
        // What was asked first was refused: nothing was done.
        if end.is_err() && count == 0 {
            return end;
        }
        let refused = std::mem::take(&mut all.refused);
        if cli.json {
            output::json(&all);
        } else {
            output::line(format!("replayed {}", units::count(count, "letter")));
        }
        end?;
        super::refused(refused)
    }

    async fn named(&self, place: &Place, all: &mut Replayed) -> Result {
        let mut pace = Pace::of(self.rate.as_ref());
        for ids in self.pick.ids(pace.part) {
            pace.tick().await;
            let asked = ReplayAsked {
                ids,
                ..self.asked()
            };
            self.call(place, &asked, all).await?;
        }
        Ok(())
    }

    async fn all(&self, place: &Place, all: &mut Replayed) -> Result {
        let which = self.pick.all()?;
        let asked = ReplayAsked {
            filter: which.filter,
            ..self.asked()
        };
        let dry = ReplayAsked {
            dry_run: true,
            rate: None,
            ..asked.clone()
        };
        let count = self.to_end(place, dry, Pace::of(None), all, |_| {}).await?;
        if count == 0 {
            return Ok(());
        }
        let to = match &self.to {
            Some(to) => format!("to queue {to:?}"),
            None => "to where they failed".to_owned(),
        };
        let letters = units::count(count, "letter");
        let what = format!("moves {letters} of queue {:?} {to}", self.queue);
        self.confirm.ask(&self.queue, &what)?;
        let bar = output::bar(count);
        let pace = Pace::of(self.rate.as_ref());
        let end = self.to_end(place, asked, pace, all, |done| bar.inc(done));
        end.await.map(drop)
    }

    fn asked(&self) -> ReplayAsked {
        ReplayAsked {
            to: self.to.clone(),
            keep_attempts: self.keep_attempts,
            rate: self.rate.clone(),
            ..ReplayAsked::default()
        }
    }

    async fn call(
        &self,
        place: &Place,
        asked: &ReplayAsked,
        all: &mut Replayed,
    ) -> Result<Replayed> {
        let queue = self.queue.as_str();
        let verb = async |here: &_| letters::replay(here, queue, asked).await;
        let mut part = place.ask(routes::replay(queue, asked), verb).await?;
        all.replayed.append(&mut part.replayed);
        all.refused.append(&mut part.refused);
        Ok(part)
    }

    /// Call again, from where the last call stopped, until there are no more; how many
    /// there were. `done` is told how many each call brought.
    async fn to_end(
        &self,
        place: &Place,
        mut asked: ReplayAsked,
        mut pace: Pace,
        all: &mut Replayed,
        done: impl Fn(u64),
    ) -> Result<u64> {
        asked.limit = Some(pace.part as u32);
        let mut matched = 0;
        loop {
            pace.tick().await;
            let part = self.call(place, &asked, all).await?;
            let of = part.matched.unwrap_or_default();
            matched += of;
            done(of);
            match part.cursor {
                None => return Ok(matched),
                cursor => asked.cursor = cursor,
            }
        }
    }
}
