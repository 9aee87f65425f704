//! Jobs that a guest adds, its children, and what it leaves to its next attempt.

use serde_json::{Value, json};

use super::door::Door;
use crate::support::until;

/// A job in Redis, as it was stored.
fn stored(door: &Door, queue: &str, id: &str) -> (String, Value, Value) {
    let field = |name| door.redis.field(queue, id, name).unwrap_or_default();
    let json = |text: String| serde_json::from_str(&text).unwrap_or_default();
    (field("name"), json(field("data")), json(field("opts")))
}

#[track_caller]
fn id(value: &Value) -> String {
    let id = value["id"].as_str();
    id.unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

pub(crate) fn add(door: &Door) {
    let value = door.value(
        "add",
        json!({
            "queue": "other", "name": "next", "data": { "n": 1 },
            "id": "my-own-id", "delay": 60_000, "priority": 5, "attempts": 3,
        }),
    );
    assert_eq!(id(&value), "my-own-id");
    let (name, data, options) = stored(door, "other", "my-own-id");
    assert_eq!((&*name, data), ("next", json!({ "n": 1 })));
    for (option, expected) in [("delay", 60_000), ("priority", 5), ("attempts", 3)] {
        assert_eq!(options[option], expected, "{option} of {options}");
    }
}

pub(crate) fn add_bulk(door: &Door) {
    let value = door.value("add-bulk", json!({ "queue": "other", "count": 3 }));
    let ids = value["ids"].as_array().unwrap_or_else(|| panic!("{value}"));
    let data = ids.iter().map(|id| {
        let (name, data, _) = stored(door, "other", id.as_str().unwrap_or_default());
        assert_eq!(name, "bulk");
        data["n"].clone()
    });
    assert_eq!(data.collect::<Vec<_>>(), [0, 1, 2]);
}

pub(crate) fn add_flow(door: &Door) {
    let root = id(&door.value("add-flow", json!({ "queue": "other" })));
    let (name, data, _) = stored(door, "other", &root);
    assert_eq!((&*name, data), ("root", json!({})));
    let key = door.redis.key("other", &format!("{root}:dependencies"));
    let children: Vec<String> = door.redis.run(&["SMEMBERS", &key]);
    let mut leaves: Vec<(Value, bool)> = children
        .iter()
        .map(|child| {
            let id = child.rsplit(':').next().unwrap_or_default();
            let (name, data, options) = stored(door, "other", id);
            assert_eq!(name, "leaf");
            // BullMQ's short name of `ignoreDependencyOnFailure`.
            (data["n"].clone(), options["idof"] == true)
        })
        .collect();
    leaves.sort_by_key(|(n, _)| n.as_u64());
    assert_eq!(leaves, [(json!(1), false), (json!(2), true)]);
}

pub(crate) fn add_refused(door: &Door) {
    let data = json!({ "queue": "undeclared", "name": "x", "data": {} });
    let value = door.value("add", data);
    assert_eq!(value["error"], "unknown-queue", "{value}");
    let message = value["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("\"undeclared\" is not declared"),
        "{message}"
    );
    let data = json!({ "queue": "other", "name": "x", "data": {}, "id": "7" });
    let value = door.value("add", data);
    assert_eq!(value["error"], "invalid", "{value}");
}

pub(crate) fn children(door: &Door) {
    let value = door.value("children", json!({}));
    let mut values: Vec<u64> = value["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|child| child["n"].as_u64())
        .collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2], "{value}");
    assert_eq!(value["ignored"], json!(["no such user"]), "{value}");
    assert_eq!(value["failed"], json!([]), "{value}");
    assert_eq!(value["counts"][0], 2, "{value}");
    assert_eq!(value["counts"][1], 0, "{value}");
    assert_eq!(value["counts"][3], 1, "{value}");
    assert_eq!(value["attempt"], 1, "{value}");
}

pub(crate) fn failed_child(door: &Door) {
    let ended = door.run("children-fail", json!({}));
    let (id, finished) = (ended.id.clone(), ended.finished.clone());
    let reason = ended.failed();
    assert!(
        reason.contains("child") && reason.contains("failed"),
        "{reason}"
    );
    let retried = door.setup.cli(&["job", "retry", "work", &id]);
    assert_eq!(retried.code, Some(0), "{retried:?}");
    let ended = until("the parent to run again", || {
        let ended = door.ended("work", &id);
        (ended.finished != finished).then_some(ended)
    });
    // It has run again, seen the child, and may not complete without it, as in BullMQ.
    if !ended.completed {
        assert!(ended.reason.contains("failed child"), "{}", ended.reason);
        return;
    }
    let value = ended.value();
    let failed = value["failed"].as_array().map(Vec::len);
    assert_eq!(failed, Some(1), "{value}");
    assert_eq!(value["counts"][2], 1, "{value}");
}

pub(crate) fn remove(door: &Door) {
    let value = door.value("remove-children", json!({}));
    assert_eq!(value, json!({ "before": 1, "after": 0 }));
}

pub(crate) fn update(door: &Door) {
    let ended = door.tries("update", json!({ "updated": false }), 2);
    assert_eq!(ended.value(), json!({ "updated": true }));
}

pub(crate) fn step(door: &Door) {
    let ended = door.tries("step", json!({}), 2);
    assert_eq!(ended.value(), json!({ "step": 1, "attempt": 2 }));
}
