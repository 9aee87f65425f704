//! The queue engine: BullMQ's layout in Redis. Nothing outside this folder knows
//! Redis; inside it, each room serves one who asks, and each script (`.lua`) stands
//! beside the Rust that runs it. From the ground up:
//!
//! - `wire`: Redis itself; `stored`: what BullMQ stores; `lib`: what scripts share
//! - `settings`, `handle`, `attempt`: a queue, and a job that this process holds
//! - `add`: a producer; `dead`: dead letters; `tell`: webhooks; `work`: a worker
//! - `hold`: who holds a job, and who has died; `look`: a reader; `operate`: an operator
//! - `values`: what plugins keep
//! - `ledger`: who is logged in to an API, and who has changed what
//! - `serving`: what a process does once for all its queues
//!
//! Each room imports only from those before it. A verb is one script, with the
//! effects of BullMQ's own on keys, hash fields and events, and a bounded number of
//! jobs in one call. Every decision about time is taken inside the scripts, by Redis'
//! own clock.

mod add;
mod attempt;
mod dead;
mod handle;
mod hold;
mod ledger;
mod look;
mod operate;
mod serving;
mod settings;
mod stored;
mod tell;
mod values;
mod wire;
mod work;

pub use add::adder::Adder;
pub use add::flow::{ChildFailure, FlowJob, add_flow};
pub use add::schedule::{Declared, Guarded, Next, SchedulerState};
pub use add::{Added, Instead, NewJob};
pub use attempt::{Attempt, Notes, Stop};
pub use dead::letters::{Letter, LetterPlace, Origin, Replay};
pub use handle::Queue;
pub use hold::cancel::Failing;
pub use hold::heartbeat::{About, Dead};
pub use hold::renew::{InFlight, Renewal};
pub use ledger::audit::{Entry as Audited, audited, note};
pub use ledger::session;
pub use look::brief::{Brief, Finder};
pub use look::counts::Counts;
pub use look::detail::{Detail, JobKey};
pub use look::discover::{queues, workers};
pub use look::feed::{EventId, Feed, Happening};
pub use look::find::{Field, Found};
pub use look::fit::{Fit, Misfit};
pub use look::hosts::{Connected, Host, connected, hosts};
pub use look::scan::{Look, PAGE, Page, Place};
pub use look::server::{Server, clock, server};
pub use look::stats::{Spread, Stats};
pub use look::survey::{Failure as LastFailure, Survey, survey};
pub use look::watch::{Event, Watch};
pub use operate::bounds::Bounds;
pub use operate::change::{Change, Changed};
pub use operate::remove::Removal;
pub use operate::retry::Back;
pub use operate::sweep::{Obliteration, SweepPlace, Swept};
pub use serving::examine::lacks;
pub use settings::{ByName, Ends, Gates, Settings};
pub use stored::deduplication::Deduplication;
pub use stored::job::{Backoff, Job, Options, Parent, Retain, Scheduler};
pub use stored::request::{carry, request_id};
pub use stored::state::State;
pub use tell::delivery::Message;
pub use values::{Change as ValueChange, Entry as ValueEntry, Keys as ValueKeys, Owner, Wrote};
pub use wire::error::Error;
pub use wire::redis::Redis;
pub(crate) use wire::spacing::Spacing;
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
