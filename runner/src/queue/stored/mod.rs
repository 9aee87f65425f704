//! What BullMQ stores of a job: its fields, options and states, read and written.
//! Asks Redis nothing; every room but `wire` builds on it.

pub(in crate::queue) mod deduplication;
pub(in crate::queue) mod job;
pub(in crate::queue) mod options;
pub(in crate::queue) mod request;
pub(in crate::queue) mod spent;
pub(in crate::queue) mod state;
