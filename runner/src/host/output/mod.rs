//! What a guest says: lines of its log, of its stdout and of its stderr; of a command
//! the payload that it reads and the result that it writes.
//!
//! For the state of an attempt and the client; knows the attempt, its budget and what
//! is secret.

mod capture;
mod input;
mod log;
mod reports;
mod stdio;

pub(super) use self::capture::Capture;
pub(super) use self::input::Input;
pub use self::log::{Log, escape};
pub(super) use self::reports::Reports;
pub(super) use self::stdio::Lines;
