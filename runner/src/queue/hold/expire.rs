//! Jobs that have waited longer than they may. A worker refuses them when it
//! takes them; these are found where nobody takes: the queue is paused, limited
//! or behind, or their gate is full.

use std::time::Duration;

use crate::outcome::expired;
use crate::queue::handle::Queue;
use crate::queue::hold::cancel::Failing;
use crate::queue::stored::job::Job;
use crate::queue::stored::options;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::wire::script::script;

script!(OLDEST, "oldest", "lib/queue", "lib/parked", "hold/oldest");

/// Jobs looked at in one call, of each list, from where the oldest usually are.
/// One that is missed is refused when it is taken.
const PAGE: usize = 100;
/// How often the workers of a queue look, all together.
const EVERY: Duration = Duration::from_millis(900);

impl Queue {
    /// Fail jobs that wait longer than `limit` allows for their name. Jobs that
    /// were added with a delay are left: when they were due is not kept. Their ids,
    /// also when an error came after the first ones.
    pub(crate) async fn expire(
        &self,
        limit: impl Fn(&str) -> Option<Duration>,
    ) -> Result<Vec<String>, Error> {
        let reply = OLDEST
            .run(self.redis(), self.base(), |command| {
                command.arg(PAGE).arg(EVERY.as_millis() as u64);
            })
            .await?;
        let mut parts = list(reply).into_iter();
        let Some(now) = parts.next().map(|now| whole(&now) as u64) else {
            return Ok(Vec::new());
        };
        let mut failed = Vec::new();
        let mut next = || parts.next().map(|value| text(value).unwrap_or_default());
        while let (Some(id), Some(name), Some(added), Some(opts), Some(starts)) =
            (next(), next(), next(), next(), next())
        {
            let Some(limit) = limit(&name) else { continue };
            let Ok(added) = added.parse::<u64>() else {
                continue;
            };
            let job = Job {
                added_at: added,
                delay: options::decode(&opts).unwrap_or_default().delay,
                starts: if starts.is_empty() { 1 } else { 2 },
                ..Job::default()
            };
            if job.expired(limit, now) {
                let ids = [id];
                match self.fail_unstarted(&ids, &expired(limit)).await {
                    Ok(ends) if matches!(ends[..], [Failing::Failed]) => failed.extend(ids),
                    Ok(_) => {}
                    Err(error) if failed.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
        }
        Ok(failed)
    }
}
