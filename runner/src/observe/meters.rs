//! What has ended in this process, counted. Counters begin with the process and never go
//! back: a queue or plugin that is configured no longer keeps what it had.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{Called, Ended, FailedBy, OfJob, OfKind, OfQueue};
use super::webhooks::{TAKEN, Webhooks};
use crate::config::webhook::Route;
use crate::config::{JobSettings, Queue};
use crate::cost::Kind;
use crate::outcome::{Cause, Outcome};
use crate::queue::Attempt;

/// Names of jobs of one queue that have metrics of their own.
const NAMES: usize = 20;
/// Series of attempts in all: each is about sixty lines of the page.
const SERIES: usize = 1000;
/// Longer names of jobs are not labels.
const NAME: usize = 64;
/// Stands for all names beyond that.
const OTHER: &str = "_other";

/// Seconds, from a quick plugin's turn to an hour's wait.
const SECONDS: [f64; 13] = [
    0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0,
];
/// Seconds of the processor: most jobs need microseconds.
const PROCESSOR: [f64; 11] = [
    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0,
];
const MIB: f64 = 1_048_576.0;
/// Bytes, up to what an instance may have by default, and beyond.
const MEMORY: [f64; 9] = [
    MIB / 4.0,
    MIB,
    2.0 * MIB,
    4.0 * MIB,
    8.0 * MIB,
    16.0 * MIB,
    32.0 * MIB,
    64.0 * MIB,
    256.0 * MIB,
];

type Histograms = Family<OfJob, Histogram, fn() -> Histogram>;

/// What has ended in this process.
#[derive(Debug)]
pub struct Meters {
    waited: Histograms,
    ran: Histograms,
    processor: Histograms,
    memory: Histograms,
    ended: Family<Ended, Counter>,
    failed: Family<FailedBy, Counter>,
    called: Family<Called, Counter>,
    calls: Family<OfKind, Histogram, fn() -> Histogram>,
    dead: Family<OfQueue, Counter>,
    webhooks: Webhooks,
    /// What belongs to a queue, a name and a plugin, found without making labels.
    series: Mutex<Series>,
}

#[derive(Debug, Default)]
struct Series {
    count: usize,
    queues: HashMap<String, Names>,
}

/// By name, then by plugin.
type Names = HashMap<String, HashMap<String, Arc<Alike>>>;

/// The metrics of attempts that are alike.
#[derive(Debug)]
struct Alike {
    labels: OfJob,
    waited: Histogram,
    ran: Histogram,
    processor: Histogram,
    memory: Histogram,
    completed: Counter,
    /// How long they ran in all, µs, and how many there were.
    micros: AtomicU64,
    count: AtomicU64,
}

impl Default for Meters {
    fn default() -> Meters {
        let seconds = || Histogram::new(SECONDS);
        let seconds: fn() -> Histogram = seconds;
        let processor: fn() -> Histogram = || Histogram::new(PROCESSOR);
        let memory: fn() -> Histogram = || Histogram::new(MEMORY);
        Meters {
            waited: Family::new_with_constructor(seconds),
            ran: Family::new_with_constructor(seconds),
            processor: Family::new_with_constructor(processor),
            memory: Family::new_with_constructor(memory),
            ended: Family::default(),
            failed: Family::default(),
            called: Family::default(),
            calls: Family::new_with_constructor(seconds),
            dead: Family::default(),
            webhooks: Webhooks::new(seconds),
            series: Mutex::default(),
        }
    }
}

impl Meters {
    /// Count an attempt that has ended.
    pub fn ended(&self, attempt: &Attempt, settings: &JobSettings, outcome: &Outcome) {
        let job = &attempt.job;
        let plugin = settings.plugin.as_deref().unwrap_or_default();
        let alike = self.alike(attempt.queue_name(), &job.name, plugin);
        if job.starts <= 1 {
            let due = job.added_at.saturating_add(job.delay);
            let waited = Duration::from_millis(job.started_at.saturating_sub(due));
            alike.waited.observe(waited.as_secs_f64());
        }
        let ran = attempt.started.elapsed();
        alike.ran.observe(ran.as_secs_f64());
        let micros = ran.as_micros() as u64;
        alike.micros.fetch_add(micros, Ordering::Relaxed);
        alike.count.fetch_add(1, Ordering::Relaxed);
        // Nothing was spent on a job that nothing ran.
        if attempt.ran.get().is_some() {
            let cost = &attempt.cost;
            alike.processor.observe(cost.processor().as_secs_f64());
            alike.memory.observe(cost.memory() as f64);
            if cost.has_calls() {
                self.called(plugin, attempt);
            }
        }
        let (word, cause) = told(attempt, outcome);
        if word == COMPLETED {
            alike.completed.inc();
        } else {
            self.ended.get_or_create(&alike.labels.ended(word)).inc();
        }
        if settings.plugin.is_none() {
            self.sent(&alike.labels, attempt, word);
        }
        if let Some(cause) = cause {
            let labels = FailedBy {
                queue: alike.labels.queue.clone(),
                plugin: plugin.to_owned(),
                cause: cause.as_str(),
            };
            self.failed.get_or_create(&labels).inc();
            if word == FAILED && cause != Cause::Cancelled && settings.dead_letter.is_some() {
                self.died(attempt.queue_name(), 1);
            }
        }
    }

