//! `runner schedule run`: one job now, as the scheduler would add it.

use serde_json::json;

use super::One;
use crate::cli::{Cli, Result, output};
use crate::config::Loaded;

pub(super) async fn run(cli: &Cli, loaded: &Loaded, one: &One) -> Result {
    let (queue, scheduler) = super::find(cli, loaded, one).await?;
    let id = queue.run_scheduler(&scheduler).await?;
    if cli.json {
        output::json(&json!({ "queue": queue.name(), "id": id }));
    } else {
        output::line(id);
    }
    Ok(())
}
