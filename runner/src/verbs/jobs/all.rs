//! Doing something to all jobs of a queue that a filter matches, a bounded number in
//! one call.

use std::time::{Duration, Instant};

use super::act::{Act, Acted, Reached};
use super::named::carry_out;
use crate::queue::State;
use crate::verbs::cursor;
use crate::verbs::filter::Filter;
use crate::verbs::search::{Order, Search, Target};
use crate::verbs::{Error, Kind, Refused, Result};

/// Jobs that one call looks at.
const LOOK: u64 = 20_000;
/// Jobs to which one call does something, if it is not said.
const LIMIT: u64 = 1000;
/// The same, at most.
pub const MOST: u64 = 10_000;
/// Jobs looked at between two glances at the clock.
const STEP: usize = 1000;
/// After so long, a call leaves the rest to the next.
const LONG: Duration = Duration::from_secs(2);
/// Refusals that are told.
const TOLD: usize = 100;

/// Which jobs are meant, and how much one call does.
#[derive(Debug, Clone, Default)]
pub struct All {
    /// Jobs that match this.
    pub filter: Filter,
    /// Of these states; empty: those to which it can be done.
    pub states: Vec<State>,
    /// Only count them.
    pub dry_run: bool,
    /// Do it to at most so many in this call.
    pub limit: Option<u64>,
    /// Where the last call stopped.
    pub cursor: Option<String>,
}

/// Do something to all jobs that a filter matches. One call does a bounded part of it
/// and says where the next goes on.
///
/// # Errors
/// [`Kind::InvalidRequest`] for a limit out of bounds, [`Kind::InvalidCursor`], and those
/// of Redis; then some of it may have been done.
pub async fn act_on_all(target: Target, act: &Act, what: &All) -> Result<Acted> {
    let limit = limit(what)?;
    let queue = target.queue.clone();
    let context = format!("{} {} {}", act.done(0).word(), queue.name(), what.dry_run);
    let place = place(&context, what)?;
    let from = place.as_ref().map(|(inner, _)| inner.as_str());
    let states = states(act, what);
    // None of its states is one of the filter's.
    let nothing = states.is_empty();
    let (filter, order) = (what.filter.clone(), Order::InTurn);
    let search = Search::begin(vec![target], filter, &states, order, from).await?;
    let mut search = match act {
        Act::Retry { .. } => search.oldest_first(),
        _ => search,
    };
    // Those that come back meanwhile have had their turn.
    let mut left = place.map_or(search.total(), |(_, left)| left);
    let (begun, before) = (Instant::now(), search.looked());
    let (mut done, mut stopping, mut matched) = (0, 0, 0);
    let (mut refused, mut skipped) = (Vec::<Refused>::new(), 0);
    let cursor = loop {
        if left == 0 || nothing {
            break None;
        }
        let looked = search.looked() - before;
        if matched >= limit || looked >= LOOK || begun.elapsed() > LONG && looked > 0 {
            break Some(cursor::seal(&context, &(search.cursor(), left)));
        }
        let budget = STEP.min(usize::try_from(left).unwrap_or(STEP));
        let wanted = usize::try_from(limit - matched).unwrap_or(STEP);
        let Some(hits) = search.step(wanted, budget).await? else {
            break None;
        };
        left = left.saturating_sub(search.looked() - before - looked);
        matched += hits.len() as u64;
        if what.dry_run || hits.is_empty() {
            continue;
        }
        let ids: Vec<String> = hits.into_iter().map(|hit| hit.job.id).collect();
        let ends = carry_out(&queue, &ids, act).await?;
        done += ends.done;
        stopping += ends.stopping;
        skipped += ends.refused.len() as u64;
        refused.extend(ends.refused);
        refused.truncate(TOLD);
    };
    Ok(Acted {
        queue: queue.name().to_owned(),
        done: act.done(done),
        stopping,
        refused,
        all: Some(Reached {
            looked_at: search.looked() - before,
            matched,
            skipped,
            dry_run: what.dry_run,
            cursor,
        }),
    })
}

/// How many jobs something is done to.
fn limit(what: &All) -> Result<u64> {
    let limit = what.limit.unwrap_or(LIMIT);
    match limit {
        1..=MOST => Ok(limit),
        _ => Err(Error::refused(
            Kind::InvalidRequest,
            format!("a limit of {limit} jobs a call; it is 1 to {MOST}, and the cursor goes on"),
        )),
    }
}

/// Where the search goes on, and how many jobs it is still to look at.
fn place(context: &str, what: &All) -> Result<Option<(String, u64)>> {
    let open = |text| cursor::open::<(String, u64)>(context, text);
    let place = what.cursor.as_deref().map(open).transpose();
    place.map_err(|forged| Error::refused(Kind::InvalidCursor, forged.to_string()))
}

/// The states whose jobs are looked at.
fn states(act: &Act, what: &All) -> Vec<State> {
    let possible: &[State] = match act {
        Act::Retry { .. } => &[State::Failed, State::Completed],
        Act::Promote => &[State::Delayed],
        Act::Cancel { .. } => &State::PENDING,
        Act::Remove { .. } | Act::Duplicate => &State::ALL,
    };
    let asked: &[State] = match act {
        _ if !what.states.is_empty() => &what.states,
        // Who has completed is run again only by who says so.
        Act::Retry { .. } if !what.filter.names_state() => &[State::Failed],
        _ => possible,
    };
    let can = what.filter.states();
    let both = asked
        .iter()
        .filter(|state| possible.contains(state) && can.contains(state));
    both.copied().collect()
}
