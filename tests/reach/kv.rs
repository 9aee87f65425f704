//! `runner:plugin/kv`: in Redis, and by the same rules in a trial.

use runner::config::{Kv, Plugin};
use runner::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::runner::with_redis;
use crate::support::sandbox::Sandbox;
use crate::support::{Redis, Runner, Setup, guest, until};

const TOML: &str = "[queues.work]\nplugin = \"work\"\n[plugins.work]\nkv = ";

fn serve(redis: &Redis, kv: &str) -> (Setup, Runner) {
    let setup = Setup::new(redis, &format!("{TOML}{kv}\n")).plugin("work", &guest("values"));
    let runner = setup.serve();
    (setup, runner)
}

/// What a job got for these calls.
#[track_caller]
fn asks(redis: &Redis, queue: &str, calls: Value) -> Value {
    ended(redis, queue, json!({ "calls": calls }))
}

#[track_caller]
fn ended(redis: &Redis, queue: &str, data: Value) -> Value {
    let id = redis.add(queue, "ask", data.to_string(), "{}");
    assert_eq!(redis.until_ended(queue, &id), "completed");
    let value = redis.field(queue, &id, "returnvalue").unwrap();
    serde_json::from_str(&value).unwrap()
}

/// The same in a trial.
#[track_caller]
fn tries(sandbox: &Sandbox, calls: Value) -> Value {
    match sandbox.run("ask", &json!({ "calls": calls }).to_string()) {
        Outcome::Completed(value) => serde_json::from_str(&value).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn granted(max_keys: usize, max_bytes: usize) -> Sandbox {
    let kv = Kv {
        max_keys,
        max_bytes,
    };
    let grants = Plugin {
        kv: Some(kv),
        ..Plugin::default()
    };
    Sandbox::granted(&guest("values"), grants)
}

// Long because it is one list.
/// Calls with their answers, one after the other.
fn story() -> Vec<(Value, Value)> {
    vec![
        (json!(["get", "a"]), json!(null)),
        (json!(["set", "a", "one"]), json!("set")),
        (json!(["get", "a"]), json!(["one", null])),
        (json!(["set", "a", ""]), json!("set")),
        (json!(["get", "a"]), json!(["", null])),
        (json!(["swap", "a", null, "x"]), json!(false)),
        (json!(["swap", "a", "one", "x"]), json!(false)),
        (json!(["swap", "a", "", "two"]), json!(true)),
        (json!(["swap", "b", "two", "x"]), json!(false)),
        (json!(["swap", "b", null, "x"]), json!(true)),
        (json!(["swap", "b", "x", null]), json!(true)),
        (json!(["swap", "b", null, null]), json!(true)),
        (json!(["get", "b"]), json!(null)),
        (
            json!(["add", "n", 9007199254740993_i64]),
            json!(9007199254740993_i64),
        ),
        (json!(["add", "n", -3]), json!(9007199254740990_i64)),
        (json!(["get", "n"]), json!(["9007199254740990", null])),
        (json!(["set", "n", i64::MAX.to_string()]), json!("set")),
        (
            json!(["add", "n", 1]),
            json!({"invalid": "the sum at key \"n\" does not fit into 64 bits"}),
        ),
        (json!(["add", "n", -1]), json!(i64::MAX - 1)),
        (
            json!(["add", "a", 1]),
            json!({"invalid": "the key \"a\" holds no integer"}),
        ),
        (json!(["get", "a"]), json!(["two", null])),
        (json!(["expire", "none", 60_000]), json!(false)),
        (json!(["expire", "a", 1]), json!(true)),
        (json!(["set", "é/\u{0}\"", "odd"]), json!("set")),
        (json!(["get", "é/\u{0}\""]), json!(["odd", null])),
        (json!(["delete", "é/\u{0}\""]), json!(true)),
        (json!(["delete", "é/\u{0}\""]), json!(false)),
        (json!(["set", "list/1", "x"]), json!("set")),
        (json!(["set", "list/2", "x"]), json!("set")),
        (json!(["set", "list/10", "x"]), json!("set")),
        (json!(["set", "listen", "x"]), json!("set")),
        (
            json!(["list", "list/", null, 2]),
            json!([["list/1", "list/10"], "list/10"]),
        ),
        (
            json!(["list", "list/", "list/10", 2]),
            json!([["list/2"], null]),
        ),
        (json!(["list", "none", null]), json!([[], null])),
        (
            json!(["set", "", "x"]),
            json!({"invalid": "the key has 0 bytes; it must have 1 to 512"}),
        ),
        (
            json!(["get", 513]),
            json!({"invalid": "the key has 513 bytes; it must have 1 to 512"}),
        ),
        (json!(["set", 512, 1 << 20]), json!("set")),
        (json!(["delete", 512]), json!(true)),
        (
            json!(["set", "a", (1 << 20) + 1]),
            json!({"invalid": "the value of key \"a\" has 1048577 bytes; a value has at most 1048576"}),
        ),
        (
            json!(["set", "a", "x", 0]),
            json!({"invalid": "the ttl of key \"a\" is 0; it must be 1 ms or more"}),
        ),
        (
            json!(["list", "list", null, 1001]),
            json!({"invalid": "the limit is 1001; a page has 1 to 1000 keys"}),
        ),
        (
            json!(["list", "list", "other", 10]),
            json!({"invalid": "the cursor is none of the keys that begin with \"list\""}),
        ),
    ]
}

#[test]
fn each_call_answers_alike_in_redis_and_in_a_trial() {
    let (calls, expected): (Vec<Value>, Vec<Value>) = story().into_iter().unzip();
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "true");
    let in_redis = asks(&redis, "work", json!(calls));
    let in_trial = tries(&granted(1000, 64 << 20), json!(calls));
    for (at, (call, expected)) in calls.iter().zip(&expected).enumerate() {
        assert_eq!(&in_redis[at], expected, "{call} in Redis");
        assert_eq!(&in_trial[at], expected, "{call} in a trial");
    }
}

#[test]
fn a_key_ends_when_its_time_is_over_and_an_increment_does_not_extend_it() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "true");
    let sandbox = granted(1000, 1 << 20);
    let calls = json!([
        ["set", "short", "x", 1500],
        ["add", "window", 1, 1500],
        ["add", "window", 1, 60_000],
        ["set", "long", "x", 60_000],
        ["get", "long"]
    ]);
    for made in [asks(&redis, "work", calls.clone()), tries(&sandbox, calls)] {
        assert_eq!(made[2], 2);
        let left = made[4][1].as_u64().unwrap();
        assert!((50_000..=60_000).contains(&left), "{left}");
    }
    let look = || json!([["get", "short"], ["get", "window"], ["list", "", null]]);
    let gone = json!([null, null, [["long"], null]]);
    until("the keys to end in Redis", || {
        (asks(&redis, "work", look()) == gone).then_some(())
    });
    until("the keys to end in the trial", || {
        (tries(&sandbox, look()) == gone).then_some(())
    });
    let again = json!([["add", "window", 1, 60_000]]);
    assert_eq!(asks(&redis, "work", again.clone()), json!([1]));
    assert_eq!(tries(&sandbox, again), json!([1]));
    // Everything ends now, so Redis would remove it without anybody's help.
    let ends: i64 = redis.run(&["PTTL", &redis.key("work", "runner:kv:work")]);
    assert!((1..=60_001).contains(&ends), "{ends}");
}