    /// Count an attempt to deliver a message of a webhook.
    fn sent(&self, labels: &OfJob, attempt: &Attempt, word: &'static str) {
        let OfJob { queue, name, .. } = labels;
        let outcome = match word {
            COMPLETED => DELIVERED,
            // Others were interrupted, and are none of the receiver's.
            FAILED | RETRIED => word,
            _ => return,
        };
        self.webhooks.sent(queue, name, outcome);
        if outcome == DELIVERED {
            let job = &attempt.job;
            let waited = Duration::from_millis(job.started_at.saturating_sub(job.added_at));
            let delay = waited + attempt.started.elapsed();
            self.webhooks.delivered(queue, name, delay.as_secs_f64());
        }
    }

    /// Count a request to a route of `queues.toml` that became jobs, or that had come
    /// before.
    pub fn took(&self, route: &str, known: bool) {
        self.webhooks.taken(route, TAKEN[usize::from(known)]);
    }

    /// Count a request to a route of `queues.toml` that became no job.
    pub fn refused(&self, route: &str, reason: &str) {
        self.webhooks.refused(route, reason);
    }

    /// So many jobs of a queue have gone to its dead letters.
    pub fn died(&self, queue: &str, jobs: u64) {
        let labels = OfQueue::new(queue);
        self.dead.get_or_create(&labels).inc_by(jobs);
    }

