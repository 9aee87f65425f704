//! Schedulers without next job: those that lost it go on, others are left alone.

use serde_json::{Value, json};

use super::{
    DAILY, VERSIONS, completed, list, next, now, rearmed, run_of, setup, times, until_completed,
    until_guarded,
};
use crate::support::{Node, Redis, until};

#[test]
fn a_scheduler_that_cannot_be_read_is_told_once_and_left_alone() {
    let redis = Redis::shared();
    let hash = redis.key("q", "repeat:s");
    let past = (now(&redis) - 20_000).to_string();
    redis.run::<()>(&["HSET", &hash, "name", "n", "pattern", "soon", "ic", "1"]);
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &past, "s"]);
    let setup = setup(&redis, "");
    let runner = setup.serve();
    let line = runner.until_logged("a scheduler cannot go on");
    assert!(line.contains("the day of week is"), "{line}");
    until_guarded(&redis, &[&runner], "probe");
    until_guarded(&redis, &[&runner], "again");
    let log = runner.log();
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("cannot go on"))
            .count(),
        1
    );
    assert_eq!(next(&redis, "s").unwrap().to_string(), past);
}

#[test]
fn a_scheduler_that_lost_its_next_job_gets_it_back_once() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let repeat = json!({ "pattern": "0 3 * * *", "tz": "Asia/Tokyo", "limit": 5 });
        let template = json!({ "name": "n", "data": { "a": 1 }, "opts": { "attempts": 3 } });
        node.queue("q", "upsertJobScheduler", json!(["s", repeat, template]));
        let setup = setup(&redis, "");
        let one = setup.serve();
        let two = setup.serve();
        let run = run_of(&redis, "s");
        let before = node.job("q", &run);
        let mut connection = redis.connect();
        redis::pipe()
            .atomic()
            .cmd("ZREM")
            .arg(redis.key("q", "delayed"))
            .arg(&run)
            .cmd("DEL")
            .arg(redis.key("q", &run))
            .query::<()>(&mut connection)
            .unwrap();
        redis.until_count("q", "delayed", 1);
        let after = node.job("q", &run);
        assert_eq!(after["state"], "delayed");
        for field in ["name", "data", "priority"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        // npm writes an offset of null beside a pattern.
        let known = |job: &Value| {
            let mut repeat = job["opts"]["repeat"].as_object().unwrap().clone();
            repeat.retain(|_, value| !value.is_null());
            repeat
        };
        assert_eq!(known(&after), known(&before));
        for field in ["attempts", "prevMillis", "repeatJobKey"] {
            assert_eq!(after["opts"][field], before["opts"][field], "{field}");
        }
        until_guarded(&redis, &[&one, &two], "probe");
        until_guarded(&redis, &[&one, &two], "again");
        assert_eq!(rearmed(&[&one, &two], "s"), 1);
    }
}

#[test]
fn a_scheduler_whose_last_job_ended_without_making_the_next_goes_on_and_counts_the_missed() {
    let redis = Redis::shared();
    let past = now(&redis) - 10_500;
    let hash = redis.key("q", "repeat:s");
    redis.run::<()>(&[
        "HSET", &hash, "name", "n", "every", "1000", "ic", "3", "data", "{}",
    ]);
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &past.to_string(), "s"]);
    let setup = setup(&redis, "");
    let runner = setup.serve();
    let ids = until_completed(&redis, "s", 2);
    assert!(times(&ids)[0] > past + 10_000, "{ids:?}");
    runner.until_logged("lost its next job");
    let rows = list(&setup);
    assert!(rows[0]["missed"].as_i64() >= Some(10), "{rows:?}");
    assert_eq!(rows[0]["every"], 1000);
}

#[test]
fn an_ended_schedule_is_not_given_another_job() {
    let redis = Redis::shared();
    let schedules =
        "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"50ms\"\nlimit = 3\n";
    let setup = setup(&redis, schedules);
    let runner = setup.serve();
    until_completed(&redis, "s", 3);
    until_guarded(&redis, &[&runner], "probe");
    assert_eq!(completed(&redis, "s").len(), 3);
    assert_eq!(rearmed(&[&runner], "s"), 0);
    let rows = list(&setup);
    let row = rows.iter().find(|row| row["id"] == "s").unwrap();
    assert_eq!(
        (&row["state"], &row["next"]),
        (&json!("ended"), &Value::Null)
    );
}

#[test]
fn a_lost_job_is_found_among_many_schedulers() {
    let redis = Redis::shared();
    let mut connection = redis.connect();
    let later = now(&redis) + 3_600_000;
    let mut pipe = redis::pipe();
    for n in 0..2500 {
        let (id, at) = (format!("s{n}"), later + n);
        let run = format!("repeat:{id}:{at}");
        let hash = redis.key("q", &format!("repeat:{id}"));
        pipe.cmd("HSET")
            .arg(hash)
            .arg(&["name", "n", "every", "3600000", "ic", "1"]);
        pipe.cmd("ZADD")
            .arg(redis.key("q", "repeat"))
            .arg(at)
            .arg(&id);
        pipe.cmd("ZADD")
            .arg(redis.key("q", "delayed"))
            .arg(at * 4096)
            .arg(&run);
        pipe.cmd("HSET")
            .arg(redis.key("q", &run))
            .arg(&["name", "n", "rjk", &id]);
    }
    pipe.query::<()>(&mut connection).unwrap();
    for id in ["s3", "s1700", "s2499"] {
        redis.run::<()>(&["ZREM", &redis.key("q", "delayed"), &run_of(&redis, id)]);
        redis.run::<()>(&["DEL", &redis.key("q", &run_of(&redis, id))]);
    }
    let setup = setup(&redis, DAILY);
    let runner = setup.serve();
    for id in ["s3", "s1700", "s2499"] {
        until(&format!("{id} to go on"), || {
            (rearmed(&[&runner], id) == 1).then_some(())
        });
    }
    // And the declared one.
    redis.until_count("q", "delayed", 2501);
}
