//! `runner queue list`: all queues.

use serde_json::json;

use crate::cli::{Cli, Result, output, target};
use crate::config::Loaded;
use crate::queue::{self, State};

pub(super) async fn run(cli: &Cli, loaded: &Loaded) -> Result {
    let redis = target::redis(cli, loaded).await?;
    let workers = queue::workers(&redis).await?;
    let workers_of = |name: &str| {
        let workers = workers.as_ref()?;
        Some(workers.get(name).copied().unwrap_or_default())
    };
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for name in target::all(&redis, loaded).await? {
        let counts = target::over(redis.clone(), loaded, &name).counts().await?;
        let workers = workers_of(&name);
        let declared = loaded.config.queues.contains_key(&name);
        documents.push(json!({
            "queue": name,
            "declared": declared,
            "paused": counts.paused,
            "workers": workers,
            "counts": super::document(&counts),
        }));
        let mut row = vec![name];
        row.extend(State::ALL.map(|state| counts.of(state).to_string()));
        row.push(workers.map_or("?".to_owned(), |workers| workers.to_string()));
        let mut notes = Vec::new();
        if counts.paused {
            notes.push("paused");
        }
        if !declared {
            notes.push("not declared");
        }
        row.push(notes.join(", "));
        rows.push(row);
    }
    if cli.json {
        output::json(&documents);
        return Ok(());
    }
    let mut head = vec!["queue"];
    head.extend(State::ALL.map(State::name));
    head.extend(["workers", ""]);
    output::table(&head, &rows);
    Ok(())
}
