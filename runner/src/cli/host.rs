//! `runner host`: who works on the queues, Runners and workers of other kinds.

use std::collections::BTreeMap;
use std::time::Duration;

use super::remote::{Place, routes};
use super::{Cli, Result, output};
use crate::units;
use crate::verbs::hosts::{self, Heard, RunnerHost, WorkerHost};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the processes of Runner and the workers of other programs, with their queues.
    #[command(after_help = "Example: runner host list")]
    List,
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        super::block_on(async {
            let place = Place::of(cli, Cli::load_or_default).await?;
            match self {
                Command::List => list(cli, &place).await,
            }
        })
    }
}

async fn list(cli: &Cli, place: &Place) -> Result {
    let hosts = place.ask(routes::hosts(), hosts::list).await?;
    if cli.json {
        output::json(&hosts);
        return Ok(());
    }
    let runners = hosts.runners.iter().map(runner);
    let workers = hosts.workers.iter().flatten().map(worker);
    let rows: Vec<Vec<String>> = runners.chain(workers).collect();
    let head = ["name", "kind", "queues", "slots", "up", "seen", ""];
    output::table(&head, &rows);
    if hosts.workers.is_none() {
        output::say("workers of other programs are not seen: Redis refuses CLIENT LIST");
    }
    Ok(())
}

fn runner(host: &RunnerHost) -> Vec<String> {
    let kind = match &host.version {
        Some(version) => format!("runner {version}"),
        None => "runner".to_owned(),
    };
    let note = match host.state {
        Heard::Alive => "",
        Heard::Silent => "silent: it is stopped, cut off or dead",
    };
    vec![
        output::cell(&host.name),
        kind,
        names(&host.queues),
        host.slots.to_string(),
        host.uptime.map(uptime).unwrap_or_default(),
        output::when(host.last_seen),
        note.to_owned(),
    ]
}

fn worker(host: &WorkerHost) -> Vec<String> {
    vec![
        output::cell(host.name.as_deref().unwrap_or(&host.address)),
        "worker".to_owned(),
        names(&host.queues),
        String::new(),
        uptime(host.uptime),
        String::new(),
        String::new(),
    ]
}

fn names(queues: &BTreeMap<String, u64>) -> String {
    let names: Vec<&str> = queues.keys().map(String::as_str).collect();
    names.join(", ")
}

fn uptime(millis: u64) -> String {
    units::rough_duration(Duration::from_millis(millis))
}
