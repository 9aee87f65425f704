//! Runner: consumes BullMQ queues and runs each job in a fresh sandboxed
//! WebAssembly component.
//!
//! Two paths explain the whole program.
//!
//! **A job**: [`worker`] holds a free slot, takes the job from Redis
//! ([`queue`]) and hands it to [`executor`], which resolves the plugin,
//! instantiates it, calls it ([`host`] is what the guest can reach), and
//! classifies how it ended ([`outcome`]). The worker settles that outcome in
//! Redis together with the next take.
//!
//! **A plugin**: [`plugin`] sees a file, waits until it is quiet, compiles it
//! off the async threads, checks exports and imports, pre-instantiates it and
//! swaps one pointer. Any refusal keeps the version in service.
//!
//! Dependencies run one way: `cli → app → worker → executor → plugin → host →
//! queue`; [`config`], [`cron`], [`outcome`], [`printable`], [`telemetry`] and
//! [`watch`] are leaves.

pub mod app;
mod bug;
pub mod cli;
pub mod config;
pub mod contract;
pub mod cron;
pub mod embedded;
pub mod executor;
pub mod host;
pub mod outbox;
pub mod outcome;
pub mod plugin;
pub mod printable;
pub mod queue;
pub mod redact;
pub mod schedules;
pub mod telemetry;
pub mod units;
pub mod watch;
pub mod worker;
