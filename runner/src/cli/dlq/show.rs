//! `runner dlq show`: one letter.

use serde_json::{Value, json};

use crate::cli::{Cli, Result, output};
use crate::config::Loaded;
use crate::queue::Letter;
use crate::verbs::cover::Cover;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner dlq show otp-dead otp-17-1763876400000")]
pub(in crate::cli) struct Args {
    /// A dead letter queue.
    queue: String,
    /// The letter's id.
    id: String,
}

impl Args {
    pub(super) async fn run(&self, cli: &Cli, loaded: &Loaded) -> Result {
        let queue = super::connect(cli, loaded, &self.queue).await?;
        let found = queue.letter(&self.id).await?;
        let mut letter = found.ok_or_else(|| super::missing(&queue, &self.id))?;
        Cover::of(&loaded.config, &self.queue).letter(&loaded.config, &mut letter);
        if cli.json {
            output::json(&document(&letter));
            return Ok(());
        }
        output::field("id", &letter.id);
        output::field("name", &letter.name);
        if let Some(origin) = &letter.origin {
            output::field("from", &format!("{} {}", origin.queue, origin.id));
            output::field("attempts", &origin.attempts_made.to_string());
            output::field("plugin", origin.plugin.as_deref().unwrap_or_default());
            output::field("runner", &origin.runner);
            output::field(
                "options",
                &Value::Object(origin.options.clone()).to_string(),
            );
        }
        output::field("failed", &output::instant(Some(letter.failed_at())));
        output::field("reason", letter.failed_reason());
        output::field("data", &letter.data);
        for trace in &letter.stacktrace {
            output::field("trace", trace);
        }
        Ok(())
    }
}

/// A letter as JSON, for `list` and `show` alike.
pub(super) fn document(letter: &Letter) -> Value {
    let origin = letter.origin.as_ref().map(|origin| {
        json!({
            "queue": origin.queue,
            "id": origin.id,
            "attemptsMade": origin.attempts_made,
            "plugin": origin.plugin,
            "runner": origin.runner,
            "options": origin.options,
        })
    });
    let data = serde_json::from_str(&letter.data);
    json!({
        "id": letter.id,
        "name": letter.name,
        "data": data.unwrap_or_else(|_| Value::String(letter.data.clone())),
        "timestamp": letter.added_at,
        "failedAt": letter.failed_at(),
        "reason": letter.failed_reason(),
        "stacktrace": letter.stacktrace,
        "from": origin,
    })
}
