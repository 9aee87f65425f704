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
mod handle;
mod hold;
mod look;
mod operate;
mod serving;
mod settings;
mod stored;
mod wire;
mod work;

pub use add::flow::{ChildFailure, FlowJob, add_flow};
pub use add::schedule::{Declared, Guarded, Next, SchedulerState};
pub use add::{Added, Instead, NewJob};
pub use attempt::{Attempt, Notes, Stop};
pub use dead::letters::{Letter, Origin, Replay};
pub use handle::Queue;
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
pub use settings::{DeadLetters, Gates, Settings};
pub use stored::deduplication::Deduplication;
pub use stored::job::{Backoff, Job, Options, Parent, Retain, Scheduler};
pub use stored::state::State;
pub use wire::error::Error;
pub use wire::redis::Redis;
pub(crate) use wire::spacing::Spacing as Pause;
pub(crate) use wire::wake::Wake;
pub use work::children::Dependencies;
pub use work::settle::{Batch, Settled, Settlement, Taken};

use std::future::Future;

/// Listen for work on all queues of this connection, for ever; one per process.
pub fn listen(redis: Redis) -> impl Future<Output = ()> + Send {
    serving::listen::listen(redis)
}

/// Show this runner as a worker of the queue to BullMQ's `getWorkers`, for ever.
pub fn present(redis: Redis, queue: String, runner: String) -> impl Future<Output = ()> + Send {
    serving::presence::present(redis, queue, runner)
}
