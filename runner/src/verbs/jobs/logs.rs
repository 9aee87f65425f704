//! The log lines of a job.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::verbs::search::Target;
use crate::verbs::{Error, Kind, Result};

/// Lines of one call at most.
pub const LINES: u64 = 1000;

/// Which lines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// So many from this one on.
    From(u64, u64),
    /// The last so many.
    Tail(u64),
}

/// Log lines of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobLogs)]
pub struct Logs {
    /// The queue.
    pub queue: String,
    /// The job.
    pub id: String,
    /// How many lines there are.
    pub count: u64,
    /// Which one is the first of these, from 0.
    pub start: u64,
    /// The lines, the oldest first.
    pub lines: Vec<String>,
    /// The `start` of the next call; none when these are the last.
    pub next: Option<u64>,
}

/// Some log lines of a job.
///
/// # Errors
/// [`Kind::UnknownJob`], and [`Kind::InvalidRequest`] for too many.
pub async fn logs(target: &Target, id: &str, asked: Lines) -> Result<Logs> {
    let queue = &target.queue;
    let (Lines::From(_, limit) | Lines::Tail(limit)) = asked;
    if limit == 0 || limit > LINES {
        return Err(Error::refused(
            Kind::InvalidRequest,
            format!("{limit} log lines in one call; it is 1 to {LINES}"),
        ));
    }
    // The payload says what is taken out of what was said of it.
    let job = queue.find(id).await?;
    let job = job.ok_or_else(|| super::missing(queue, id))?;
    let says = target.cover.redactor(&job.name, &job.data);
    let count = queue.log_count(id).await?;
    let start = match asked {
        Lines::From(start, _) => start.min(count),
        Lines::Tail(last) => count.saturating_sub(last),
    };
    let lines = queue.log_lines(id, start, limit).await?;
    let lines: Vec<String> = lines.into_iter().map(|line| says.redact(line)).collect();
    let end = start + lines.len() as u64;
    Ok(Logs {
        queue: queue.name().to_owned(),
        id: id.to_owned(),
        count,
        start,
        lines,
        next: (end < count).then_some(end),
    })
}
