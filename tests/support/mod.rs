//! What every test stands on: a private Redis, the real `runner` process,
//! guests compiled to Wasm, and real npm `bullmq`.
//!
//! Nothing here sleeps for a fixed time: [`until`] polls with a deadline, and
//! every child process ends with the test process, however that ends.

#![allow(dead_code, reason = "no single test file needs all of it")]

pub(crate) mod api;
pub(crate) mod databases;
pub(crate) mod engine;
mod node;
pub(crate) mod process;
pub(crate) mod redis;
mod relay;
pub(crate) mod runner;
pub(crate) mod sandbox;
pub(crate) mod server;
mod tools;
pub(crate) mod wasm;
pub(crate) mod wire;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use self::api::Api;
pub(crate) use self::node::Node;
pub(crate) use self::redis::Redis;
pub(crate) use self::relay::Relay;
pub(crate) use self::runner::{Ended, Runner, Setup};
pub(crate) use self::tools::{openssl, packaged, tool};
pub(crate) use self::wasm::guest;

/// How long anything may take before the test fails. Far above what is needed:
/// it only decides how long a broken test takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds since 1970, as a producer writes them.
#[expect(clippy::disallowed_methods, reason = "a producer has its own clock")]
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_millis() as u64
}

/// A variable of the tests' own environment.
#[expect(clippy::disallowed_methods, reason = "the place to read them")]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Poll until `probe` has an answer.
///
/// # Panics
/// After [`PATIENCE`], with `what` was awaited.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        #[expect(clippy::disallowed_methods, reason = "polls with a deadline")]
        std::thread::sleep(Duration::from_millis(5));
    }
}
