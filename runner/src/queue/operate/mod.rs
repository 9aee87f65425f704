//! What an operator does to a queue: pause, bound, retry, promote, remove, sweep;
//! a bounded number of jobs in one call. Called by `cli` and `app`.

pub(in crate::queue) mod bounds;
pub(in crate::queue) mod change;
pub(in crate::queue) mod pause;
pub(in crate::queue) mod remove;
pub(in crate::queue) mod retry;
pub(in crate::queue) mod sweep;
