//! The terminal: what is printed, asked and covered, and a job followed to its end.
//!
//! Every command prints through here, and nothing else in Runner may. It knows no
//! command; of the queue it knows only how to watch a job.

pub(super) mod confirm;
pub(super) mod follow;
pub(super) mod output;
