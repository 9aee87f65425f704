//! What is wrong with a query: the user's word, its place, and the way out.

use std::fmt;

use serde::Serialize;

/// Why a query is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What is wrong, and the way out.
    pub message: String,
    /// Which character of the query it is about, counted from 1.
    pub at: usize,
}

impl Fault {
    /// About what begins at this byte of the query.
    pub(super) fn new(query: &str, at: usize, message: impl Into<String>) -> Fault {
        let before = query.get(..at).unwrap_or(query);
        Fault {
            message: message.into(),
            at: before.chars().count() + 1,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { message, at } = self;
        write!(f, "query, character {at}: {message}")
    }
}

impl std::error::Error for Fault {}
