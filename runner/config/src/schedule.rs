//! `[[schedules]]`: jobs that Runner adds again and again.

use std::time::Duration;

use super::job::JobDefaults;

/// One `[[schedules]]`: a BullMQ job scheduler that this file declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Unique in its queue. Defaults to `<queue>/<name>`.
    pub id: String,
    /// A queue of the file.
    pub queue: String,
    /// Name of its jobs.
    pub name: String,
    /// Payload of its jobs, JSON text. Defaults to `{}`.
    pub data: String,
    /// When its jobs run.
    pub when: When,
    /// How many runs there are in all; `None` means no limit.
    pub limit: Option<u32>,
    /// No run is before this time, in milliseconds since 1970.
    pub start: Option<i64>,
    /// No run is after this time, in milliseconds since 1970.
    pub end: Option<i64>,
    /// From 1, which is first, to 2097151, which is last; 0 goes before all.
    pub priority: u32,
    /// Options of its jobs; what it leaves out comes from the queue's `defaults`.
    pub options: JobDefaults,
}

/// What nobody set; when its jobs run and what they are called is always set.
impl Default for Schedule {
    fn default() -> Self {
        Self {
            id: String::new(),
            queue: String::new(),
            name: String::new(),
            data: "{}".to_owned(),
            when: When::Every {
                every: Duration::ZERO,
                offset: Duration::ZERO,
            },
            limit: None,
            start: None,
            end: None,
            priority: 0,
            options: JobDefaults::default(),
        }
    }
}

/// When the jobs of a schedule run.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// `cron`: at the times of a pattern that [`runner_cron`] takes.
    Cron {
        /// As written.
        pattern: String,
        /// IANA name. Defaults to `UTC`, which no host's setting changes.
        zone: String,
    },
    /// `every`: at once, then at regular intervals.
    Every {
        /// The time from run to run.
        every: Duration,
        /// Runs fall on whole multiples of `every` since 1970 plus this; with zero,
        /// on where the first run happened to fall.
        offset: Duration,
    },
}
