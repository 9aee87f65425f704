//! `runner schedule rm`: a scheduler and its next job are removed.

use serde_json::json;

use super::One;
use crate::cli::terminal::confirm::Confirm;
use crate::cli::{Cli, Exit, Result, output};
use crate::config::Loaded;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    confirm: Confirm,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        let (queue, scheduler) = super::find(cli, loaded, &self.one).await?;
        let mut declared = loaded.config.schedules.iter();
        if declared.any(|one| one.queue == queue.name() && one.id == scheduler.id)
            && scheduler.is_declared()
        {
            return Err(Exit::usage(format!(
                "schedule {:?} is declared in queues.toml; remove it there",
                scheduler.id
            )));
        }
        let what = format!("removes the scheduler {:?} and its next job", scheduler.id);
        self.confirm.ask(queue.name(), &what)?;
        let removed = queue.remove_scheduler(&scheduler.id).await?;
        if cli.json {
            output::json(&json!({ "queue": queue.name(), "id": scheduler.id, "removed": removed }));
        } else if removed {
            output::line(format!(
                "{} of queue {} was removed",
                scheduler.id,
                queue.name()
            ));
        }
        Ok(())
    }
}
