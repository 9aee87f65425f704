//! `GET /api/search`: what is found, how it is told, and how it goes on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::served;
use crate::support::api::answer;
use crate::support::{Api, Redis};

/// Jobs `wait1`, `wait2`, … in the list or set, all within Redis.
fn fill(redis: &Redis, queue: &str, key: &str, count: u32) {
    let script = "local base = KEYS[1]
        for i = 1, tonumber(ARGV[2]) do
          local id = ARGV[1] .. i
          redis.call('HSET', base .. id, 'name', i % 2 == 0 and 'even' or 'odd', 'opts', '{}',
            'data', '{\"n\":' .. i .. ',\"to\":\"user' .. i .. '@example.com\"}',
            'timestamp', 1600000000000 + i)
          if ARGV[1] == 'wait' then
            redis.call('LPUSH', base .. ARGV[1], id)
          else
            redis.call('HSET', base .. id, 'finishedOn', 1600000000000 + i)
            redis.call('ZADD', base .. ARGV[1], 1600000000000 + i, id)
          end
        end
        redis.call('HSET', base .. 'meta', 'version', 'bullmq:6')
        return 1";
    let base = redis.key(queue, "");
    let _: u32 = redis.run(&["EVAL", script, "1", &base, key, &count.to_string()]);
}

/// The lines of a search, and how it ended.
fn search(api: &Api, query: &str) -> (Vec<Value>, Value) {
    let response = api.request("GET", &format!("/api/search?{query}"));
    let response = response.send().expect("the server answers");
    assert_eq!(response.status(), 200, "{query}");
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let end = lines.pop().expect("a last line");
    lines.retain(|line| line.get("progress").is_none());
    let jobs = lines.into_iter().map(|line| line["job"].clone());
    (jobs.collect(), end["end"].clone())
}

fn ids(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[test]
fn a_search_goes_through_all_queues_and_says_how_far_it_came() {
    let redis = Redis::shared();
    fill(&redis, "a", "wait", 450);
    fill(&redis, "b", "failed", 3);
    let field = |queue: &str, id: &str, field: &str, value: &str| {
        let _: u32 = redis.run(&["HSET", &redis.key(queue, id), field, value]);
    };
    field("b", "failed2", "failedReason", "Timed out");
    field("b", "failed2", "data", "{\n \"n\": 9007199254740993}");
    let setup = served(&redis, "[queues.a]\n");
    let runner = setup.serve();
    let api = runner.api();
    let (jobs, end) = search(&api, "q=data.to:user44@*+data.n:<45");
    assert_eq!(ids(&jobs), ["wait44"]);
    let job = &jobs[0];
    assert_eq!(
        json!([
            job["id"],
            job["queue"],
            job["name"],
            job["state"],
            job["data"],
            job["timestamp"]
        ]),
        json!([
            "wait44", "a", "even", "waiting", {"n": 44, "to": "user44@example.com"},
            1_600_000_000_044_u64
        ])
    );
    assert_eq!(
        end,
        json!({"lookedAt": 453, "total": 453, "found": 1, "cursor": null})
    );
    let (jobs, end) = search(&api, "queue=b,a*&q=error:timed");
    assert_eq!(ids(&jobs), ["failed2"]);
    assert_eq!(end["total"], 453);
    let (jobs, _) = search(&api, "queue=b&q=data.n:>9007199254740992");
    assert_eq!(ids(&jobs), ["failed2"]);
    // Only these are asked for, and only the newest are looked at.
    let (jobs, end) = search(&api, "q=id:wait7,failed1,nine");
    assert_eq!(
        (ids(&jobs), &end["lookedAt"]),
        (vec!["wait7", "failed1"], &json!(6))
    );
    let (jobs, end) = search(&api, "queue=b&q=since:2020-09-13T12:26:40.002Z");
    assert_eq!(
        (ids(&jobs), &end["total"]),
        (vec!["failed3", "failed2"], &json!(2))
    );
    let (jobs, end) = search(&api, "queue=b&q=until:2020-09-13T12:26:40.001Z");
    assert_eq!((ids(&jobs), &end["total"]), (vec!["failed1"], &json!(1)));
    let (jobs, end) = search(&api, "q=nowhere&scan=100");
    assert_eq!((jobs.len(), &end["lookedAt"]), (0, &json!(100)));
    assert!(end["cursor"].is_string(), "{end}");
}

#[test]
fn a_search_is_told_as_a_document_or_as_events_to_who_asks_so() {
    let redis = Redis::shared();
    fill(&redis, "q", "failed", 3);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let ask = |accept: &str| {
        let request = api.request("GET", "/api/search?queue=q&q=name:odd&limit=1");
        request.header("accept", accept)
    };
    let document = answer(ask("application/json")).body;
    assert_eq!(document["jobs"][0]["id"], "failed3");
    assert_eq!(
        (&document["lookedAt"], &document["total"]),
        (&json!(1), &json!(3))
    );
    let response = ask("text/event-stream").send().unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("event: "));
    assert_eq!(events.collect::<Vec<_>>(), ["progress", "job", "end"]);
}

