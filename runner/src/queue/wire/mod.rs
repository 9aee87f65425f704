//! Redis itself: connections, addresses, scripts, and what an answer holds.
//! Nothing here knows a job; every other room of the queue builds on it.

pub(in crate::queue) mod outage;
pub(in crate::queue) mod redis;
pub(in crate::queue) mod script;
pub(in crate::queue) mod server;
pub(in crate::queue) mod tls;
