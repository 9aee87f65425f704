//! Whatever is stored in Redis, no queue stops, no job sticks or vanishes, and no log
//! is flooded.

mod injected;
mod keys;
mod mutations;
mod refused;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Redis, Runner};

/// Where each job of a queue is: the sets and lists it is in.
type Places = BTreeMap<Vec<u8>, Vec<&'static str>>;

fn places(redis: &Redis, queue: &str) -> Places {
    let mut places = Places::new();
    let mut connection = redis.connect();
    // A key of the wrong type holds no job.
    let mut ids = |words: &[&str]| -> Vec<Vec<u8>> {
        let mut command = redis::cmd(words[0]);
        command.arg(redis.key(queue, words[1])).arg(&words[2..]);
        command.query(&mut connection).unwrap_or_default()
    };
    let mut found = Vec::new();
    for set in [
        "completed",
        "failed",
        "delayed",
        "prioritized",
        "waiting-children",
    ] {
        found.push((set, ids(&["ZRANGE", set, "0", "-1"])));
    }
    for list in ["wait", "paused", "active"] {
        found.push((list, ids(&["LRANGE", list, "0", "-1"])));
    }
    found.push(("refused", ids(&["HKEYS", "runner:refused"])));
    for (place, ids) in found {
        for id in ids {
            places.entry(id).or_default().push(place);
        }
    }
    places
}

/// Wait until all of these jobs of a queue have ended, each in one of these places.
#[track_caller]
fn until_ended(redis: &Redis, queue: &str, ids: &[Vec<u8>], ends: &[&str]) -> Places {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let places = places(redis, queue);
        let place = |id: &Vec<u8>| places.get(id).cloned().unwrap_or_default();
        let ended = |id: &&Vec<u8>| matches!(place(id)[..], [one] if ends.contains(&one));
        let left: Vec<_> = ids.iter().filter(|id| !ended(id)).collect();
        if left.is_empty() {
            return places;
        }
        let left = left
            .iter()
            .map(|id| (String::from_utf8_lossy(id), place(id)));
        assert!(
            Instant::now() < deadline,
            "left of {queue}: {:?}",
            left.collect::<Vec<_>>()
        );
        #[expect(clippy::disallowed_methods, reason = "polls with a deadline")]
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lines of warnings and errors, none of them about a bug of ours.
#[track_caller]
fn complaints(runner: &Runner) -> Vec<String> {
    let log = runner.log();
    let bug = log
        .iter()
        .find(|line| line.contains("panicked") || line.contains("a bug in runner"));
    assert_eq!(bug, None);
    let of_note = |line: &String| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
    log.into_iter().filter(of_note).collect()
}