#[test]
fn limits_are_of_the_plugin_in_one_queue_and_name_their_key() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "{ max_keys = 2, max_bytes = \"100B\" }");
    let sandbox = granted(2, 100);
    let calls = json!([
        ["set", "a", "x"],
        ["set", "b", "x"],
        ["set", "c", "x"],
        ["add", "c", 1],
        ["set", "a", 98],
        ["set", "a", 97],
        ["set", "b", ""],
        ["delete", "a"],
        ["set", "c", "x"],
        ["get", "a"]
    ]);
    let keys = json!({"limit": "the key \"c\" is one too many: the plugin may have 2 keys in this queue (kv.max_keys)"});
    let bytes = json!({"limit": "the value of key \"a\" does not fit: the plugin may have 100 bytes of keys and values in this queue (kv.max_bytes)"});
    let expected = json!([
        "set", "set", keys, keys, bytes, "set", "set", true, "set", null
    ]);
    assert_eq!(asks(&redis, "work", calls.clone()), expected);
    assert_eq!(tries(&sandbox, calls), expected);
}

#[test]
fn keys_that_have_ended_make_room() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "{ max_keys = 40 }");
    let short: Vec<Value> = (0..39)
        .map(|n| json!(["set", format!("s{n}"), "x", 30]))
        .collect();
    asks(&redis, "work", json!([["set", "stays", "x"]]));
    asks(&redis, "work", json!(short));
    let call = json!([["set", "new", "x"]]);
    until("room", || {
        (asks(&redis, "work", call.clone()) == json!(["set"])).then_some(())
    });
    let look = json!([["set", "other", "x"], ["list", "", null]]);
    let expected = json!(["set", [["new", "other", "stays"], null]]);
    until("only what stays", || {
        (asks(&redis, "work", look.clone()) == expected).then_some(())
    });
}

#[test]
fn what_is_not_granted_is_denied_and_a_reload_grants_it() {
    let redis = Redis::shared();
    let (setup, _runner) = serve(&redis, "false");
    let denied = "the plugin \"work\" is not granted kv; `kv = true` under [plugins.work] of \
                  queues.toml grants it";
    let calls = json!([["get", "a"], ["set", "a", "x"], ["list", "", null]]);
    let expected = json!([{"denied": denied}, {"denied": denied}, {"denied": denied}]);
    assert_eq!(asks(&redis, "work", calls.clone()), expected);
    setup.write(&with_redis(&redis, &format!("{TOML}true\n")));
    until("the grant", || {
        (asks(&redis, "work", calls.clone())[1] == "set").then_some(())
    });
}

