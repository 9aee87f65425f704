//! `runner add --from`: the jobs of a file or of standard input, with a verdict for each.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::cli::output;
use crate::cli::remote::{self, Place};
use crate::cli::{Cli, Exit, Result};
use crate::verbs::add::{Batch, Bulk, Instead, Items, Tally, Verdict, add_all};

/// Bytes of one job.
const JOB: usize = 16 << 20;
/// Bytes read at once.
const PART: usize = 64 << 10;
/// Parts that are read ahead.
const AHEAD: usize = 4;

pub(super) fn run(cli: &Cli, queue: &str, name: Option<String>, file: &Path) -> Result {
    let input: Box<dyn Read + Send> = match file.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(
            File::open(file)
                .map_err(|error| Exit::usage(format!("cannot read {}: {error}", file.display())))?,
        ),
    };
    let tally = crate::cli::block_on(async {
        match Place::of(cli, Cli::load).await? {
            Place::Here(here) => {
                here.declared(queue)?;
                let declared = here.config.queues[queue].clone();
                let Ok(tally) = all(cli, Bulk::new(here.queue(queue), declared, name), input).await;
                Ok(tally)
            }
            Place::There(client) => {
                let bulk = remote::Bulk::new(client, queue, name).await?;
                all(cli, bulk, input).await
            }
        }
    })?;
    let Tally {
        added,
        instead,
        refused,
    } = tally;
    let text = format!("{added} added, {instead} not new, {refused} refused");
    if refused > 0 {
        return Err(Exit::failed(text));
    }
    output::say(text);
    Ok(())
}

/// Add all jobs of the input, and show the verdict on each.
async fn all<B: Batch>(
    cli: &Cli,
    batch: B,
    input: Box<dyn Read + Send>,
) -> std::result::Result<Tally, B::Stop> {
    let told = |verdicts: Vec<Verdict>| {
        verdicts.iter().for_each(|verdict| show(cli, verdict));
        std::future::ready(true)
    };
    add_all(batch, Items::new(JOB), parts(input), told).await
}

/// The input, read on a thread of its own: jobs that have come are added while it waits
/// for more.
fn parts(mut input: Box<dyn Read + Send>) -> impl futures::Stream<Item = io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut part = vec![0; PART];
        loop {
            let read = match input.read(&mut part) {
                Ok(0) => return,
                Ok(count) => Ok(Bytes::copy_from_slice(&part[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    futures::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|part| (part, receiver))
    })
}

fn show(cli: &Cli, verdict: &Verdict) {
    if cli.json {
        let text = serde_json::to_string(verdict).expect("own types serialise to JSON");
        return output::line(text);
    }
    let line = verdict.line;
    match (&verdict.error, &verdict.job_id) {
        (Some(fault), _) => output::say(format!("line {line}: {fault}")),
        (None, Some(id)) => {
            output::line(id);
            let why = match verdict.instead {
                Some(Instead::Known) => "already exists and keeps its payload",
                Some(Instead::Deduplicated) => "stands for its deduplication id",
                Some(Instead::Kept) => "is running; this one follows it",
                None => return,
            };
            output::say(format!("line {line}: job {id:?} {why}"));
        }
        (None, None) => {}
    }
}
