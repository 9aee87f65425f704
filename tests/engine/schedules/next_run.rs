//! The next run of a scheduler is written before this one begins, and nothing that
//! happens meanwhile loses a run or makes one twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::Commands;
use runner::queue::{Attempt, Batch, Failing, Stop};
use serde_json::json;

use super::{VERSIONS, now, setup};
use crate::support::engine::{Engine, config, echo, retry};
use crate::support::{Node, Redis, Relay, until};

/// What each handler found: name and data of its job, and whether the next run was
/// there.
type Seen = Arc<Mutex<Vec<(String, String, bool)>>>;

fn looking(redis: &Redis, seen: &Seen) -> impl Fn(&Attempt) + Send + Sync + 'static {
    let (client, seen) = (redis::Client::open(redis.url()).unwrap(), seen.clone());
    let repeat = redis.key("q", "repeat");
    move |attempt| {
        let job = &attempt.job;
        let mut command = redis::cmd("ZSCORE");
        command
            .arg(&repeat)
            .arg(&job.scheduler.as_ref().unwrap().id);
        let next: f64 = command
            .query(&mut client.get_connection().unwrap())
            .unwrap();
        let (_, at) = job.id.rsplit_once(':').unwrap();
        let found = (
            job.name.clone(),
            job.data.clone(),
            next > at.parse().unwrap(),
        );
        seen.lock().unwrap().push(found);
    }
}

#[track_caller]
fn until_seen(seen: &Seen, name: &str, data: &str) {
    until("15 runs", || {
        (seen.lock().unwrap().len() >= 15).then_some(())
    });
    for (at, found) in seen.lock().unwrap().iter().enumerate() {
        assert_eq!(*found, (name.into(), data.into(), true), "run {at}");
    }
}