#[test]
fn plugins_and_queues_do_not_see_each_others_keys_and_they_go_with_the_queue() {
    let redis = Redis::shared();
    let toml = "[queues.one]\nplugin = \"work\"\n[queues.two]\nplugin = \"work\"\n\
                [queues.one.jobs.other]\nplugin = \"other\"\n\
                [plugins.work]\nkv = true\n[plugins.other]\nkv = true\n";
    let setup = Setup::new(&redis, toml)
        .plugin("work", &guest("values"))
        .plugin("other", &guest("values"));
    let mut runner = setup.serve();
    let look = || json!([["get", "a"], ["list", "", null]]);
    asks(&redis, "one", json!([["set", "a", "x"]]));
    assert_eq!(asks(&redis, "two", look()), json!([null, [[], null]]));
    let id = redis.add("one", "other", json!({"calls": look()}).to_string(), "{}");
    assert_eq!(redis.until_ended("one", &id), "completed");
    let value = redis.field("one", &id, "returnvalue");
    assert_eq!(value.as_deref(), Some("[null,[[],null]]"));
    assert!(runner.stop().success());
    let ended = setup.cli(&["queue", "obliterate", "one", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let left: Vec<String> = redis.run(&["KEYS", &redis.key("one", "*")]);
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_job_that_has_lost_its_lock_writes_nothing_more() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "true");
    let id = redis.add("work", "ask", r#"{"insist":true}"#, "{}");
    let values = redis.key("work", "runner:kv:work");
    until("a write", || {
        let held: Option<String> = redis.run(&["HGET", &values, "insisted"]);
        held
    });
    let () = redis.run(&["SET", &redis.key("work", &format!("{id}:lock")), "somebody"]);
    // A write that was on its way is before the next one.
    until("the values to stay away", || {
        let () = redis.run(&["DEL", &values]);
        let there = (0..20).any(|_| redis.run::<u64>(&["EXISTS", &values]) == 1);
        (!there).then_some(())
    });
    assert_eq!(
        asks(&redis, "work", json!([["get", "insisted"]])),
        json!([null])
    );
}

#[test]
fn concurrent_jobs_count_exactly() {
    let redis = Redis::shared();
    let (_setup, _runner) = serve(&redis, "true");
    let data = json!({"calls": [["add", "n", 1]], "times": 20}).to_string();
    for _ in 0..50 {
        redis.add("work", "ask", &data, "{}");
    }
    redis.until_count("work", "completed", 50);
    let answers = asks(&redis, "work", json!([["get", "n"]]));
    assert_eq!(answers, json!([["1000", null]]));
}

#[test]
fn the_record_has_what_was_asked_but_neither_values_nor_whole_keys() {
    let redis = Redis::shared();
    let (setup, _runner) = serve(&redis, "true");
    let calls = json!([
        ["set", "sent/+4917012345", "v4lue"],
        ["get", "plain-n4me"],
        ["add", "sent/+4917012345", 1]
    ]);
    asks(&redis, "work", calls);
    let record = setup.cli(&["job", "get", "work", "1", "--json"]).stdout;
    let record: Value = serde_json::from_str(&record).unwrap();
    let calls = calls_in(&record);
    let asked: Vec<[&str; 4]> = calls
        .iter()
        .map(|call| ["kind", "method", "target", "outcome"].map(|of| call[of].as_str().unwrap()))
        .collect();
    let expected = [
        ["kv", "set", "sent/", "ok"],
        ["kv", "get", "*", "ok"],
        ["kv", "increment", "sent/", "invalid"],
    ];
    assert_eq!(asked, expected);
}

/// The calls of the last attempt.
fn calls_in(record: &Value) -> Vec<Value> {
    match record {
        Value::Object(fields) => match &fields.get("calls") {
            Some(Value::Array(calls)) if calls.iter().all(Value::is_object) => calls.clone(),
            _ => fields.values().flat_map(calls_in).collect(),
        },
        Value::Array(items) => items.iter().flat_map(calls_in).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn redis_that_is_gone_is_unavailable() {
    let mut redis = Redis::own();
    let (_setup, _runner) = serve(&redis, "true");
    let id = redis.add("work", "ask", r#"{"insist":true}"#, "{}");
    let values = redis.key("work", "runner:kv:work");
    until("a write", || {
        let held: Option<String> = redis.run(&["HGET", &values, "insisted"]);
        held
    });
    redis.kill();
    redis.start();
    assert_eq!(redis.until_ended("work", &id), "completed");
    let value = redis.field("work", &id, "returnvalue").unwrap();
    let expected = format!(
        r#"[{{"unavailable":"Redis at 127.0.0.1:{} cannot be reached: "#,
        redis.port()
    );
    assert!(value.starts_with(&expected), "{value}");
}
