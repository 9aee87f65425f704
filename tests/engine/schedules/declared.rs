//! What `[[schedules]]` declares, in Redis and beside npm.

use serde_json::json;

use super::{
    DAILY, VERSIONS, completed, hash, list, next, now, run_of, setup, times, toml, until_completed,
    until_guarded, until_next,
};
use crate::support::{Node, Redis, Runner, until};

#[test]
fn node_sees_a_declared_schedule_as_its_own() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let setup = setup(&redis, DAILY);
        let _runner = setup.serve();
        let run = run_of(&redis, "q/cleanup");
        let known = node.queue("q", "getJobSchedulers", json!([]));
        let known = &known[0];
        assert_eq!(known["key"], "q/cleanup");
        assert_eq!(known["name"], "cleanup");
        assert_eq!(known["pattern"], "0 3 * * *");
        assert_eq!(known["tz"], "Europe/Berlin");
        assert_eq!(known["template"]["data"], json!({ "days": 30 }));
        assert_eq!(known["template"]["opts"]["attempts"], 4);
        let job = node.job("q", &run);
        assert_eq!(job["state"], "delayed");
        assert_eq!(job["data"], json!({ "days": 30 }));
        assert_eq!(job["priority"], 2);
        // The next time is the one that npm computes for the same schedule.
        let repeat = json!({ "pattern": "0 3 * * *", "tz": "Europe/Berlin" });
        node.queue(
            "q",
            "upsertJobScheduler",
            json!(["theirs", repeat, { "name": "cleanup" }]),
        );
        assert_eq!(next(&redis, "theirs"), next(&redis, "q/cleanup"));
        let board = node.call("board", json!({ "queue": "q", "status": "delayed" }));
        assert_eq!(board["counts"]["delayed"], 2);
        let rows = list(&setup);
        let by: Vec<_> = rows
            .iter()
            .map(|row| (&row["id"], &row["declared"]))
            .collect();
        assert!(by.contains(&(&json!("q/cleanup"), &json!(true))), "{by:?}");
        assert!(by.contains(&(&json!("theirs"), &json!(false))), "{by:?}");
    }
}

#[test]
fn a_restart_does_not_touch_an_unchanged_schedule_and_an_edit_changes_it() {
    let redis = Redis::shared();
    let setup = setup(&redis, DAILY);
    let mut runner = setup.serve();
    let run = run_of(&redis, "q/cleanup");
    let all = |run: &str| -> (Vec<String>, Vec<String>) {
        let job = redis.run(&["HGETALL", &redis.key("q", run)]);
        (
            job,
            redis.run(&["HGETALL", &redis.key("q", "repeat:q/cleanup")]),
        )
    };
    let before = all(&run);
    runner.stop();
    let runner = setup.serve();
    // Declared after it, so done with the one before.
    setup.write(&toml(
        &redis,
        &format!("{DAILY}[[schedules]]\nqueue=\"q\"\nname=\"b\"\nevery=\"1h\"\n"),
    ));
    until_next(&redis, "q/b");
    assert_eq!(all(&run), before);
    let changed = DAILY.replace("0 3", "30 4").replace("30 }", "7 }");
    setup.write(&toml(&redis, &changed));
    until("the edit", || {
        (hash(&redis, "q/cleanup")["pattern"] == "30 4 * * *").then_some(())
    });
    let edited = run_of(&redis, "q/cleanup");
    assert_ne!(edited, run);
    assert_eq!(redis.field("q", &edited, "data").unwrap(), r#"{"days":7}"#);
    assert_eq!(redis.field("q", &run, "name"), None);
    until("the removal", || {
        next(&redis, "q/b").is_none().then_some(())
    });
    runner.until_logged("schedules were written");
    // With its queue a schedule goes, too.
    let (url, prefix) = (redis.url(), redis.prefix());
    setup.write(&format!(
        "[redis]\nurl = {url:?}\nprefix = {prefix:?}\n[queues.other]\n"
    ));
    until("the removal of the queue", || {
        next(&redis, "q/cleanup").is_none().then_some(())
    });
    assert_eq!(redis.count("q", "delayed"), 0);
}

#[test]
fn an_edit_of_the_payload_does_not_begin_the_interval_anew() {
    let redis = Redis::shared();
    let schedule =
        "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"1h\"\nlimit = 5\n";
    let setup = setup(&redis, schedule);
    let _runner = setup.serve();
    until_completed(&redis, "s", 1);
    // The run that has ended makes the next one beside its work.
    let run = until("the next run", || {
        let run = run_of(&redis, "s");
        redis
            .field("q", &run, "finishedOn")
            .is_none()
            .then_some(run)
    });
    setup.write(&toml(
        &redis,
        &format!("{schedule}data = {{ result = 7 }}\n"),
    ));
    until("the edit", || {
        let data = redis.field("q", &run, "data");
        (data.as_deref() == Some(r#"{"result":7}"#)).then_some(())
    });
    assert_eq!(run_of(&redis, "s"), run);
    assert_eq!(redis.count("q", "delayed"), 1);
    // Two of five, not one of five again.
    assert_eq!(hash(&redis, "s")["ic"], "2");
    let options = redis.field("q", &run, "opts").unwrap();
    assert!(options.contains(r#""count":2"#), "{options}");
}

#[test]
fn a_schedule_that_is_no_longer_declared_goes_and_one_of_a_producer_stays() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let theirs = json!(["theirs", { "every": 3_600_000, "offset": 1000 }, { "name": "t" }]);
        node.queue("q", "upsertJobScheduler", theirs);
        let theirs = hash(&redis, "theirs");
        let setup = setup(&redis, DAILY);
        let mut runner = setup.serve();
        let run = run_of(&redis, "q/cleanup");
        runner.stop();
        // Removed while nothing ran; and an id that a producer has.
        let clash = "[[schedules]]\nid = \"theirs\"\nqueue = \"q\"\nname = \"c\"\nevery = \"1s\"\n";
        setup.write(&toml(&redis, clash));
        let runner = setup.serve();
        until("the removal", || {
            next(&redis, "q/cleanup").is_none().then_some(())
        });
        assert_eq!(redis.field("q", &run, "name"), None);
        assert_eq!(redis.count("q", "delayed"), 1);
        let line = runner.until_logged("this schedule is not kept");
        assert!(
            line.contains(
                "this schedule is not kept: a producer has a job scheduler with its id; \
                 give it another `id`, or remove the producer's with `runner schedule rm`"
            ),
            "{line}"
        );
        assert_eq!(hash(&redis, "theirs"), theirs);
    }
}

#[test]
fn a_producer_that_upserts_a_declared_id_owns_it() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = setup(&redis, DAILY);
    let mut runner = setup.serve();
    until_next(&redis, "q/cleanup");
    let theirs = json!(["q/cleanup", { "every": 3_600_000, "offset": 1000 }, { "name": "t" }]);
    node.queue("q", "upsertJobScheduler", theirs);
    let theirs = hash(&redis, "q/cleanup");
    runner.stop();
    setup.write(&toml(&redis, ""));
    let runner = setup.serve();
    until_guarded(&redis, &[&runner], "probe");
    assert_eq!(hash(&redis, "q/cleanup"), theirs);
}

#[test]
fn an_interval_falls_on_its_offset_and_ends_at_the_end() {
    let redis = Redis::shared();
    let setup = setup(&redis, "");
    let _runner = setup.serve();
    let end = jiff::Timestamp::from_millisecond(now(&redis) + 3000).unwrap();
    let schedules = format!(
        "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"500ms\"\noffset = \"120ms\"\nend = {end}\n"
    );
    setup.write(&toml(&redis, &schedules));
    until("the end", || {
        list(&setup)
            .iter()
            .any(|row| row["state"] == "ended")
            .then_some(())
    });
    let times = times(&completed(&redis, "s"));
    assert!((2..=7).contains(&times.len()), "{times:?}");
    assert!(times.iter().all(|time| time % 500 == 120), "{times:?}");
    // BullMQ makes no further job once the end has passed as one starts.
    assert!(
        *times.last().unwrap() <= end.as_millisecond() + 500,
        "{times:?}"
    );
}

#[test]
fn a_job_longer_than_its_interval_does_not_make_it_drift() {
    let redis = Redis::shared();
    let schedules = "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"200ms\"\ndata = { sleep = 300 }\n";
    let setup = setup(&redis, schedules);
    let _runner = setup.serve();
    let times = times(&until_completed(&redis, "s", 6));
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| gap % 200 == 0), "{gaps:?}");
}

