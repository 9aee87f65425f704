//! `[queues.<name>.webhooks.<name>]`: who is told how jobs of a queue have ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::job::DeadLetter;
use crate::{Origin, Pattern, Secret};

/// Who is told how jobs of a queue have ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// The origin of `url`, which grants its host.
    pub origin: Option<Origin>,
    /// Networks that are not public but that the name in `url` may resolve to.
    pub http_networks: Vec<ipnet::IpNet>,
    /// Whether jobs that have completed are told.
    pub completed: bool,
    /// Whether jobs that have failed for good are told.
    pub failed: bool,
    /// Names of the jobs that are told; all if there is none.
    pub names: Vec<Pattern>,
    /// The keys of Standard Webhooks; each signs.
    pub secrets: Vec<Secret>,
    /// Further header fields.
    pub headers: BTreeMap<String, String>,
    /// Whether payload and result are sent, without their sensitive fields.
    pub payload: bool,
    /// A payload or result with more bytes is left out. Defaults to 256 KiB.
    pub max_payload: usize,
    /// How long one attempt may take. Defaults to 15 s, as Standard Webhooks has it.
    pub timeout: Duration,
    /// Attempts in all. Defaults to 10, which take about three days.
    pub attempts: u32,
    /// The waits between attempts; the last is that of all further ones.
    pub waits: Vec<Duration>,
    /// Where a delivery goes that has failed for good; without one it stays in
    /// `failed` of the queue of deliveries.
    pub dead_letter: Option<Arc<DeadLetter>>,
}

/// What nobody set; the URL and a secret are always set.
impl Default for Webhook {
    fn default() -> Self {
        // The schedule that the specification of Standard Webhooks gives.
        const WAITS: [u64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
        Self {
            url: String::new(),
            origin: None,
            http_networks: Vec::new(),
            completed: true,
            failed: true,
            names: Vec::new(),
            secrets: Vec::new(),
            headers: BTreeMap::new(),
            payload: true,
            max_payload: 256 << 10,
            timeout: Duration::from_secs(15),
            attempts: 10,
            waits: WAITS.map(Duration::from_secs).to_vec(),
            dead_letter: None,
        }
    }
}

impl Webhook {
    /// The wait after so many attempts.
    pub fn wait(&self, attempts: u32) -> Duration {
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.waits.get(at).or(self.waits.last());
        wait.copied().unwrap_or_default()
    }

    /// Whether it is told about jobs of this name.
    pub fn covers(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|pattern| pattern.matches(name))
    }
}

/// The queue in which the deliveries of a queue's webhooks wait. It has the tag of the
/// queue, so that on a Cluster one call can write to both.
pub fn deliveries(queue: &str) -> String {
    format!("{queue}-webhooks")
}
