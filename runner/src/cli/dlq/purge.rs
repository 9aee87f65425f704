//! `runner dlq purge`: letters are thrown away.

use super::pick::Pick;
use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::units;
use crate::verbs::letters::{self, MOST, Purged, Which};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner dlq purge otp-dead --all --older-than 30d --yes")]
pub(in crate::cli) struct Args {
    /// A dead letter queue.
    queue: String,
    #[command(flatten)]
    pick: Pick,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let mut all = Purged {
            queue: self.queue.clone(),
            removed: 0,
            refused: Vec::new(),
            cursor: None,
        };
        if self.pick.is_all() {
            let mut which = self.pick.all()?;
            which.dry_run = true;
            let count = self.to_end(place, which.clone()).await?.removed;
            if count > 0 {
                let letters = units::count(count, "letter");
                let what = format!("removes {letters} of queue {:?}", self.queue);
                self.confirm.ask(&self.queue, &what)?;
                which.dry_run = false;
                all = self.to_end(place, which).await?;
            }
        }
        for ids in self.pick.ids(MOST) {
            let which = Which {
                ids,
                ..Which::default()
            };
            let part = self.call(place, &which).await?;
            all.removed += part.removed;
            all.refused.extend(part.refused);
        }
        let refused = std::mem::take(&mut all.refused);
        if cli.json {
            output::json(&all);
        } else {
            output::line(format!("removed {}", units::count(all.removed, "letter")));
        }
        super::refused(refused)
    }

    async fn call(&self, place: &Place, which: &Which) -> Result<Purged> {
        let queue = self.queue.as_str();
        let verb = async |here: &_| letters::purge(here, queue, which).await;
        place.ask(routes::purge(queue, which), verb).await
    }

    /// Call again, from where the last call stopped, until there are no more.
    async fn to_end(&self, place: &Place, mut which: Which) -> Result<Purged> {
        let mut all = self.call(place, &which).await?;
        while let Some(cursor) = all.cursor.take() {
            which.cursor = Some(cursor);
            let part = self.call(place, &which).await?;
            all.removed += part.removed;
            all.refused.extend(part.refused);
            all.cursor = part.cursor;
        }
        Ok(all)
    }
}
