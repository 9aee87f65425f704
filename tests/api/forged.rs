//! Cursors that somebody has made up: they are no secret, and good for nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use runner::verbs::cursor;
use serde_json::{Value, json};

use super::served;
use crate::support::{Api, Redis};

/// The cursor with which a search of all jobs goes on.
fn cursor_of(api: &Api) -> String {
    let text = api.get("/api/search?queue=q&limit=1").body;
    let last = text.as_str().unwrap().lines().last().unwrap().to_owned();
    let end: Value = serde_json::from_str(&last).unwrap();
    end["end"]["cursor"].as_str().unwrap().to_owned()
}

fn read(cursor: &str) -> Value {
    let bytes = BASE64.decode(cursor).unwrap();
    serde_json::from_slice(&bytes[..bytes.len() - 8]).unwrap()
}

// Long because it is a table.
#[test]
fn a_cursor_that_nobody_was_given_is_refused_and_breaks_nothing() {
    let redis = Redis::shared();
    let _: u32 = redis.run(&["HSET", &redis.key("q", "meta"), "version", "bullmq:6"]);
    for id in ["1", "2", "3"] {
        redis.write_job("q", id, "a", "0");
        let _: u32 = redis.run(&["LPUSH", &redis.key("q", "wait"), id]);
        let at = format!("160000000000{id}");
        let _: u32 = redis.run(&["ZADD", &redis.key("q", "completed"), &at, &format!("c{id}")]);
    }
    let setup = served(&redis, "[queues.q]\n");
    let runner = setup.serve();
    let api = runner.api();
    let given = cursor_of(&api);
    let value = read(&given);
    let states = "[\"active\", \"waiting\", \"prioritized\", \"delayed\", \
        \"waiting-children\", \"failed\", \"completed\"]";
    let context = format!("search at once [\"q\"] {states} ");
    // Made as the server makes them, as anybody can: the check is no secret.
    let ask = |value: &Value| {
        let cursor = cursor::seal(&context, value);
        api.get(&format!("/api/search?queue=q&cursor={cursor}"))
    };
    let fine = ask(&value);
    assert_eq!(fine.status, 200, "{fine:?}");
    let with = |path: &str, to: Value| {
        let mut value = value.clone();
        *value.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = to;
        value
    };
    let walk = value["walks"][0].clone();
    for forged in [
        with("/now", json!(u64::MAX)),
        with("/looked", json!(u64::MAX)),
        with("/next", json!(u64::MAX)),
        with("/walks/0/part", json!(7)),
        with("/walks/0/part", json!(u64::MAX)),
        with("/walks/0/place/looked", json!(u64::MAX)),
        with("/walks/0/place/score", json!("nan")),
        with("/walks/0/place/score", json!("1 2")),
        with("/walks/0/place/last", json!(vec!["x"; 100])),
        with("/walks/0/place/steady", json!(vec!["x"; 100])),
        with("/walks", json!(vec![walk; 13])),
        with("/walks", json!("all")),
        json!(null),
        json!({}),
        json!([1, 2, 3]),
    ] {
        let answer = ask(&forged);
        assert_eq!(answer.status, 400, "{forged}: {answer:?}");
        assert_eq!(answer.body["type"], "/problems/invalid-cursor", "{forged}");
    }
    // Odd ones that somebody could have been given.
    for odd in [
        with("/walks/0/place/key", json!(99)),
        with("/walks/0/place/score", json!("-1e300")),
        with("/walks/0/place/looked", json!(1_u64 << 52)),
        with("/walks/0/place/last", json!(["", "\u{0}", "gone"])),
        with("/now", json!(0)),
    ] {
        let answer = ask(&odd);
        assert_eq!(answer.status, 200, "{odd}: {answer:?}");
    }
    // And what is none at all, wherever one is taken.
    let long = "A".repeat(30_000);
    for none in ["x", "%00", "%ff", "e30", "....", &long] {
        for path in [
            "/api/search?queue=q",
            "/api/queues/q/jobs?limit=1",
            "/api/audit?limit=1",
            "/api/dlq/q/letters?limit=1",
        ] {
            let answer = api.get(&format!("{path}&cursor={none}"));
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
        }
    }
    assert_eq!(read(&cursor_of(&api))["looked"], value["looked"]);
}
