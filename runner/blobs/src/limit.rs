//! How much a plugin may write.

use crate::key::brief;
use crate::{CALL, Error};

/// The limits of one store.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    store: String,
    max_object: u64,
}

impl Limit {
    pub(crate) fn new(store: &str, max_object: u64) -> Limit {
        Limit {
            store: store.to_owned(),
            max_object,
        }
    }

    /// Whether a call may carry so many bytes.
    pub(crate) fn check_call(&self, bytes: usize) -> Result<(), Error> {
        match bytes as u64 > CALL {
            true => Err(Error::TooLarge(format!(
                "the call carries {bytes} bytes: at most {CALL}, so write it with an upload"
            ))),
            false => Ok(()),
        }
    }

    /// Whether an object may have so many bytes.
    pub(crate) fn check_object(&self, key: &str, bytes: u64) -> Result<(), Error> {
        match bytes > self.max_object {
            true => Err(Error::TooLarge(format!(
                "object {:?} has {bytes} bytes or more: store {:?} takes {} (max_object)",
                brief(key),
                self.store,
                self.max_object
            ))),
            false => Ok(()),
        }
    }
}
