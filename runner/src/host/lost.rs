//! What a guest is told whose job is no longer its own.

use crate::queue::{Attempt, Stop};

/// Refuse what an attempt that has lost its job would do.
///
/// # Errors
/// The reason, for the guest.
pub(super) fn refuse_lost(attempt: &Attempt) -> Result<(), String> {
    match attempt.stopped() {
        Some(Stop::LockLost) => {
            Err("the lock of this job is lost; another worker may be running it".into())
        }
        Some(Stop::Removed) => Err("this job was removed".into()),
        _ => Ok(()),
    }
}
