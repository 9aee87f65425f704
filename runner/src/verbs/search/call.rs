//! One call of a search, with bounds, and what it tells: as one document, or line by
//! line while it goes on.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Search;
use crate::queue::Error;
use crate::verbs::view::View;

/// What a search has found, as one document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Jobs looked at by this call.
    pub looked_at: u64,
    /// Jobs that were there to be looked at.
    pub total: u64,
    /// Jobs that match.
    pub jobs: Vec<View>,
    /// Where to go on; none when all jobs have been looked at.
    pub cursor: Option<String>,
}

/// One line of a search that is told while it goes on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Line {
    /// A job that matches.
    Job(Box<View>),
    /// How far it is.
    Progress(Progress),
    /// It has stopped; the last line.
    End(Stop),
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Jobs looked at so far by this call.
    pub looked_at: u64,
    /// Jobs that were there to be looked at.
    pub total: u64,
    /// Jobs found so far.
    pub found: u64,
}

/// How a search has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// How far it came.
    #[serde(flatten)]
    pub progress: Progress,
    /// Where to go on; none when all jobs have been looked at.
    pub cursor: Option<String>,
}

/// How much one call does.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Jobs found.
    pub limit: usize,
    /// Jobs looked at.
    pub scan: u64,
    /// Time.
    pub time: Duration,
}

/// A search that is carried on until its bounds, told line by line.
#[derive(Debug)]
pub struct Call {
    search: Search,
    bounds: Bounds,
    begun: Instant,
    /// What was looked at by the calls before this one.
    before: u64,
    found: u64,
}

impl Call {
    /// Carry on a search within these bounds.
    pub fn new(search: Search, bounds: Bounds) -> Call {
        Call {
            before: search.looked(),
            search,
            bounds,
            begun: Instant::now(),
            found: 0,
        }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            looked_at: self.search.looked() - self.before,
            total: self.search.total(),
            found: self.found,
        }
    }

    /// The next jobs that match, perhaps none; or how it has stopped.
    pub async fn next(&mut self) -> Result<std::result::Result<Vec<View>, Stop>, Error> {
        let progress = self.progress();
        let wanted = self.bounds.limit.saturating_sub(self.found as usize);
        let budget = self.bounds.scan.saturating_sub(progress.looked_at);
        // A call that has come nowhere would never end by its cursor.
        let late = progress.looked_at > 0 && self.begun.elapsed() > self.bounds.time;
        if wanted == 0 || budget == 0 || late {
            let more = self.search.has_more().await?;
            return Ok(Err(Stop {
                progress,
                cursor: more.then(|| self.search.cursor()),
            }));
        }
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let Some(hits) = self.search.step(wanted, budget).await? else {
            return Ok(Err(Stop {
                progress,
                cursor: None,
            }));
        };
        let jobs = self.search.whole(&hits).await?;
        self.found += jobs.len() as u64;
        let targets = self.search.targets();
        let views = jobs
            .into_iter()
            .map(|(target, job)| View::of(targets[target].queue.name(), job));
        Ok(Ok(views.collect()))
    }
}
