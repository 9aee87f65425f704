//! What a worker does with a job it holds: take, note, fan out, settle. Called by
//! `worker` and `host`; knows who holds a lock, not who has died.

pub(in crate::queue) mod children;
pub(in crate::queue) mod gate;
pub(in crate::queue) mod note;
pub(in crate::queue) mod settle;
pub(in crate::queue) mod verdict;
