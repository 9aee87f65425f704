//! `runner queue list`: all queues.

use crate::cli::remote::{Place, routes};
use crate::cli::{Cli, Result, output};
use crate::queue::State;
use crate::verbs::queues::{self, Listed};

pub(super) async fn run(cli: &Cli, place: &Place) -> Result {
    let queues: Vec<Listed> = place.ask(routes::queues(), queues::list).await?;
    if cli.json {
        output::json(&queues);
        return Ok(());
    }
    let mut rows = Vec::new();
    for queue in queues {
        let mut row = vec![queue.queue];
        row.extend(State::ALL.map(|state| queue.counts.of(state).to_string()));
        row.push(
            queue
                .workers
                .map_or("?".to_owned(), |workers| workers.to_string()),
        );
        let mut notes = Vec::new();
        if queue.paused {
            notes.push("paused");
        }
        if !queue.declared {
            notes.push("not declared");
        }
        row.push(notes.join(", "));
        rows.push(row);
    }
    let mut head = vec!["queue"];
    head.extend(State::ALL.map(State::name));
    head.extend(["workers", ""]);
    output::table(&head, &rows);
    Ok(())
}
