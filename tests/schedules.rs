//! Schedules: what `[[schedules]]` declares and what npm schedules, kept going.

use serde_json::{Value, json};

use crate::support::{Node, Redis, Runner, Setup, guest, until};

const VERSIONS: [u8; 2] = [5, 6];

/// A runner's directory: the queue `q` with the guest `scripted`, looked after
/// often, and these schedules.
fn setup(redis: &Redis, schedules: &str) -> Setup {
    Setup::new(redis, &toml(redis, schedules)).plugin("scripted", &guest("scripted"))
}

fn toml(redis: &Redis, schedules: &str) -> String {
    let (url, prefix) = (redis.url(), redis.prefix());
    format!(
        "[redis]\nurl = {url:?}\nprefix = {prefix:?}\n\
         [runtime]\nstalled_interval = \"200ms\"\n\
         [queues.q]\nplugin = \"scripted\"\nconcurrency = 2\n{schedules}"
    )
}

const DAILY: &str = "[[schedules]]\nqueue = \"q\"\nname = \"cleanup\"\ncron = \"0 3 * * *\"\n\
    timezone = \"Europe/Berlin\"\ndata = { days = 30 }\nattempts = 4\npriority = 2\n";

fn hash(redis: &Redis, id: &str) -> std::collections::BTreeMap<String, String> {
    redis.run(&["HGETALL", &redis.key("q", &format!("repeat:{id}"))])
}

/// The time of the scheduler's next run.
fn next(redis: &Redis, id: &str) -> Option<i64> {
    let score: Option<f64> = redis.run(&["ZSCORE", &redis.key("q", "repeat"), id]);
    score.map(|score| score as i64)
}

fn until_next(redis: &Redis, id: &str) -> i64 {
    until(&format!("the scheduler {id}"), || next(redis, id))
}

/// The next job of the scheduler.
fn run_of(redis: &Redis, id: &str) -> String {
    format!("repeat:{id}:{}", until_next(redis, id))
}

fn now(redis: &Redis) -> i64 {
    let (seconds, micros): (i64, i64) = redis.run(&["TIME"]);
    seconds * 1000 + micros / 1000
}

/// Ids of the scheduler's completed jobs, in order.
fn completed(redis: &Redis, id: &str) -> Vec<String> {
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    let prefix = format!("repeat:{id}:");
    ids.into_iter()
        .filter(|id| id.starts_with(&prefix))
        .collect()
}

fn times(ids: &[String]) -> Vec<i64> {
    let time = |id: &String| id.rsplit_once(':').unwrap().1.parse().unwrap();
    ids.iter().map(time).collect()
}

#[track_caller]
fn until_completed(redis: &Redis, id: &str, count: usize) -> Vec<String> {
    until(&format!("{count} runs of {id}"), || {
        Some(completed(redis, id)).filter(|ids| ids.len() >= count)
    })
}

