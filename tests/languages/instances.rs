//! What an instance finds when it begins, and that it shares it with nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wasm_encoder::{ComponentSection, CustomSection};

use super::door::{Door, Ended};
use super::server::BARRIER;
use super::values::is_program;
use crate::support::{now, until};

/// Add so many jobs, then wait for all of them.
fn all(door: &Door, name: &str, count: usize, data: impl Fn(usize) -> Value) -> Vec<Ended> {
    let ids: Vec<String> = (0..count)
        .map(|n| door.add(name, &data(n), &json!({})))
        .collect();
    ids.iter().map(|id| door.ended("work", id)).collect()
}

pub(crate) fn random(door: &Door) {
    const JOBS: usize = 100;
    let mut drawn: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for ended in all(door, "random", JOBS, |_| json!({})) {
        let value = ended.value();
        let sources = value.as_object().expect("an object of sources");
        assert!(!sources.is_empty(), "no source is named");
        for (source, value) in sources {
            drawn
                .entry(source.clone())
                .or_default()
                .insert(value.to_string());
        }
    }
    let repeated: Vec<String> = drawn
        .iter()
        .filter(|(_, values)| values.len() != JOBS)
        .map(|(source, values)| format!("{source}: {} different values", values.len()))
        .collect();
    assert!(repeated.is_empty(), "of {JOBS} jobs {repeated:?}");
}

pub(crate) fn clock(door: &Door) {
    let before = now();
    let value = door.value("clock", json!({}));
    let after = now();
    let seen = value["now"].as_f64().unwrap_or_default() as u64;
    assert!(
        (before - 1..=after + 1).contains(&seen),
        "{before} {value} {after}"
    );
    assert_eq!(value["offset"].as_f64(), Some(0.0), "{value}");
    assert_eq!(value["monotonic"], true, "{value}");
}

pub(crate) fn sleep(door: &Door) {
    let value = door.value("sleep", json!({ "ms": 50 }));
    assert!(value["slept"].as_f64() >= Some(49.0), "{value}");
}

pub(crate) fn environment(door: &Door) {
    let value = door.value("environment", json!({}));
    let names: Vec<&String> = value["env"]
        .as_object()
        .into_iter()
        .flat_map(|of| of.keys())
        .collect();
    if is_program(door) {
        for name in [
            "RUNNER_JOB_ID",
            "RUNNER_JOB_NAME",
            "RUNNER_QUEUE",
            "RUNNER_DEADLINE",
        ] {
            assert!(names.iter().any(|known| *known == name), "{name}: {value}");
        }
        assert_eq!(value["stdin"], "{}", "{value}");
        return;
    }
    assert!(names.is_empty(), "{value}");
    assert_eq!(value["args"], json!([]), "{value}");
    assert_eq!(value["stdin"], "", "{value}");
}

pub(crate) fn count(door: &Door) {
    for ended in all(door, "count", 10, |_| json!({})) {
        assert_eq!(ended.value(), json!({ "count": 1 }));
    }
}

pub(crate) fn cross_talk(door: &Door) {
    let url = door.server.url("/barrier");
    let jobs = all(door, "hold", BARRIER, |n| json!({ "n": n, "url": url }));
    for (n, ended) in jobs.iter().enumerate() {
        assert_eq!(ended.value(), json!({ "n": n }));
        let lines = ended.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with(&format!(" holds {n}")), "{lines:?}");
    }
}

pub(crate) fn read(door: &Door) {
    let value = door.value("read", json!({ "path": "/data/hello.txt" }));
    assert_eq!(value, json!({ "text": "hello from a file\n" }));
}

pub(crate) fn read_denied(door: &Door) {
    for path in ["/etc/passwd", "/data/../queues.toml"] {
        let value = door.value("read", json!({ "path": path }));
        assert!(value["error"].is_string(), "{path}: {value}");
    }
}

/// The same guest in another file: a section more, which nobody reads.
pub(crate) fn swap(door: &Door) {
    let mut bytes = std::fs::read(door.language.guest()).expect("a guest");
    let section = CustomSection {
        name: "swapped".into(),
        data: b"yes".into(),
    };
    section.append_to_component(&mut bytes);
    let file = door.setup.path("swapped.wasm");
    std::fs::write(&file, bytes).expect("a fresh directory");
    let first = serving(door);
    door.setup.install("swapped", &file);
    let mut jobs = 0;
    until("the swap", || {
        let ended = door.run("version", json!({}));
        assert_eq!(ended.value(), json!({ "version": "one" }));
        jobs += 1;
        (serving(door) != first).then_some(())
    });
    assert!(jobs >= 1, "{jobs}");
}

/// Which version of the plugin `swapped` serves, as `plugin list` knows it by its jobs.
fn serving(door: &Door) -> String {
    let ended = door.run("version", json!({}));
    let ran = door.redis.field("work", &ended.id, "rv");
    ran.unwrap_or_default()
}
