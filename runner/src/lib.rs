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
//! **A plugin**: [`watch`] reports a file that has changed; [`plugin`] checks its
//! exports and imports, compiles it in a child process, links it, tries it out and
//! swaps one pointer. Any refusal keeps the version in service.
//!
//! Dependencies run one way. `docs/arrows.toml` says who may import whom, and a test
//! compares it with the source. What knows neither Redis nor running guests is a crate
//! of its own in the folder above; these names make them read like the modules here.

pub mod api;
pub mod app;
mod bug;
pub mod cli;
pub mod cost;
mod deliver;
pub mod embedded;
pub mod executor;
pub mod host;
pub mod observe;
pub mod outcome;
pub mod plugin;
pub mod queue;
pub mod schedules;
pub mod telemetry;
pub mod trace;
pub mod verbs;
pub mod worker;

pub use runner_config as config;
pub use runner_contract as contract;
pub use runner_cron as cron;
pub use runner_outbox as outbox;
pub use runner_redact as redact;
pub use runner_sources as sources;
pub use runner_text::{printable, units};
pub use runner_watch as watch;
pub use runner_webhooks as webhooks;
