//! The queue engine: BullMQ's layout in Redis, seen from a worker.
//!
//! The verbs of a worker are one Lua script of ours each, with the effects of
//! BullMQ's own on keys, hash fields and events: **settle** (and take in the same
//! call), **renew**, **recover**, **note**, **add**. So are those of an operator,
//! a bounded number of jobs in one call: **pause**, **bounds**, **sweep** (drain,
//! clean, obliterate), **retry** and **promote**, **remove**; the rest are reads.
//! Nothing outside this directory knows Redis. Every time-based decision is taken
//! inside the scripts by Redis' own clock.

mod add;
mod attempt;
mod dead;
mod hold;
mod look;
mod operate;
mod serving;
mod stored;
mod wire;
mod work;

pub use add::flow::{ChildFailure, FlowJob, add_flow};
pub use add::schedule::{Declared, Guarded, Next, SchedulerState};
pub use add::{Added, Instead, NewJob};
pub use attempt::{Attempt, Notes, Stop};
pub use dead::copy::DeadLetters;
pub use dead::letters::{Letter, Origin, Replay};
pub use hold::cancel::Failing;
pub use hold::heartbeat::Dead;
pub use hold::renew::{InFlight, Renewal};
pub use look::counts::Counts;
pub use look::discover::{queues, workers};
pub use look::find::Found;
pub use look::fit::{Fit, Misfit};
pub use look::stats::{Spread, Stats};
pub use look::watch::{Event, Watch};
pub use operate::bounds::Bounds;
pub use operate::remove::Removal;
pub use operate::retry::Back;
pub use operate::sweep::Obliteration;
pub use serving::examine::lacks;
pub(crate) use serving::listen::Wake;
pub use stored::deduplication::Deduplication;
pub use stored::job::{Backoff, Job, Options, Parent, Retain, Scheduler};
pub use stored::state::State;
pub(crate) use wire::redis::Pause;
pub use wire::redis::{Error, Redis};
pub use work::children::Dependencies;
pub use work::gate::Gates;
pub use work::settle::{Batch, Settled, Settlement, Taken};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::redis::Value;

use crate::config::{Contract, JobDefaults, Limiter};
use crate::telemetry::limit::limited;

/// What the engine needs to know about this process and the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Queue name.
    pub name: String,
    /// Name of this runner, written as `processedBy` and into tokens.
    pub runner: String,
    /// Lock duration.
    pub lock: Duration,
    /// Stalls before a job fails.
    pub max_stalled: u32,
    /// Starts after which a job is not retried; none: as many as its attempts allow.
    pub max_starts: Option<u32>,
    /// Crashes of its runner at which a job fails; 0: never.
    pub max_crashes: u32,
    /// How often stalled jobs are looked for.
    pub stalled_interval: Duration,
    /// Worker rate limit.
    pub limiter: Option<Limiter>,
    /// Log lines kept when the job has no `keepLogs`.
    pub max_logs: usize,
    /// Options of jobs added through Runner.
    pub defaults: JobDefaults,
    /// Minutes of metrics that are kept (BullMQ's `maxDataPoints`); none: no
    /// metrics.
    pub metrics: Option<u32>,
    /// Where copies of jobs go that failed for good.
    pub dead_letters: DeadLetters,
    /// What jobs that are added must be.
    pub contract: Option<Arc<Contract>>,
    /// How many jobs of a name or group run at once, over all Runners; `None`: as
    /// many as are taken.
    pub gates: Option<Gates>,
}

#[derive(Debug)]
struct Inner {
    redis: Redis,
    settings: Settings,
    /// What all keys of the queue begin with: `bull:orders:`.
    base: String,
}

/// One queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

impl Queue {
    /// A queue of this Redis; on a Cluster, on the node that has its keys.
    pub fn new(redis: Redis, settings: Settings) -> Queue {
        let redis = redis.at(&settings.name);
        let base = format!("{}:{}:", redis.prefix(), settings.name);
        Queue(Arc::new(Inner {
            redis,
            settings,
            base,
        }))
    }

    /// A queue that is never asked anything, for attempts in a host that records.
    pub fn detached(name: &str) -> Queue {
        let redis = Redis::new("redis://127.0.0.1", "bull").expect("the address is well-formed");
        let settings = Settings {
            name: name.to_owned(),
            runner: "detached".into(),
            lock: Duration::MAX,
            max_stalled: 0,
            max_crashes: 0,
            max_starts: None,
            stalled_interval: Duration::MAX,
            limiter: None,
            max_logs: 0,
            defaults: JobDefaults::default(),
            metrics: None,
            dead_letters: DeadLetters::default(),
            contract: None,
            gates: None,
        };
        Queue::new(redis, settings)
    }

    /// Name without prefix.
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// What the engine knows about the queue.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The connection.
    pub fn redis(&self) -> &Redis {
        &self.0.redis
    }

    /// The same queue over other connections.
    pub(crate) fn over(&self, redis: Redis) -> Queue {
        Queue::new(redis, self.0.settings.clone())
    }

    /// Refuse what a script would have to do with both queues when they are in
    /// different slots of a Cluster.
    fn reaches(&self, other: &Queue) -> Result<(), Error> {
        match self.redis().reaches(other.redis()) {
            true => Ok(()),
            false => Err(Error::Invalid(format!(
                "the queues {:?} and {:?} are in different slots of the Cluster; give both the \
                 same {{tag}}",
                self.name(),
                other.name()
            ))),
        }
    }

    fn key(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.0.base)
    }

    /// Tell what a script of ours found in Redis and mended.
    fn tell_mended(&self, troubles: Value) {
        for trouble in work::settle::texts(troubles) {
            let about = format!("{}: {trouble}", self.name());
            limited!(
                error,
                &about,
                "the queue was mended",
                queue = self.name(),
                trouble
            );
        }
    }

    /// Ask to be woken when there is work.
    pub(crate) fn enter_markers(&self) -> Arc<Wake> {
        let wake = self.0.redis.markers().enter(&self.key("marker"));
        self.0.redis.entered();
        wake
    }

    /// Say whether the queue wants work.
    pub(crate) fn arm(&self, wake: &Wake, armed: bool) {
        self.0.redis.markers().arm(wake, armed);
    }

    /// No longer wait for work.
    pub(crate) fn leave_markers(&self) {
        self.0.redis.markers().leave(&self.key("marker"));
    }

    /// Give a wake-up that could not be used to somebody else.
    pub(crate) async fn pass_on(&self) -> Result<(), Error> {
        let mut command = ::redis::cmd("ZADD");
        command.arg(self.key("marker")).arg(0).arg("0");
        self.0.redis.call(&command).await.map(drop)
    }
}

/// Listen for work on all queues of this connection, for ever; one per process.
pub fn listen(redis: Redis) -> impl Future<Output = ()> + Send {
    serving::listen::listen(redis)
}

/// Show this runner as a worker of the queue to BullMQ's `getWorkers`, for ever.
pub fn present(redis: Redis, queue: String, runner: String) -> impl Future<Output = ()> + Send {
    serving::presence::present(redis, queue, runner)
}
