//! `runner schedule rm`: a scheduler and its next job are removed.

use super::One;
use crate::cli::remote::{Place, routes};
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Result, output};
use crate::verbs::schedules::{self, Schedule};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let found = super::find(place, &self.one).await?;
        schedules::removable(&found)?;
        let Schedule { queue, id, .. } = &found;
        let what = format!("removes the scheduler {id:?} and its next job");
        self.confirm.ask(queue, &what)?;
        let verb = async |here: &_| schedules::remove(here, queue, id).await;
        let removed = place.ask(routes::remove_schedule(queue, id), verb).await?;
        if cli.json {
            output::json(&removed);
        } else if removed.removed {
            output::line(format!("{id} of queue {queue} was removed"));
        }
        Ok(())
    }
}