#[test]
fn what_is_behind_many_jobs_of_another_state_is_found_soon() {
    let redis = Redis::shared();
    fill(&redis, "q", "wait", 20_000);
    fill(&redis, "q", "completed", 20_000);
    fill(&redis, "q", "failed", 1_000);
    let reason = redis.key("q", "failed1");
    let _: u32 = redis.run(&["HSET", &reason, "failedReason", "Timed out"]);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let response = api.request("GET", "/api/search?queue=q&q=error:timed&limit=1");
    let text = response.send().unwrap().text().unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let begun = json!({"progress": {"lookedAt": 0, "total": 41_000, "found": 0}});
    assert_eq!(first, begun);
    // The failed ones have half of what is looked at, or more: 41 000 are not.
    let (jobs, end) = search(&api, "queue=q&q=error:timed&limit=1");
    assert_eq!(ids(&jobs), ["failed1"]);
    let looked = end["lookedAt"].as_u64().unwrap();
    assert!((1_000..4_000).contains(&looked), "{end}");
    assert!(end["cursor"].is_string(), "{end}");
}

#[test]
fn a_job_that_ends_while_a_search_goes_on_is_met() {
    let redis = Redis::shared();
    fill(&redis, "q", "wait", 600);
    fill(&redis, "q", "completed", 3);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let (mut jobs, end) = search(&api, "queue=q&q=data.n:>590&scan=100");
    assert_eq!(ids(&jobs), Vec::<&str>::new());
    // All that wait are run before they are looked at.
    let script = "local base, now = KEYS[1], redis.call('TIME')
        for i = 1, 600 do
          local id = redis.call('RPOP', base .. 'wait')
          redis.call('ZADD', base .. 'completed', now[1] * 1000 + 1000 + i, id)
        end
        return 1";
    let _: u32 = redis.run(&["EVAL", script, "1", &redis.key("q", "")]);
    let mut cursor = end["cursor"].as_str().map(str::to_owned);
    while let Some(from) = cursor {
        let query = format!("queue=q&q=data.n:>590&scan=200&cursor={from}");
        let (more, end) = search(&api, &query);
        jobs.extend(more);
        cursor = end["cursor"].as_str().map(str::to_owned);
    }
    let found: BTreeSet<&str> = ids(&jobs).into_iter().collect();
    assert_eq!((found.len(), jobs.len()), (10, 10), "{jobs:?}");
}

#[test]
fn a_search_goes_on_behind_what_it_has_seen_while_jobs_come_and_go() {
    let redis = Redis::shared();
    fill(&redis, "q", "wait", 1000);
    fill(&redis, "q", "completed", 500);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let wait = redis.key("q", "wait");
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for round in 0.. {
        let (jobs, end) = search(&api, &format!("queue=q&limit=130{cursor}"));
        seen.extend(ids(&jobs).into_iter().map(str::to_owned));
        match end["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        // Some are taken, one in the middle is removed, and some are added.
        let waited = jobs.iter().filter(|job| job["state"] == "waiting").count() / 2;
        let _: redis::Value = redis.run(&["RPOP", &wait, &waited.to_string()]);
        let removed = seen[seen.len() - 1].clone();
        let _: u32 = redis.run(&["LREM", &wait, "1", &removed]);
        let _: u32 = redis.run(&["ZREM", &redis.key("q", "completed"), &removed]);
        let _: u32 = redis.run(&["LPUSH", &wait, &format!("new{round}")]);
    }
    let once: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "nothing is told twice");
    // Those that are taken were seen, so that none is missed.
    for n in 1..=1000 {
        assert!(once.contains(&format!("wait{n}")), "wait{n}");
    }
    for n in 1..=500 {
        assert!(once.contains(&format!("completed{n}")), "completed{n}");
    }
}

#[test]
fn what_cannot_be_searched_is_told_with_its_place() {
    let redis = Redis::shared();
    fill(&redis, "q", "wait", 3);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let (_, end) = search(&api, "queue=q&limit=1");
    let cursor = end["cursor"].as_str().unwrap();
    let forged = format!("f{}", &cursor[1..]);
    let no_cursor = "the cursor is not one of this question: it was changed, or made for another \
                     queue or filter; begin without a cursor";
    for (query, status, kind, detail) in [
        (
            "q=stat:failed".to_owned(),
            400,
            "invalid-filter",
            "query, character 1: \"stat:\" is no term; did you mean \"state:\"? To look for the \
             text, quote it: \"stat:failed\"",
        ),
        (
            format!("queue=q&cursor={forged}"),
            400,
            "invalid-cursor",
            no_cursor,
        ),
        (
            format!("queue=q&q=x&cursor={cursor}"),
            400,
            "invalid-cursor",
            no_cursor,
        ),
        (
            "limit=0".to_owned(),
            400,
            "invalid-request",
            "limit=0 is out of bounds; it is 1 to 1000",
        ),
        (
            "scan=0".to_owned(),
            400,
            "invalid-request",
            "scan=0 is out of bounds; it is 1 to 10000000",
        ),
        (
            "time=2m".to_owned(),
            400,
            "invalid-request",
            "time=\"2m\" is no duration of 1ms to 60s, such as 5s",
        ),
    ] {
        let refused = api.get(&format!("/api/search?{query}"));
        assert_eq!(refused.status, status, "{query}: {refused:?}");
        assert_eq!(refused.body["type"], format!("/problems/{kind}"), "{query}");
        assert_eq!(refused.body["detail"], detail, "{query}");
    }
    assert_eq!(api.get("/api/search?queue=qq").status, 404);
    assert_eq!(api.get("/api/search?what=q").status, 400);
}
