//! What happens, for those who listen: the hub that reads Redis for all of them, and how
//! an event is written to an event stream (WHATWG HTML, server-sent events).

mod frame;
pub(super) mod hub;
pub(super) mod job;
mod names;
pub(super) mod stream;
