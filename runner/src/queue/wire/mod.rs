//! Redis itself: connections, addresses, errors, scripts, and what an answer holds.
//! Nothing here knows a job; every other room of the queue builds on it.

pub(in crate::queue) mod error;
pub(in crate::queue) mod gather;
pub(in crate::queue) mod outage;
pub(in crate::queue) mod redis;
pub(in crate::queue) mod reply;
pub(in crate::queue) mod script;
pub(in crate::queue) mod server;
pub(in crate::queue) mod shared;
pub(in crate::queue) mod spacing;
pub(in crate::queue) mod tls;
pub(in crate::queue) mod token;
pub(in crate::queue) mod wake;
