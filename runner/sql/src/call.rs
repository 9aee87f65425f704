//! One call: what it asks for, and what its end means.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::{Error, Kind};
use crate::limits::Limits;
use crate::text::Look;
use crate::value::{How, Statement};

/// What a call asks for.
pub(crate) struct Call {
    pub(crate) statements: Vec<(Statement, Look)>,
    pub(crate) how: How,
    pub(crate) limits: Limits,
    pub(crate) readonly: bool,
    /// When it must be over.
    pub(crate) until: Instant,
    /// Whether a change is being committed, so that it may be made although the connection
    /// breaks.
    pub(crate) committing: AtomicBool,
    /// Whether its caller does not wait for it any longer.
    pub(crate) stopped: AtomicBool,
}

impl Call {
    /// From here on, a connection that breaks leaves it open whether a change was made.
    pub(crate) fn committing(&self) {
        self.committing.store(true, Ordering::Relaxed);
    }

    /// Whether it must end.
    pub(crate) fn over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.until
    }

    /// An error of the statement of this index.
    pub(crate) fn at(&self, index: usize, error: Error) -> Error {
        match self.how {
            How::Transaction => error.at(index),
            How::Query | How::Execute => error,
        }
    }

    /// Whether a statement did what it was expected to do.
    pub(crate) fn expected(&self, index: usize, affected: u64) -> Result<(), Error> {
        match self.statements[index].0.expect {
            Some(expected) if expected != affected => {
                let what = match affected {
                    1 => "1 row".to_owned(),
                    _ => format!("{affected} rows"),
                };
                let message =
                    format!("the statement had {what} and expects {expected}: nothing was changed");
                Err(self.at(index, Error::new(Kind::Expectation, message)))
            }
            _ => Ok(()),
        }
    }

    /// What an error of the connection means for a change.
    pub(crate) fn broken(&self, why: &str) -> Error {
        match self.committing.load(Ordering::Relaxed) {
            true => Error::new(
                Kind::Uncertain,
                format!(
                    "the connection broke during the commit, so the change may have been made or \
                     not: {why}"
                ),
            ),
            false => Error::new(Kind::Unavailable, format!("the connection broke: {why}")),
        }
    }
}

/// The time of a call is over.
pub(crate) fn timeout() -> Error {
    Error::new(
        Kind::Timeout,
        "the statement took longer than it may, and was stopped: nothing was changed",
    )
}
