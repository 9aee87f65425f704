//! `runner contract list`: the queues that have a contract.

use serde_json::json;

use super::Bound;
use crate::cli::{Cli, Result, output};
use crate::config::Loaded;

pub(super) fn run(cli: &Cli, loaded: &Loaded) -> Result {
    let all = super::every(loaded)?;
    let jobs = |of: &Bound| -> Vec<String> {
        let functions = of.interface.functions.iter();
        functions.map(|function| function.key.clone()).collect()
    };
    if cli.json {
        let rows = all
            .iter()
            .map(|of| json!({ "queue": of.queue, "contract": of.interface.id, "jobs": jobs(of) }));
        output::json(&rows.collect::<Vec<_>>());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|of| {
            vec![
                of.queue.clone(),
                of.interface.id.clone(),
                jobs(of).join(", "),
            ]
        })
        .collect();
    output::table(&["QUEUE", "CONTRACT", "JOBS"], &rows);
    Ok(())
}
