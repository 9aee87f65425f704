//! Reads: queues, workers, counts, jobs, events. Nothing here writes; called by
//! `cli` and wherever somebody has to know.

pub(in crate::queue) mod brief;
pub(in crate::queue) mod counts;
pub(in crate::queue) mod detail;
pub(in crate::queue) mod discover;
pub(in crate::queue) mod feed;
pub(in crate::queue) mod find;
pub(in crate::queue) mod fit;
pub(in crate::queue) mod hosts;
pub(in crate::queue) mod page;
pub(in crate::queue) mod scan;
pub(in crate::queue) mod server;
pub(in crate::queue) mod spent;
pub(in crate::queue) mod stats;
pub(in crate::queue) mod survey;
pub(in crate::queue) mod watch;
