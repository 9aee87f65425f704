//! Going through the jobs of queues for `list` and `search`, and showing them as rows.

use std::collections::HashSet;
use std::time::Duration;

use indicatif::ProgressBar;

use super::window::Window;
use crate::cli::remote::{Client, Place, routes};
use crate::cli::{Result, output};
use crate::units;
use crate::verbs;
use crate::verbs::filter::Filter;
use crate::verbs::search::{Answer, Bounds, Call, Order, Progress, Search, Target};
use crate::verbs::view::View;

/// Jobs that a server finds in one call at most.
const MOST: usize = 1000;
/// Jobs that it looks at in one call at most.
const SCAN: u64 = 10_000_000;
/// How long one call takes at most: the bar moves after each.
const TIME: Duration = Duration::from_secs(2);

/// Read a query, which may stand in several arguments.
pub(super) fn filter(words: &[String]) -> Result<Filter> {
    Ok(words.join(" ").parse().map_err(verbs::Error::from)?)
}

/// Go through queues until enough jobs match or enough were looked at.
pub(super) async fn run(
    place: &Place,
    queue: &str,
    window: &Window,
    filter: Filter,
    order: Order,
) -> Result<Answer> {
    match place {
        Place::Here(here) => {
            let targets = Target::of(here, &here.named(queue).await?, false);
            over_redis(window, targets, filter, order).await
        }
        Place::There(client) => by_calls(client, queue, window, &filter, order).await,
    }
}

async fn over_redis(
    window: &Window,
    targets: Vec<Target>,
    filter: Filter,
    order: Order,
) -> Result<Answer> {
    let cursor = window.cursor.as_deref();
    let search = Search::begin(targets, filter, &window.state, order, cursor).await?;
    let mut call = Call::new(search, window.bounds());
    let bar = output::bar(call.progress().total);
    let mut jobs = Vec::new();
    let stop = loop {
        match call.next().await? {
            Ok(found) => jobs.extend(found),
            Err(stop) => break stop,
        }
        show(&bar, call.progress());
    };
    bar.finish_and_clear();
    Ok(Answer {
        looked_at: stop.progress.looked_at,
        total: stop.progress.total,
        jobs,
        cursor: stop.cursor,
    })
}

/// The same, by calls that each do a part of it.
async fn by_calls(
    client: &Client,
    queue: &str,
    window: &Window,
    filter: &Filter,
    order: Order,
) -> Result<Answer> {
    let all = window.bounds();
    let bar = output::bar(0);
    let mut sum = Answer {
        looked_at: 0,
        total: 0,
        jobs: Vec::new(),
        cursor: window.cursor.clone(),
    };
    loop {
        let bounds = Bounds {
            limit: (all.limit - sum.jobs.len()).min(MOST),
            scan: (all.scan - sum.looked_at).min(SCAN),
            time: TIME,
        };
        let cursor = sum.cursor.as_deref();
        let call = routes::search(queue, filter, (&window.state, order), bounds, cursor);
        let part: Answer = client.ask(call).await?;
        // One that moved meanwhile was met again.
        let known: HashSet<(String, String)> = sum.jobs.iter().map(key).collect();
        let new = part
            .jobs
            .into_iter()
            .filter(|job| !known.contains(&key(job)));
        sum.jobs.extend(new);
        sum.looked_at += part.looked_at;
        sum.total = part.total;
        sum.cursor = part.cursor;
        bar.set_length(sum.total);
        show(
            &bar,
            Progress {
                looked_at: sum.looked_at,
                total: sum.total,
                found: sum.jobs.len() as u64,
            },
        );
        let is_enough = sum.jobs.len() >= all.limit || sum.looked_at >= all.scan;
        if sum.cursor.is_none() || is_enough {
            bar.finish_and_clear();
            return Ok(sum);
        }
    }
}

fn key(job: &View) -> (String, String) {
    (job.queue.clone(), job.id.clone())
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_position(progress.looked_at);
    let found = units::count(progress.found, "job");
    output::message(bar, &format!("{found} found"));
}

/// How much was looked at: what was not found may still be there.
pub(super) fn say(answer: &Answer) {
    let of = match answer.cursor {
        Some(_) => format!("{} of {}", answer.looked_at, answer.total),
        None => format!("all {}", answer.looked_at),
    };
    output::say(format!("looked at {of} jobs"));
    if let Some(cursor) = &answer.cursor {
        output::hint(&format!(
            "--limit shows more, --scan looks at more, state: and since: narrow the search; \
             --cursor {cursor} goes on"
        ));
    }
}

/// Jobs as rows, with their queues if they may have several. The last column is the
/// reason of a failed one, else its data.
pub(super) fn table(jobs: &[View], several: bool) {
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            let what = match job.state.as_str() {
                "failed" => job.failed_reason.as_deref().unwrap_or_default(),
                _ => job.data.get(),
            };
            let row = [
                job.id.clone(),
                job.name.clone(),
                job.state.clone(),
                format!("{}/{}", job.attempts_made, job.attempts),
                output::when(job.timestamp),
                output::cell(what),
            ];
            let queue = several.then(|| job.queue.clone());
            queue.into_iter().chain(row).collect()
        })
        .collect();
    let head = [
        "queue",
        "id",
        "name",
        "state",
        "attempts",
        "added",
        "data or reason",
    ];
    output::table(&head[usize::from(!several)..], &rows);
}
