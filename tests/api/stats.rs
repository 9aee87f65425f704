//! `GET /api/jobs/stats` and `/metrics` of many queues: who may, and how little of Redis
//! they take.

use std::fmt::Write;
use std::time::Instant;

use serde_json::json;

use super::access::{ask, detail, guarded, secret, token, tokens};
use super::served;
use crate::support::{Redis, Setup};

const QUEUES: usize = 200;

/// A server with many queues, each with a few jobs, that nobody consumes.
fn many(redis: &Redis) -> Setup {
    let mut toml = String::new();
    for n in 0..QUEUES {
        writeln!(toml, "[queues.q{n}]").unwrap();
    }
    let fill = "for n = 0, ARGV[1] - 1 do
          local base = KEYS[1] .. 'q' .. n .. ':'
          redis.call('HSET', base .. 'meta', 'version', 'bullmq:6')
          redis.call('RPUSH', base .. 'wait', '1', '2')
          redis.call('RPUSH', base .. 'active', '3')
          redis.call('ZADD', base .. 'failed', n, '4')
        end
        return 1";
    let base = format!("{}:", redis.prefix());
    let _: u32 = redis.run(&["EVAL", fill, "1", &base, &QUEUES.to_string()]);
    served(redis, &toml)
}

/// How often each of these commands was called while something was asked. Others talk to
/// Redis meanwhile: what was least of some tries is what it takes.
fn calls(redis: &Redis, names: &[&str], mut ask: impl FnMut()) -> Vec<u64> {
    let tries = (0..5).map(|_| {
        let _: String = redis.run(&["CONFIG", "RESETSTAT"]);
        ask();
        let stats: String = redis.run(&["INFO", "commandstats"]);
        let count = |name: &&str| {
            let start = format!("cmdstat_{name}:calls=");
            let line = stats.lines().find_map(|line| line.strip_prefix(&start));
            let count = line.and_then(|line| line.split(',').next());
            count.map_or(0, |count| count.parse::<u64>().unwrap())
        };
        names.iter().map(count).collect::<Vec<u64>>()
    });
    tries
        .min_by_key(|counts| counts.iter().sum::<u64>())
        .unwrap()
}

#[test]
fn all_queues_are_counted_in_a_few_calls() {
    let redis = Redis::own();
    let setup = many(&redis);
    let runner = setup.serve();
    let api = runner.api();
    let mut last = json!(null);
    let names = ["evalsha", "llen", "zcard", "hexists"];
    let counts = calls(&redis, &names, || last = api.get("/api/jobs/stats").body);
    assert_eq!(last.as_object().unwrap().len(), QUEUES);
    let one = api.get("/api/jobs/stats/q7").body;
    assert_eq!((&last["q7"], &one["waiting"]), (&one, &json!(2)));
    assert_eq!(one["active"], 1);
    // Three scripts, and no command beside those that they call.
    assert_eq!(counts, [3, 3 * 200, 5 * 200, 0]);
}

#[test]
fn a_scrape_of_many_queues_takes_few_calls_and_little_time() {
    let redis = Redis::own();
    let setup = many(&redis);
    let runner = setup.serve();
    let api = runner.api();
    let mut page = json!(null);
    let mut took = Vec::new();
    let names = [
        "evalsha",
        "eval",
        "info",
        "client|list",
        "hmget",
        "get",
        "zrange",
    ];
    let counts = calls(&redis, &names, || {
        let begun = Instant::now();
        page = api.get("/metrics").body;
        took.push(begun.elapsed());
    });
    let page = page.as_str().unwrap();
    assert!(page.contains("\nqueue_depth{queue=\"q7\"} 2\n"), "{page}");
    // The scripts read `meta` of each queue and nothing else by itself.
    let own: u64 = counts[..4].iter().sum();
    assert!(own <= 5, "{counts:?}");
    assert_eq!(counts[4..], [200, 0, 0], "{counts:?}");
    // 20 ms are allowed to what is shipped; `benches/metrics.mjs` measures that.
    let quickest = took.iter().min().unwrap();
    assert!(quickest.as_millis() < 200, "{took:?}");
}

#[test]
fn who_may_not_see_all_queues_does_not_see_how_much_they_hold() {
    let redis = Redis::shared();
    let mine = token("own", "role = \"admin\"\nqueues = [\"my-*\"]");
    let toml = format!("{}{mine}[queues.my-one]\n[queues.other]\n", tokens());
    let (_setup, runner) = guarded(&redis, &toml);
    let path = "/api/jobs/stats";
    let nobody = runner.api().get(path);
    let needs = "this needs credentials: send Authorization: Bearer and a token";
    assert_eq!((nobody.status, detail(&nobody)), (401, needs));
    let wrong = ask(&runner, "nobody", "GET", path);
    assert_eq!(
        (wrong.status, detail(&wrong)),
        (401, "this token is not accepted")
    );
    for role in ["viewer", "operator"] {
        let low = ask(&runner, role, "GET", path);
        assert_eq!(
            (low.status, detail(&low)),
            (403, "this needs the role admin")
        );
    }
    let own = ask(&runner, "own", "GET", path);
    let names = own.body.as_object().unwrap().keys();
    assert_eq!(names.collect::<Vec<_>>(), ["my-one"]);
    let admin = ask(&runner, "admin", "GET", path);
    assert_eq!(admin.body.as_object().unwrap().len(), 2);
    assert!(!admin.body.to_string().contains(&secret("admin")));
}
