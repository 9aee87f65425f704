//! How far the job is, for people who watch it.
//!
//! At most four updates a second reach Redis, and the last one always does, so
//! report as often as you like.

use serde::Serialize;

use crate::{Result, host, reject};

/// Percent done, 0 to 100.
pub fn set(percent: f64) {
    host::progress::set(percent, None);
}

/// Percent done and a word about it: `progress::describe(40.0, "page 2 of 5")`.
pub fn describe(percent: f64, message: &str) {
    host::progress::set(percent, Some(message));
}

/// Any value, as `job.updateProgress` of BullMQ takes it.
///
/// # Errors
/// Rejects the job when the value cannot be written as JSON.
pub fn set_json(value: &impl Serialize) -> Result {
    let json = serde_json::to_string(value)
        .map_err(|error| reject(format!("the progress cannot be written as JSON: {error}")))?;
    host::progress::set_json(&json);
    Ok(())
}