#[test]
fn several_runners_with_one_file_make_one_run_each_time() {
    let redis = Redis::shared();
    let schedules = "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"100ms\"\n";
    let setup = setup(&redis, schedules);
    let runners = [
        setup.spawn(&["serve"]),
        setup.spawn(&["serve"]),
        setup.spawn(&["serve"]),
    ];
    runners.iter().for_each(Runner::until_ready);
    let ids = until_completed(&redis, "s", 10);
    let written = runners.iter().flat_map(Runner::log);
    assert_eq!(
        written
            .filter(|line| line.contains("schedules were written"))
            .count(),
        1
    );
    let mut times = times(&ids);
    times.dedup();
    assert_eq!(times.len(), ids.len());
    // The one that runs and the next.
    let ahead: (u64, u64, u64) = redis::pipe()
        .atomic()
        .cmd("ZCARD")
        .arg(redis.key("q", "delayed"))
        .cmd("LLEN")
        .arg(redis.key("q", "wait"))
        .cmd("LLEN")
        .arg(redis.key("q", "active"))
        .query(&mut redis.connect())
        .unwrap();
    assert!(ahead.0 + ahead.1 + ahead.2 <= 2, "{ahead:?}");
}

#[test]
fn a_declared_schedule_comes_back_after_redis_lost_its_data() {
    let redis = Redis::own();
    let setup = setup(&redis, DAILY);
    let runner = setup.serve();
    let run = run_of(&redis, "q/cleanup");
    redis.run::<()>(&["FLUSHALL"]);
    runner.until_logged("a schedule had vanished");
    assert_eq!(run_of(&redis, "q/cleanup"), run);
    assert_eq!(redis.field("q", &run, "name").unwrap(), "cleanup");
}

#[test]
fn a_node_worker_carries_a_declared_schedule_on() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        // No plugin: the runner only schedules.
        let schedules = "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\n\
            every = \"200ms\"\ndata = { result = 7 }\nattempts = 2\n";
        let setup = setup(&redis, "");
        setup.write(
            &toml(&redis, schedules).replace("plugin = \"scripted\"\nconcurrency = 2\n", ""),
        );
        let _runner = setup.serve();
        node.call("worker", json!({ "queue": "q" }));
        let ids = until_completed(&redis, "s", 4);
        let gaps: Vec<i64> = times(&ids)
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        assert!(gaps.iter().all(|gap| gap % 200 == 0), "{gaps:?}");
        let last = node.job("q", &ids[3]);
        assert_eq!(
            (&last["data"], &last["returnvalue"]),
            (&json!({ "result": 7 }), &json!(7))
        );
        assert_eq!(last["opts"]["attempts"], 2);
        assert_eq!(list(&setup)[0]["declared"], true);
    }
}
