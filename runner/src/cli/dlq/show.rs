//! `runner dlq show`: one letter.

use serde_json::Value;

use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
use crate::verbs::letters;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner dlq show otp-dead otp-17-1763876400000")]
pub(in crate::cli) struct Args {
    /// A dead letter queue.
    queue: String,
    /// The letter's id.
    id: String,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, place: &Place) -> Result {
        let (queue, id) = (self.queue.as_str(), self.id.as_str());
        let verb = async |here: &_| letters::get(here, queue, id, false).await;
        let letter = place.ask(routes::letter(queue, id), verb).await?;
        if cli.json {
            output::json(&letter);
            return Ok(());
        }
        output::field("id", &letter.id);
        output::field("name", &letter.name);
        if let Some(origin) = &letter.from {
            output::field("from", &format!("{} {}", origin.queue, origin.id));
            output::field("attempts", &origin.attempts_made.to_string());
            output::field("plugin", origin.plugin.as_deref().unwrap_or_default());
            output::field("runner", &origin.runner);
            output::field(
                "options",
                &Value::Object(origin.options.clone()).to_string(),
            );
        }
        output::field("failed", &output::instant(Some(letter.failed_at)));
        output::field("reason", &letter.reason);
        output::field("data", letter.data.get());
        for trace in &letter.stacktrace {
            output::field("trace", trace);
        }
        Ok(())
    }
}
