//! The queue engine beside BullMQ's own: what is stored, announced and decided is
//! what npm `bullmq` 5 and 6 store, announce and decide. Most tests drive the library
//! itself, some the binary; only [`crate::support`] knows how either is started.

mod backoffs;
mod cron;
mod dedup;
mod flows;
mod gates;
mod keep;
mod metrics;
mod options;
mod parents;
mod payloads;
mod policies;
mod queue_engine;
pub(crate) mod queue_equality;
mod queue_faults;
mod queue_proof;
mod schedules;
mod watch;
