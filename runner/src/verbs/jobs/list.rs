//! The jobs that a filter matches, by the page.

use crate::queue::State;
use crate::verbs::Result;
use crate::verbs::filter::Filter;
use crate::verbs::search::{Answer, Bounds, Call, Order, Search, Target};

/// Jobs of some queues that match, within bounds; the cursor goes on.
///
/// # Errors
/// [`Kind::InvalidCursor`](crate::verbs::Kind::InvalidCursor), and those of Redis.
pub async fn found_by(
    targets: Vec<Target>,
    filter: Filter,
    states: &[State],
    bounds: Bounds,
    cursor: Option<&str>,
) -> Result<Answer> {
    let search = Search::begin(targets, filter, states, Order::InTurn, cursor).await?;
    let mut call = Call::new(search, bounds);
    let mut jobs = Vec::new();
    loop {
        match call.next().await? {
            Ok(found) => jobs.extend(found),
            Err(stop) => {
                return Ok(Answer {
                    looked_at: stop.progress.looked_at,
                    total: stop.progress.total,
                    jobs,
                    cursor: stop.cursor,
                });
            }
        }
    }
}