fn list(setup: &Setup) -> Vec<Value> {
    let ended = setup.cli(&["schedule", "list", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// How often these runners said that the scheduler goes on.
fn rearmed(runners: &[&Runner], id: &str) -> usize {
    let id = format!("\"scheduler\":{id:?}");
    let told = |line: &&String| line.contains("lost its next job") && line.contains(&id);
    let logs = runners.iter().map(|runner| runner.log());
    logs.map(|log| log.iter().filter(told).count()).sum()
}

/// Wait until the guard has looked at all schedulers: one that has lost its next
/// job goes on.
fn until_guarded(redis: &Redis, runners: &[&Runner], probe: &str) {
    let later = (now(redis) + 3_600_000).to_string();
    let scheduler = redis.key("q", &format!("repeat:{probe}"));
    redis.run::<()>(&[
        "HSET", &scheduler, "name", "p", "every", "3600000", "ic", "1",
    ]);
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &later, probe]);
    until("the guard", || (rearmed(runners, probe) > 0).then_some(()));
}

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
    let schedule = "[[schedules]]\nid = \"s\"\nqueue = \"q\"\nname = \"n\"\nevery = \"1h\"\n";
    let setup = setup(&redis, schedule);
    let _runner = setup.serve();
    until_completed(&redis, "s", 1);
    let run = run_of(&redis, "s");
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
}

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
fn an_id_that_two_queues_have_needs_the_queue() {
    let redis = Redis::shared();
    let daily = "id = \"s\"\nname = \"n\"\ncron = \"@daily\"\n";
    let schedules = format!(
        "[queues.r]\n[[schedules]]\nqueue = \"q\"\n{daily}[[schedules]]\nqueue = \"r\"\n{daily}"
    );
    let setup = setup(&redis, &schedules);
    let _runner = setup.serve();
    until("both", || (list(&setup).len() == 2).then_some(()));
    let refused = setup.cli(&["schedule", "run", "s"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: the queues q, r have a scheduler \"s\"; say which with --queue\n"
    );
    let added = setup.cli(&["schedule", "run", "s", "--queue", "r"]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert_eq!(redis.count("r", "wait"), 1);
    let unknown = setup.cli(&["schedule", "run", "t", "--queue", "r"]);
    assert_eq!(unknown.code, Some(3));
    assert_eq!(
        unknown.stderr,
        "error: queue \"r\" has no scheduler \"t\"; see runner schedule list\n"
    );
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
fn a_scheduler_is_run_by_hand_and_removed() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let theirs =
        json!(["theirs", { "pattern": "0 3 * * *" }, { "name": "t", "data": { "result": 7 } }]);
    node.queue("q", "upsertJobScheduler", theirs);
    let setup = setup(&redis, DAILY);
    let _runner = setup.serve();
    let run = run_of(&redis, "q/cleanup");
    let ended = setup.cli(&["schedule", "run", "q/cleanup"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let id = ended.stdout.trim();
    assert_eq!(redis.until_ended("q", id), "completed");
    let job = node.job("q", id);
    assert_eq!(
        (&job["name"], &job["data"]),
        (&json!("cleanup"), &json!({ "days": 30 }))
    );
    assert_eq!(job["opts"]["attempts"], 4);
    assert_eq!(run_of(&redis, "q/cleanup"), run);

    let refused = setup.cli(&["schedule", "rm", "q/cleanup", "--yes"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: schedule \"q/cleanup\" is declared in queues.toml; remove it there\n"
    );
    let refused = setup.cli(&["schedule", "rm", "theirs"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(
        refused.stderr,
        "error: this removes the scheduler \"theirs\" and its next job; add --yes to do it\n"
    );
    let removed = setup.cli(&["schedule", "rm", "theirs", "--yes"]);
    assert_eq!(
        (removed.code, removed.stdout.as_str()),
        (Some(0), "theirs of queue q is removed\n")
    );
    assert_eq!(node.queue("q", "getJobSchedulersCount", json!([])), 1);
    assert_eq!(redis.count("q", "delayed"), 1);
    let unknown = setup.cli(&["schedule", "run", "theirs"]);
    assert_eq!(unknown.code, Some(3));
    assert_eq!(
        unknown.stderr,
        "error: no queue has a scheduler \"theirs\"; see runner schedule list\n"
    );
    let table = setup.cli(&["schedule", "list", "q"]).stdout;
    let row: Vec<&str> = table.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!(
        row[..4],
        ["q/cleanup", "q", "cleanup", "0 3 * * * Europe/Berlin"]
    );
    assert_eq!((row[4], row[6], row[7]), ("", "0", "queues.toml"));
}

#[test]
fn what_node_asks_of_a_scheduler_is_kept() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let mut upsert = |id: &str, repeat: Value| {
            node.queue(
                "q",
                "upsertJobScheduler",
                json!([id, repeat, { "name": "n" }]),
            );
        };
        let began = now(&redis);
        upsert("limit", json!({ "pattern": "* * * * * *", "limit": 2 }));
        upsert(
            "start",
            json!({ "every": 300, "startDate": began + 2000, "limit": 2 }),
        );
        upsert(
            "end",
            json!({ "pattern": "* * * * * *", "endDate": began + 3000 }),
        );
        upsert(
            "now",
            json!({ "pattern": "0 0 1 1 *", "tz": "UTC", "immediately": true }),
        );
        upsert(
            "offset",
            json!({ "every": 1000, "offset": 130, "limit": 3 }),
        );
        let setup = setup(&redis, "");
        let _runner = setup.serve();
        let times = |id: &str, count: usize| times(&until_completed(&redis, id, count));
        assert!(times("now", 1)[0] < began + 2000);
        assert!(times("start", 2)[0] == began + 2000);
        let offset = times("offset", 3);
        assert!(offset.iter().all(|time| time % 1000 == 130), "{offset:?}");
        until("the end", || (now(&redis) > began + 4000).then_some(()));
        let end = times("end", 1);
        assert!(*end.last().unwrap() <= began + 3000, "{end:?}");
        for (id, count) in [("limit", 2), ("start", 2), ("offset", 3), ("now", 1)] {
            assert_eq!(completed(&redis, id).len(), count, "{id}");
        }
        // The next new year's, and nothing else.
        assert_eq!(redis.count("q", "delayed"), 1);
        let next = jiff::Timestamp::from_millisecond(next(&redis, "now").unwrap()).unwrap();
        assert!(next.to_string().ends_with("-01-01T00:00:00Z"), "{next}");
    }
}

#[test]
fn repeatable_jobs_of_old_go_on_with_their_payload() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 5);
    let options = json!({ "repeat": { "every": 300, "limit": 4 }, "attempts": 3 });
    node.add("q", "old", json!({ "result": 7 }), options);
    let setup = setup(&redis, "");
    let _runner = setup.serve();
    redis.until_count("q", "completed", 4);
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    for (at, id) in ids.iter().enumerate() {
        let job = node.job("q", id);
        assert_eq!(job["data"], json!({ "result": 7 }));
        assert_eq!(job["opts"]["attempts"], 3);
        assert_eq!(job["opts"]["repeat"]["count"], at + 1);
    }
    let gaps: Vec<i64> = times(&ids)
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(gaps.iter().all(|gap| gap % 300 == 0), "{gaps:?}");
    assert_eq!(list(&setup)[0]["state"], "legacy");
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

#[test]
fn a_repeatable_job_with_the_key_of_old_goes_on() {
    let redis = Redis::shared();
    // As BullMQ 3 left it: the job's id has a digest in the place of the key.
    let (key, at) = ("old::::300", now(&redis) - 100);
    let id = format!("repeat:0cc175b9c0f1b6a831c399e269772661:{at}");
    let options = json!({
        "repeat": { "every": 300, "count": 1, "limit": 3 },
        "jobId": id, "prevMillis": at, "delay": 0, "attempts": 2,
    });
    let score = at.to_string();
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &score, key]);
    let job = redis.key("q", &id);
    let (data, options) = (r#"{"result":7}"#, options.to_string());
    redis.run::<()>(&[
        "HSET",
        &job,
        "name",
        "old",
        "data",
        data,
        "opts",
        &options,
        "rjk",
        key,
        "timestamp",
        &score,
        "delay",
        "0",
        "priority",
        "0",
    ]);
    redis.run::<()>(&["LPUSH", &redis.key("q", "wait"), &id]);
    let setup = setup(&redis, "");
    let _runner = setup.serve();
    redis.until_count("q", "completed", 3);
    let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("q", "completed"), "0", "-1"]);
    for (run, id) in ids.iter().enumerate() {
        assert!(
            id.starts_with("repeat:0cc175b9c0f1b6a831c399e269772661:"),
            "{id}"
        );
        assert_eq!(redis.field("q", id, "data").unwrap(), data);
        assert_eq!(redis.field("q", id, "name").unwrap(), "old");
        assert_eq!(times(&ids)[run], at + 300 * run as i64);
    }
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

/// What must be equal of a scheduler after one of its jobs has run: its hash and
/// time, and its next job but for the moments.
fn after_a_run(redis: &Redis, node: &mut Node, queue: &str, repeat: &Value) -> Value {
    let template = json!({ "name": "n", "data": { "a": 1 }, "opts": { "attempts": 3, "backoff": 5, "priority": 4 } });
    node.queue(queue, "upsertJobScheduler", json!(["s", repeat, template]));
    let time = || -> i64 {
        let score: f64 = redis.run(&["ZSCORE", &redis.key(queue, "repeat"), "s"]);
        score as i64
    };
    let first = format!("repeat:s:{}", time());
    node.job_call(queue, &first, "promote", json!([]));
    redis.until_ended(queue, &first);
    redis.until_count(queue, "delayed", 1);
    let hash = |key: &str| -> std::collections::BTreeMap<String, String> {
        redis.run(&["HGETALL", &redis.key(queue, key)])
    };
    let next = format!("repeat:s:{}", time());
    let mut job = hash(&next);
    assert!(job["delay"].parse::<i64>().unwrap() > 0, "{job:?}");
    assert!(job.remove("timestamp").is_some() && job.remove("delay").is_some());
    let mut options: Value = serde_json::from_str(&job.remove("opts").unwrap()).unwrap();
    let fields = options.as_object_mut().unwrap();
    assert!(fields.remove("delay").is_some() && fields.remove("timestamp").is_some());
    json!({ "next": next, "job": job, "options": options, "scheduler": hash("repeat:s") })
}

#[test]
fn a_scheduler_goes_on_as_under_a_node_worker() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let setup = setup(&redis, "");
        let _runner = setup.serve();
        let end = now(&redis) + 100_000_000_000;
        let repeats = [
            json!({ "pattern": "0 0 1 1 *", "tz": "Asia/Tokyo" }),
            json!({ "pattern": "30 2 29 3 *", "tz": "Europe/Berlin", "limit": 9, "endDate": end }),
            json!({ "every": 86_400_000, "offset": 5000 }),
            json!({ "every": 86_400_000, "startDate": end - 86_400_000, "limit": 3 }),
        ];
        for (at, repeat) in repeats.iter().enumerate() {
            let theirs = format!("node-{at}");
            node.call("worker", json!({ "queue": theirs }));
            let theirs = after_a_run(&redis, &mut node, &theirs, repeat);
            let ours = after_a_run(&redis, &mut node, "q", repeat);
            assert_eq!(ours, theirs, "bullmq {version}, {repeat}");
            node.queue("q", "removeJobScheduler", json!(["s"]));
            redis.until_count("q", "delayed", 0);
            node.queue("q", "obliterate", json!([{ "force": true }]));
        }
    }
}
