//! Shows what is used for one queue, and why: each value with its origin, what
//! its plugins are granted, and when a failed job is tried again.

mod build;
mod show;

pub use self::build::{explain, explain_all};

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

/// All queues, explained.
pub type Explained = Arc<BTreeMap<String, Explanation>>;

/// One queue, explained. As JSON a stable contract, as text for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The queue's name.
    pub queue: String,
    /// Whether a plugin handles its jobs here; otherwise jobs are only added.
    pub consumed: bool,
    /// Where the queue is and how it is consumed.
    pub settings: Vec<Setting>,
    /// Narrower settings by job name, in the order they are tried.
    pub jobs: Vec<JobNames>,
    /// Options of jobs that are added through Runner.
    pub defaults: Vec<Setting>,
    /// What becomes of a failing job that is added through Runner.
    pub retries: Retries,
    /// How producers' jobs wait that name one of the strategies of `[backoff]`.
    pub backoffs: Vec<Waits>,
    /// What the file adds to the queue again and again.
    pub schedules: Vec<Scheduled>,
    /// What the plugins are granted.
    pub plugins: Vec<Grants>,
}

/// One `[[schedules]]` of the queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scheduled {
    /// Its id.
    pub id: String,
    /// What it says.
    pub settings: Vec<Setting>,
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// The key in `queues.toml`.
    pub key: String,
    /// As `queues.toml` would write it; passwords are masked.
    pub value: String,
    /// `default`, `queues.toml:12`, `env NAME` or `flag --name`.
    pub origin: String,
}

/// Settings of the jobs that a pattern matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobNames {
    /// The job name or pattern.
    pub pattern: String,
    /// Those that differ from the queue's.
    pub settings: Vec<Setting>,
}

/// What becomes of a job that fails again and again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retries {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// One row per attempt, at most the first ten.
    pub timetable: Vec<Attempt>,
    /// In words.
    pub note: String,
}

/// When one attempt begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// Milliseconds after the failure before: least and most, which differ
    /// when there is jitter.
    pub wait_ms: (u64, u64),
}

/// How jobs wait by one strategy of `[backoff]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waits {
    /// Its name: the `backoff.type` of a job.
    pub backoff: String,
    /// Milliseconds after the first failure, after the second and so on, at most the
    /// first ten: least and most, which differ when there is jitter. The last repeats
    /// where the strategy has come to its end.
    pub wait_ms: Vec<(u64, u64)>,
}

/// What one plugin may do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grants {
    /// The plugin's name.
    pub plugin: String,
    /// Its component.
    pub file: String,
    /// Origins it may call.
    pub http: Vec<String>,
    /// Networks that these may resolve into although they are not public.
    pub http_networks: Vec<String>,
    /// Names of its settings.
    pub config: Vec<String>,
    /// Names of its secrets.
    pub secrets: Vec<String>,
    /// Optional secrets that are not set.
    pub withheld: Vec<String>,
    /// Directories it may read: the path it sees, and the host's.
    pub dirs: Vec<(String, String)>,
    /// Databases it may use: the name it knows, and what is granted.
    pub sql: Vec<(String, String)>,
    /// Its object stores: the name it knows, and what that is.
    pub blobs: Vec<(String, String)>,
    /// How much it may keep in Redis, in words.
    pub kv: Option<String>,
    /// What a command is called with, after the name it is called by.
    pub args: Vec<String>,
    /// The name a command is called by, unless it is the plugin's.
    pub argv0: Option<String>,
    /// What a command reads, unless it is the payload.
    pub stdin: Option<String>,
    /// How what a command writes becomes the result.
    pub stdout: &'static str,
    /// Names of the variables of its environment.
    pub env: Vec<String>,
    /// The size of its scratch directory, as `queues.toml` would write it.
    pub scratch: Option<String>,
}
