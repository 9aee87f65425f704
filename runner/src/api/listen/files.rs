//! How many files the system lets the process have open: each connection is one.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Redis, plugins' files and their connections are to find room beside the clients.
const SHARE: u64 = 2;

static LIMIT: OnceLock<u64> = OnceLock::new();

/// Ask for as many as are allowed: many systems give 1024 and allow far more. Programs
/// that are started from here get the limit as it was before only if they set it.
pub(super) fn raise() {
    LIMIT.get_or_init(|| {
        let own = getrlimit(Resource::Nofile);
        let most = own.maximum.unwrap_or(u64::MAX);
        let wanted = Rlimit {
            current: Some(most),
            maximum: own.maximum,
        };
        match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => most,
            Err(_) => own.current.unwrap_or(u64::MAX),
        }
    });
}

/// How many connections there may be where so many are wanted.
pub(super) fn most(wanted: u32) -> usize {
    let limit = LIMIT.get().copied().unwrap_or(1024);
    let room = usize::try_from(limit / SHARE).unwrap_or(usize::MAX);
    room.min(wanted as usize).max(1)
}