#[test]
fn the_next_run_is_there_before_the_handler_is_called() {
    for version in VERSIONS {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, version);
        let template =
            json!({ "name": "n", "data": { "a": 1 }, "opts": { "removeOnComplete": true } });
        let seen = Seen::default();
        let look = looking(&redis, &seen);
        let mut engine = Engine::new(&redis, move |attempt| {
            look(attempt);
            echo(attempt)
        });
        node.queue(
            "q",
            "upsertJobScheduler",
            json!(["s", { "every": 30 }, template]),
        );
        engine.consume(config("q", 2));
        until_seen(&seen, "n", r#"{"a":1}"#);
        engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn repeatable_jobs_of_old_that_leave_nothing_behind_keep_their_payload() {
    for (kept, fails) in [("removeOnComplete", false), ("removeOnFail", true)] {
        let redis = Redis::shared();
        let mut node = Node::start(&redis, 5);
        let seen = Seen::default();
        let look = looking(&redis, &seen);
        let mut engine = Engine::new(&redis, move |attempt| {
            look(attempt);
            if fails {
                retry("as wished")
            } else {
                echo(attempt)
            }
        });
        let options = json!({ "repeat": { "every": 30 }, kept: true });
        node.add("q", "tick", json!({ "value": "payload" }), options);
        engine.consume(config("q", 1));
        until_seen(&seen, "tick", r#"{"value":"payload"}"#);
        engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_run_that_is_retried_makes_one_next_run() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let mut engine = Engine::new(&redis, |attempt| match attempt.job.attempts_made {
        2 => echo(attempt),
        _ => retry("not yet"),
    });
    let template = json!({ "name": "n", "opts": { "attempts": 3 } });
    node.queue(
        "q",
        "upsertJobScheduler",
        json!(["s", { "every": 3_600_000 }, template]),
    );
    engine.consume(config("q", 1));
    redis.until_count("q", "completed", 1);
    assert_eq!(redis.count("q", "delayed"), 1);
    assert_eq!(super::hash(&redis, "s")["ic"], "2");
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_run_that_is_refused_has_a_next_run() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let mut engine = Engine::new(&redis, echo);
    let template = json!({ "name": "n", "data": "too long" });
    node.queue(
        "q",
        "upsertJobScheduler",
        json!(["s", { "every": 3_600_000 }, template]),
    );
    let mut small = config("q", 1);
    small.base.max_payload = 5;
    engine.consume(small);
    redis.until_count("q", "failed", 1);
    assert_eq!(redis.count("q", "delayed"), 1);
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_schedule_that_cannot_be_read_is_told_and_its_job_runs() {
    let redis = Redis::shared();
    let at = (now(&redis) - 100).to_string();
    let id = format!("repeat:old:{at}");
    let options = json!({ "repeat": { "pattern": "soon" } }).to_string();
    redis.run::<()>(&["ZADD", &redis.key("q", "repeat"), &at, "old"]);
    let job = redis.key("q", &id);
    redis.run::<()>(&[
        "HSET",
        &job,
        "name",
        "old",
        "data",
        r#"{"result":7}"#,
        "opts",
        &options,
        "rjk",
        "old",
        "timestamp",
        &at,
    ]);
    redis.run::<()>(&["LPUSH", &redis.key("q", "wait"), &id]);
    let setup = setup(&redis, "");
    let runner = setup.serve();
    redis.until_count("q", "completed", 1);
    let line = runner.until_logged("the next run was not scheduled");
    assert!(line.contains("the day of week is"), "{line}");
}

/// A worker whose Redis takes no writes from the moment on at which the next run is
/// to be written, and how often its handler was called.
struct Held {
    redis: Redis,
    engine: Engine,
    runs: Arc<AtomicUsize>,
}

impl Held {
    fn new(lock: Duration) -> Held {
        Held::after(lock, |_, _| {})
    }

    /// `happens` just before, with another worker's queue and the job.
    fn after(lock: Duration, happens: impl Fn(&Engine, &str) + Send + Sync + 'static) -> Held {
        let redis = Redis::own();
        let refuse = redis::Client::open(redis.url()).unwrap();
        let (url, active) = (redis.url(), redis.key("q", "active"));
        let armed = AtomicBool::new(true);
        // The script is loaded by its text: this Redis has not seen it.
        let relay = Relay::watched(redis.port(), move |piece| {
            let loads = piece.windows(18).any(|part| part == b"updateJobScheduler");
            if loads && armed.swap(false, Ordering::Relaxed) {
                let mut connection = refuse.get_connection().unwrap();
                let jobs: Vec<String> = connection.lrange(&active, 0, -1).unwrap();
                let other = Engine::over(&url, "bull", Duration::from_secs(30), echo);
                happens(&other, &jobs[0]);
                redis::cmd("CONFIG")
                    .arg(&["SET", "min-replicas-to-write", "1"])
                    .query::<()>(&mut connection)
                    .unwrap();
            }
        });
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let mut engine = Engine::over(&relay.url(), redis.prefix(), lock, move |attempt| {
            counted.fetch_add(1, Ordering::Relaxed);
            echo(attempt)
        });
        let mut node = Node::start(&redis, 6);
        let template = json!({ "name": "n", "data": { "a": 1 } });
        node.queue(
            "q",
            "upsertJobScheduler",
            json!(["s", { "every": 3_600_000 }, template]),
        );
        engine.consume(config("q", 1));
        let held = Held {
            redis,
            engine,
            runs,
        };
        // The first try and another one.
        until("Redis to refuse", || {
            let errors: String = held.redis.run(&["INFO", "errorstats"]);
            let count = errors.split("errorstat_NOREPLICAS:count=").nth(1)?;
            let count = count.split_whitespace().next()?.parse::<u64>().ok()?;
            (count >= 2).then_some(())
        });
        assert_eq!(held.runs(), 0);
        held
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    fn accept(redis: &Redis) {
        redis.run::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    }

    /// One run, and the next one is there.
    fn has_run_once(mut self) {
        self.redis.until_count("q", "completed", 1);
        assert_eq!(self.runs(), 1);
        assert_eq!(self.redis.count("q", "delayed"), 1);
        assert_eq!(super::hash(&self.redis, "s")["ic"], "2");
        self.engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_run_waits_while_redis_takes_no_writes() {
    let held = Held::new(Duration::from_secs(30));
    Held::accept(&held.redis);
    held.has_run_once();
}

#[test]
fn a_run_whose_lock_expires_while_redis_takes_no_writes_is_run_by_whoever_takes_it_then() {
    let held = Held::new(Duration::from_millis(600));
    let lock = format!("repeat:s:{}:lock", super::next(&held.redis, "s").unwrap());
    until("the lock to expire", || {
        let there: bool = held.redis.run(&["EXISTS", &held.redis.key("q", &lock)]);
        (!there).then_some(())
    });
    Held::accept(&held.redis);
    held.has_run_once();
}

#[test]
fn a_run_cannot_be_cancelled_before_its_next_run_is_there() {
    let held = Held::after(Duration::from_secs(30), |other, job| {
        let queue = other.shared.queue(&config("q", 1));
        let jobs = [job.to_owned()];
        let cancel = queue.cancel(&jobs, "no longer");
        assert_eq!(other.runtime.block_on(cancel).unwrap(), [Failing::NextRun]);
    });
    Held::accept(&held.redis);
    held.has_run_once();
}

#[test]
fn a_run_that_waits_goes_back_when_its_worker_stops() {
    let mut held = Held::new(Duration::from_secs(30));
    let before = super::next(&held.redis, "s");
    held.engine.workers[0].drain(Duration::from_secs(30));
    Held::accept(&held.redis);
    held.engine.stop(Duration::from_secs(30));
    assert_eq!(held.runs(), 0);
    let redis = &held.redis;
    assert_eq!(
        (redis.count("q", "wait"), redis.count("q", "active")),
        (1, 0)
    );
    assert_eq!(super::next(redis, "s"), before);
    held.engine.consume(config("q", 1));
    held.has_run_once();
}

/// A run that was taken, something that happens then, and what the attempt to write
/// the next one makes of it.
fn taken(happens: impl Fn(&Redis, &mut Node, &str)) -> (Redis, Attempt, Option<String>) {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let repeat = json!({ "every": 3_600_000 });
    let template = json!({ "name": "n", "data": { "a": 1 } });
    node.queue("q", "upsertJobScheduler", json!(["s", repeat, template]));
    let engine = Engine::new(&redis, echo);
    let queue = engine.shared.queue(&config("q", 1));
    engine.runtime.block_on(async {
        let (_, mut taken) = queue.settle(&Batch::default(), 1).await.unwrap();
        let job = taken.jobs.remove(0);
        happens(&redis, &mut node, &job.id);
        let attempt = Attempt::new(job, queue.clone(), taken.token, Duration::MAX);
        let scheduler = attempt.job.scheduler.as_ref().unwrap();
        let next = queue.schedule_next(&attempt, scheduler).await.unwrap();
        (redis, attempt, next)
    })
}

#[test]
fn a_scheduler_that_was_removed_or_changed_while_its_run_starts_is_left_as_it_is() {
    let (redis, attempt, next) = taken(|_, node, _| {
        node.queue("q", "removeJobScheduler", json!(["s"]));
    });
    assert_eq!((next, attempt.lost()), (None, false));
    assert_eq!(redis.count("q", "delayed"), 0);

    let (redis, attempt, next) = taken(|_, node, _| {
        let template = json!({ "name": "other" });
        node.queue(
            "q",
            "upsertJobScheduler",
            json!(["s", { "every": 7_200_000 }, template]),
        );
    });
    assert_eq!((next, attempt.lost()), (None, false));
    let waits = redis.count("q", "wait") + redis.count("q", "delayed");
    assert_eq!(waits, 1, "only the run of the changed one");
}

#[test]
fn a_run_that_lost_its_lock_or_its_hash_still_has_a_next_run() {
    let (redis, attempt, next) = taken(|redis, _, id| {
        redis.run::<()>(&["DEL", &redis.key("q", &format!("{id}:lock"))]);
    });
    assert_eq!(attempt.stopped(), Some(Stop::LockLost));
    assert_eq!(
        redis.field("q", &next.unwrap(), "data").as_deref(),
        Some(r#"{"a":1}"#)
    );

    let (redis, attempt, next) = taken(|redis, _, id| {
        let job = redis.key("q", id);
        redis.run::<()>(&["DEL", &job, &format!("{job}:lock")]);
    });
    assert_eq!(attempt.stopped(), Some(Stop::Removed));
    assert_eq!(
        redis.field("q", &next.unwrap(), "name").as_deref(),
        Some("n")
    );
}
