//! Objects that are far larger than the memory of a job. `BLOBS_BYTES` makes them larger.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use runner::config::JobSettings;
use runner::outcome::Outcome;
use serde_json::json;

use super::{Moto, directory, sandbox};
use crate::support::env;
use crate::support::sandbox::job;

#[test]
fn an_object_streams_through_a_job_with_less_memory() {
    let bytes: u64 = env("BLOBS_BYTES").map_or(100 << 20, |bytes| bytes.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut file = File::create(dir.path().join("large")).unwrap();
    file.set_len(bytes).unwrap();
    file.seek(SeekFrom::Start(bytes - 3)).unwrap();
    file.write_all(b"end").unwrap();
    let moto = Moto::shared();
    let bucket = moto.bucket();
    let sandbox = sandbox([
        ("dir", directory(dir.path(), true)),
        ("s3", moto.store(&bucket, "")),
    ]);
    for (from, to, name) in [
        ("dir", "s3", "there"),
        ("dir", "dir", "here"),
        ("s3", "dir", "back"),
    ] {
        let key = if from == "s3" { "there" } else { "large" };
        let calls = json!({ "calls": [["copy", from, key, { "to": to, "as": name }]] });
        let settings = JobSettings {
            memory: 64 << 20,
            timeout: Duration::from_secs(600),
            ..JobSettings::default()
        };
        let began = Instant::now();
        let running = sandbox.start(job("calls", &calls.to_string()), settings);
        let outcome = running.outcome_within(Duration::from_secs(600));
        let Outcome::Completed(text) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(text, format!("[{bytes}]"));
        let peak = running.attempt.cost.memory();
        assert!(peak <= 64 << 20, "{peak}");
        eprintln!(
            "{from} to {to}: {bytes} bytes in {:?}, memory {peak}",
            began.elapsed()
        );
    }
    for name in ["here", "back"] {
        let copy = dir.path().join(name);
        assert_eq!(fs::metadata(&copy).unwrap().len(), bytes);
        let mut file = File::open(copy).unwrap();
        file.seek(SeekFrom::End(-3)).unwrap();
        assert_eq!(std::io::read_to_string(file).unwrap(), "end");
    }
}
