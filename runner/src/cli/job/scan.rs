//! Going through the jobs of queues for `list` and `search`, and showing them as rows.

use super::window::Window;
use crate::cli::{Result, output};
use crate::units;
use crate::verbs;
use crate::verbs::filter::Filter;
use crate::verbs::search::{Answer, Call, Order, Search, Target};
use crate::verbs::view::View;

/// Read a query, which may stand in several arguments.
pub(super) fn filter(words: &[String]) -> Result<Filter> {
    Ok(words.join(" ").parse().map_err(verbs::Error::from)?)
}

/// Go through queues until enough jobs match or enough were looked at.
pub(super) async fn run(
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
        let progress = call.progress();
        bar.set_position(progress.looked_at);
        output::message(
            &bar,
            &format!("{} found", units::count(progress.found, "job")),
        );
    };
    bar.finish_and_clear();
    Ok(Answer {
        looked_at: stop.progress.looked_at,
        total: stop.progress.total,
        jobs,
        cursor: stop.cursor,
    })
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
