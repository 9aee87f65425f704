//! What a guest says: lines of its log, of its stdout and of its stderr.
//!
//! For the state of an attempt and the client; knows the attempt, its budget and what
//! is secret.

mod log;
mod stdio;

pub use self::log::{Log, escape};
pub(super) use self::stdio::Lines;
