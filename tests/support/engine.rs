//! The queue engine with a closure in the place of the executor.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runner::config::{self, JobSettings, Unrouted};
use runner::outcome::{Cause, Failure, Outcome};
use runner::queue::{self, Attempt, NewJob, Renewal};
use runner::worker::{Shared, Worker};
use serde_json::Value;

use super::{Node, Redis, until};

pub(crate) type Handle = Arc<dyn Fn(&Attempt) -> Outcome + Send + Sync>;

/// A worker on a runtime of its own.
pub(crate) struct Engine {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) shared: Shared,
    pub(crate) workers: Vec<Worker>,
}

/// The plugin is only a name: what runs is a closure.
pub(crate) fn settings() -> JobSettings {
    JobSettings {
        plugin: Some("closure".into()),
        ..JobSettings::default()
    }
}

pub(crate) fn config(queue: &str, concurrency: usize) -> config::Queue {
    config::Queue {
        name: queue.into(),
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
        limiter: None,
        group: None,
        unrouted: Unrouted::default(),
        max_started_attempts: None,
        default_job: None,
        base: settings(),
        jobs: Vec::new(),
        defaults: config::JobDefaults::default(),
        backoffs: Default::default(),
        metrics: None,
        webhooks: Default::default(),
        delivers: None,
    }
}

pub(crate) fn failed(reason: &str) -> Failure {
    Failure {
        cause: Cause::Returned,
        reason: reason.into(),
        frames: vec!["handle (plugin.rs:7)".into()],
    }
}

pub(crate) fn retry(reason: &str) -> Outcome {
    Outcome::Retry {
        failure: failed(reason),
        delay: None,
    }
}

impl Engine {
    pub(crate) fn new(
        redis: &Redis,
        handle: impl Fn(&Attempt) -> Outcome + Send + Sync + 'static,
    ) -> Engine {
        Engine::with(redis, Duration::from_secs(30), handle)
    }

    pub(crate) fn with(
        redis: &Redis,
        lock: Duration,
        handle: impl Fn(&Attempt) -> Outcome + Send + Sync + 'static,
    ) -> Engine {
        Engine::over(&redis.url(), redis.prefix(), lock, handle)
    }

    pub(crate) fn over(
        url: &str,
        prefix: &str,
        lock: Duration,
        handle: impl Fn(&Attempt) -> Outcome + Send + Sync + 'static,
    ) -> Engine {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let connection = queue::Redis::new(url, prefix).unwrap();
        let handle: Handle = Arc::new(handle);
        let shared = Shared {
            redis: connection.clone(),
            renewal: Renewal::start(&connection, lock, "runner-1").unwrap(),
            died: Arc::new(|_, _| {}),
            runner: "runner-1".into(),
            presence: true,
            runtime: Arc::new(config::Runtime {
                plugins: PathBuf::new(),
                contracts: PathBuf::new(),
                cache: PathBuf::new(),
                threads: NonZeroUsize::new(2).unwrap(),
                grace: Duration::from_secs(25),
                lock,
                stalled_interval: lock / 2,
                max_stalled: 5,
                max_crashes: 2,
                max_plugin: 0,
                compile_timeout: Duration::ZERO,
                compile_memory: 0,
            }),
            start: Arc::new(move |attempt: Arc<Attempt>, _: &JobSettings, done| {
                let handle = handle.clone();
                tokio::task::spawn_blocking(move || {
                    let outcome = handle(&attempt);
                    done(attempt, outcome);
                });
            }),
        };
        tokio::spawn(queue::listen(connection));
        drop(_entered);
        Engine {
            runtime,
            shared,
            workers: Vec::new(),
        }
    }

    pub(crate) fn consume(&mut self, config: config::Queue) {
        let _entered = self.runtime.enter();
        self.workers
            .push(Worker::spawn(self.shared.clone(), Arc::new(config)));
    }

    pub(crate) fn stop(&mut self, grace: Duration) {
        for mut worker in self.workers.drain(..) {
            worker.drain(grace);
            self.runtime.block_on(worker.stopped());
        }
    }
}

/// Jobs with numbers as data.
pub(crate) fn jobs(count: usize) -> Vec<NewJob> {
    let job = |n: usize| NewJob {
        name: "n".into(),
        data: n.to_string(),
        ..NewJob::default()
    };
    (0..count).map(job).collect()
}

/// A worker at `url` completes ten jobs.
#[track_caller]
pub(crate) fn works(url: &str, prefix: &str) {
    let mut engine = Engine::over(url, prefix, Duration::from_secs(30), echo);
    let queue = engine.shared.queue(&config("orders", 10));
    engine.runtime.block_on(queue.add(&jobs(10))).unwrap();
    engine.consume(config("orders", 10));
    until("ten jobs to complete", || {
        let counts = engine.runtime.block_on(queue.counts()).ok()?;
        (counts.of(queue::State::Completed) == 10).then_some(())
    });
    engine.stop(Duration::from_secs(5));
}

pub(crate) fn echo(attempt: &Attempt) -> Outcome {
    Outcome::Completed(attempt.job.data.clone())
}

pub(crate) fn on_both(test: impl Fn(&Redis, Node)) {
    for version in [5, 6] {
        let redis = Redis::shared();
        let node = Node::start(&redis, version);
        test(&redis, node);
    }
}

pub(crate) fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}
