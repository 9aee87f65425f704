//! Sockets, limits, TLS, reloads and the end of a server.

mod addresses;
mod limits;
mod manners;
mod moved;
mod slow;
mod stopping;
mod tls;

use crate::support::{Redis, Runner, until};

/// A Redis that answers nothing from now on.
fn freeze(redis: &Redis) -> Frozen {
    let info: String = redis.run(&["INFO", "server"]);
    let id = info
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    let id = id.expect("Redis says its id").trim().to_owned();
    signal(&id, "STOP");
    Frozen(id)
}

/// Dropped, it answers again.
struct Frozen(String);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal(&self.0, "CONT");
    }
}

fn signal(id: &str, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), id])
        .status();
    assert!(sent.expect("kill is there").success());
}

/// The address in the last line of the log that tells one.
#[track_caller]
fn address(runner: &Runner, nth: usize) -> String {
    let line = until("an address in the log", || {
        let log = runner.log();
        let mut lines = log
            .into_iter()
            .filter(|line| line.contains("\"the HTTP API listens\""));
        lines.nth(nth)
    });
    let line: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
    let address = line["address"]
        .as_str()
        .or(line["fields"]["address"].as_str());
    address.expect("the line has the address").to_owned()
}
