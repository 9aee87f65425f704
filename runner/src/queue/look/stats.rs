//! How a queue does: what waits for how long, what ended per minute, how long
//! jobs waited and ran.

use futures::future::try_join_all;

use crate::queue::handle::Queue;
use crate::queue::look::counts::Counts;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};

/// Active jobs whose locks are looked at, and ended jobs whose times are.
const LOOK: usize = 1000;
/// Minutes of metrics.
const MINUTES: usize = 15;

/// Half, nineteen of twenty and all values are at most this, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// Largest.
    pub max: u64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Option<Spread> {
        values.sort_unstable();
        let last = values.len().checked_sub(1)?;
        Some(Spread {
            p50: values[last / 2],
            p95: values[last * 95 / 100],
            max: values[last],
        })
    }
}

/// A queue in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Jobs in each state.
    pub counts: Counts,
    /// How long the job that runs next has been waiting, ms since it was added.
    pub oldest_waiting: Option<u64>,
    /// Active jobs that no worker holds, among the first thousand.
    pub unlocked: u64,
    /// Delayed jobs that wait for a gate: see [`Gates`](crate::queue::Gates).
    pub parked: u64,
    /// Whether a worker has kept metrics of the queue.
    pub metrics: bool,
    /// Completed per minute, the last full minute first; empty before there is one.
    pub completed: Vec<u64>,
    /// Failed per minute, likewise.
    pub failed: Vec<u64>,
    /// Jobs that failed for good by cause, as logs have it (`contract`), since
    /// metrics are kept; the most frequent first.
    pub causes: Vec<(String, u64)>,
    /// From added to started, of the last thousand completed jobs that had one
    /// attempt and no delay.
    pub waited: Option<Spread>,
    /// From started to ended, of the last thousand completed jobs.
    pub ran: Option<Spread>,
}

impl Queue {
    /// The queue in figures. Bounded work: no more than some thousand reads.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let (waited, ran) = self.times().await?;
        let counts = self.counts().await?;
        let completed = self.per_minute("completed").await?;
        let failed = self.per_minute("failed").await?;
        Ok(Stats {
            parked: self.parked().await?.min(counts.delayed),
            counts,
            oldest_waiting: self.oldest_waiting().await?,
            unlocked: self.unlocked().await?,
            metrics: completed.is_some() || failed.is_some(),
            completed: completed.unwrap_or_default(),
            failed: failed.unwrap_or_default(),
            causes: self.causes().await?,
            waited,
            ran,
        })
    }

    async fn oldest_waiting(&self) -> Result<Option<u64>, Error> {
        let now = self.now().await?;
        let mut oldest = None;
        for state in [State::Waiting, State::Prioritized] {
            for id in self.page(state, 0, 1).await? {
                let mut command = redis::cmd("HGET");
                command.arg(self.key(&id)).arg("timestamp");
                let added = text(self.redis().call(&command).await?);
                if let Some(added) = added.and_then(|added| added.parse::<u64>().ok()) {
                    oldest = oldest.max(Some(now.saturating_sub(added)));
                }
            }
        }
        Ok(oldest)
    }

    async fn unlocked(&self) -> Result<u64, Error> {
        let ids = self.page(State::Active, 0, LOOK).await?;
        let locked = try_join_all(ids.iter().map(async |id| {
            let mut command = redis::cmd("EXISTS");
            command.arg(self.key(&format!("{id}:lock")));
            self.redis().call(&command).await
        }))
        .await?;
        Ok(locked.iter().filter(|locked| whole(locked) == 0).count() as u64)
    }

    /// BullMQ's metrics: one number per minute, the last full one first; none when
    /// nothing was counted. The
    /// minutes since the last job ended are not in its list yet.
    async fn per_minute(&self, state: &str) -> Result<Option<Vec<u64>>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(&format!("metrics:{state}")));
        command.arg(&["prevTS", "count", "prevCount"]);
        let fields = list(self.redis().call(&command).await?);
        let numbers: Vec<u64> = fields.iter().map(|n| whole(n).max(0) as u64).collect();
        let (last, count, before) = match numbers[..] {
            [last, count, before] if last > 0 => (last, count, before),
            _ => return Ok(None),
        };
        let since = (self.now().await? / 60_000).saturating_sub(last / 60_000);
        let since = usize::try_from(since).unwrap_or(MINUTES).min(MINUTES);
        let pending = [count.saturating_sub(before)];
        let mut command = redis::cmd("LRANGE");
        command.arg(self.key(&format!("metrics:{state}:data")));
        command.arg(0).arg(MINUTES - 1);
        let points = list(self.redis().call(&command).await?);
        let minutes = std::iter::repeat_n(0, since.saturating_sub(1))
            .chain(pending.into_iter().take(since))
            .chain(points.iter().map(|point| whole(point).max(0) as u64))
            .take(MINUTES);
        Ok(Some(minutes.collect()))
    }

    /// What settle counts beside BullMQ's own fields.
    async fn causes(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.key("metrics:failed"));
        let fields = list(self.redis().call(&command).await?);
        let mut causes: Vec<(String, u64)> = fields
            .chunks_exact(2)
            .filter_map(|pair| {
                let name = text(pair[0].clone())?;
                let cause = name.strip_prefix("cause:")?;
                Some((cause.to_owned(), whole(&pair[1]).max(0) as u64))
            })
            .collect();
        causes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(causes)
    }

    async fn times(&self) -> Result<(Option<Spread>, Option<Spread>), Error> {
        let ids = self.page(State::Completed, 0, LOOK).await?;
        let rows = try_join_all(ids.iter().map(async |id| {
            let mut command = redis::cmd("HMGET");
            command.arg(self.key(id));
            command.arg(&["timestamp", "processedOn", "finishedOn", "ats", "opts"]);
            self.redis().call(&command).await
        }))
        .await?;
        let (mut waited, mut ran) = (Vec::new(), Vec::new());
        for row in rows {
            let fields: Vec<Option<String>> = list(row).into_iter().map(text).collect();
            let number = |at: usize| fields.get(at)?.as_ref()?.parse::<u64>().ok();
            let (Some(added), Some(started), Some(ended)) = (number(0), number(1), number(2))
            else {
                continue;
            };
            ran.push(ended.saturating_sub(started));
            let delayed = fields.get(4).is_some_and(|options| {
                let options = options.as_deref().unwrap_or_default();
                let options: serde_json::Value = serde_json::from_str(options).unwrap_or_default();
                options["delay"].as_f64().is_some_and(|delay| delay > 0.0)
            });
            if number(3).is_none_or(|starts| starts <= 1) && !delayed {
                waited.push(started.saturating_sub(added));
            }
        }
        Ok((Spread::of(waited), Spread::of(ran)))
    }
}