    /// How long attempts of a queue have run on average, seconds.
    pub(super) fn mean_run(&self, queue: &str) -> Option<f64> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let names = series.queues.get(queue)?.values();
        let (mut micros, mut count) = (0, 0);
        for alike in names.flat_map(HashMap::values) {
            micros += alike.micros.load(Ordering::Relaxed);
            count += alike.count.load(Ordering::Relaxed);
        }
        (count > 0).then(|| micros as f64 / 1e6 / count as f64)
    }

    fn called(&self, plugin: &str, attempt: &Attempt) {
        let (calls, more) = attempt.cost.calls();
        let count = |kind: Kind, outcome, calls| {
            let labels = Called {
                plugin: plugin.to_owned(),
                kind: kind.name(),
                outcome,
            };
            self.called.get_or_create(&labels).inc_by(calls);
        };
        for call in calls {
            count(call.kind, call.outcome, 1);
            let labels = OfKind {
                plugin: plugin.to_owned(),
                kind: call.kind.name(),
            };
            let calls = self.calls.get_or_create(&labels);
            calls.observe(call.took.as_secs_f64());
        }
        for ((kind, outcome), calls) in more {
            count(kind, outcome, calls);
        }
    }

    fn alike(&self, queue: &str, name: &str, plugin: &str) -> Arc<Alike> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let names = series.queues.get(queue);
        let find = |name: &str| names?.get(name)?.get(plugin).cloned();
        if let Some(alike) = find(name) {
            return alike;
        }
        let known = names.is_some_and(|names| names.contains_key(name));
        let many = names.is_some_and(|names| names.len() >= NAMES) || series.count >= SERIES;
        let name = match (many && !known) || name.len() > NAME {
            true => OTHER,
            false => name,
        };
        if let Some(alike) = find(name) {
            return alike;
        }
        let alike = Arc::new(self.new_alike(OfJob {
            queue: queue.to_owned(),
            name: name.to_owned(),
            plugin: plugin.to_owned(),
        }));
        series.count += 1;
        let names = series.queues.entry(queue.to_owned()).or_default();
        let plugins = names.entry(name.to_owned()).or_default();
        plugins.insert(plugin.to_owned(), alike.clone());
        alike
    }

    fn new_alike(&self, labels: OfJob) -> Alike {
        Alike {
            waited: self.waited.get_or_create_owned(&labels),
            ran: self.ran.get_or_create_owned(&labels),
            processor: self.processor.get_or_create_owned(&labels),
            memory: self.memory.get_or_create_owned(&labels),
            completed: self.ended.get_or_create_owned(&labels.ended(COMPLETED)),
            micros: AtomicU64::new(0),
            count: AtomicU64::new(0),
            labels,
        }
    }

    /// Put all of it on a page. Whatever is configured has its counters from the start, so
    /// that the first event is seen to be one.
    pub(super) fn register(
        &self,
        registry: &mut Registry,
        queues: &BTreeMap<String, Arc<Queue>>,
        routes: &[Arc<Route>],
    ) {
        for queue in queues.keys() {
            drop(self.dead.get_or_create(&OfQueue::new(queue)));
        }
        registry.register(
            "dlq_messages",
            "Jobs of the queue that failed for good in this process and went to its dead letters",
            self.dead.clone(),
        );
        self.register_attempts(registry);
        registry.register(
            "runner_host_calls",
            "Calls of plugins to the host",
            self.called.clone(),
        );
        registry.register(
            "runner_host_call_seconds",
            "How long calls of plugins to the host took",
            self.calls.clone(),
        );
        self.webhooks.register(registry, queues, routes);
    }

    fn register_attempts(&self, registry: &mut Registry) {
        let seconds = [
            (
                "runner_job_wait_seconds",
                "From when a job could start to its first start",
                &self.waited,
            ),
            (
                "runner_job_run_seconds",
                "From the start of an attempt to its end",
                &self.ran,
            ),
            (
                "runner_job_cpu_seconds",
                "Processor time of an attempt",
                &self.processor,
            ),
            (
                "runner_job_peak_memory_bytes",
                "The most memory that the instance of an attempt had",
                &self.memory,
            ),
        ];
        for (name, help, metric) in seconds {
            registry.register(name, help, metric.clone());
        }
        registry.register(
            "runner_attempts",
            "Attempts that have ended",
            self.ended.clone(),
        );
        registry.register(
            "runner_failures",
            "Attempts that failed, by cause",
            self.failed.clone(),
        );
    }
}

impl OfJob {
    fn ended(&self, outcome: &'static str) -> Ended {
        Ended {
            queue: self.queue.clone(),
            name: self.name.clone(),
            plugin: self.plugin.clone(),
            outcome,
        }
    }
}

const COMPLETED: &str = "completed";
const FAILED: &str = "failed";
const RETRIED: &str = "retried";
const DELIVERED: &str = "delivered";

/// What an outcome is counted as, and the cause of a failure.
fn told(attempt: &Attempt, outcome: &Outcome) -> (&'static str, Option<Cause>) {
    match outcome {
        Outcome::Rejected(failure) => (FAILED, Some(failure.cause)),
        Outcome::Retry { failure, .. } => {
            let last = attempt.job.attempts_made.saturating_add(1) >= attempt.job.options.attempts;
            (if last { FAILED } else { RETRIED }, Some(failure.cause))
        }
        _ => (outcome.as_str(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Job;

    fn end(meters: &Meters, name: &str) {
        let job = Job {
            name: name.to_owned(),
            ..Job::default()
        };
        let attempt = Attempt::trial(job, "mail", Duration::from_secs(1));
        let completed = Outcome::Completed("null".to_owned());
        meters.ended(&attempt, &JobSettings::default(), &completed);
    }

    #[test]
    fn names_beyond_the_bound_share_one_label() {
        let meters = Meters::default();
        for number in 0..NAMES + 30 {
            end(&meters, &format!("job-{number}"));
        }
        end(&meters, &"x".repeat(NAME + 1));
        end(&meters, "job-3");
        let mut registry = Registry::default();
        let queues = [("mail".to_owned(), Arc::default())].into();
        meters.register(&mut registry, &queues, &[]);
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        let line = |name: &str, count: u32| {
            format!(
                "runner_attempts_total{{queue=\"mail\",name=\"{name}\",plugin=\"\",\
                 outcome=\"completed\"}} {count}\n"
            )
        };
        assert!(page.contains(&line("_other", 31)), "{page}");
        assert!(page.contains(&line("job-3", 2)), "{page}");
        assert!(page.contains("dlq_messages_total{queue=\"mail\"} 0\n"));
    }
}
