//! Going through the jobs of a queue, and showing them as rows.

use crate::cli::terminal::cover::Cover;
use crate::cli::{Result, output};
use crate::queue::{Found, Queue, State};

/// Jobs read at once.
const PAGE: usize = 100;

/// Which jobs are gone through, and for how long.
pub(super) struct Scan {
    states: Vec<State>,
    wanted: usize,
    budget: usize,
}

/// What came of it.
pub(super) struct Seen {
    /// The jobs that fit.
    pub(super) jobs: Vec<Found>,
    /// How many were looked at.
    pub(super) looked: usize,
    /// How many there are in these states.
    pub(super) total: u64,
    /// Whether some were not looked at.
    pub(super) more: bool,
}

impl Scan {
    /// Through these states (all when there are none), until `wanted` jobs fit or
    /// `budget` were looked at.
    pub(super) fn new(states: &[State], wanted: usize, budget: usize) -> Scan {
        let states = match states {
            [] => State::ALL.to_vec(),
            states => states.to_vec(),
        };
        Scan {
            states,
            wanted,
            budget,
        }
    }

    pub(super) async fn run(
        &self,
        queue: &Queue,
        cover: &Cover,
        fits: impl Fn(&Found) -> bool,
    ) -> Result<Seen> {
        let counts = queue.counts().await?;
        let total = self.states.iter().map(|state| counts.of(*state)).sum();
        let mut seen = Seen {
            jobs: Vec::new(),
            looked: 0,
            total,
            more: false,
        };
        for &state in &self.states {
            let mut from = 0;
            loop {
                let size = PAGE.min(self.budget - seen.looked);
                if size == 0 || seen.jobs.len() == self.wanted {
                    seen.more = (seen.looked as u64) < total;
                    return Ok(seen);
                }
                let ids = queue.page(state, from, size).await?;
                for mut job in queue.jobs(state, &ids).await? {
                    if seen.jobs.len() == self.wanted {
                        break;
                    }
                    seen.looked += 1;
                    if fits(&job) {
                        cover.job(&mut job);
                        seen.jobs.push(job);
                    }
                }
                from += ids.len();
                if ids.len() < size {
                    break;
                }
            }
        }
        Ok(seen)
    }
}

impl Seen {
    /// How much was looked at: what was not found may still be there.
    pub(super) fn say(&self) {
        let of = match self.more {
            true => format!("{} of {}", self.looked, self.total),
            false => format!("all {}", self.looked),
        };
        output::say(format!("looked at {of} jobs"));
        if self.more {
            output::hint("--limit shows more, --scan looks at more, --state narrows the search");
        }
    }
}

/// Jobs as rows. The last column is the reason of a failed one, else its data.
pub(super) fn table(jobs: &[Found]) {
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            let what = match job.state {
                State::Failed => job.failed_reason.as_deref().unwrap_or_default(),
                _ => &job.data,
            };
            vec![
                job.id.clone(),
                job.name.clone(),
                job.state.to_string(),
                format!("{}/{}", job.attempts_made, job.attempts),
                output::when(job.added_at),
                output::cell(what),
            ]
        })
        .collect();
    output::table(
        &["id", "name", "state", "attempts", "added", "data or reason"],
        &rows,
    );
}
