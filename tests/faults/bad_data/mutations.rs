//! Jobs, entries and keys that are not what BullMQ stores, many to a queue, among good
//! jobs.

use std::collections::BTreeSet;

use super::{complaints, until_ended};
use crate::support::{Redis, Setup, guest};

/// What any client may have written where a number or JSON belongs.
const VALUES: [&[u8]; 16] = [
    b"",
    b"x",
    b"-1",
    b"1.5",
    b"0x10",
    b"4294967295",
    b"9223372036854775807",
    b"99999999999999999999",
    b"1e308",
    b"nan",
    b"-inf",
    br#"{"a":[1]}"#,
    b"[1,",
    b"null",
    b"\x00\xff\xfe\x80",
    &[b'7'; 5000],
];
const FIELDS: [&str; 25] = [
    "ats",
    "atm",
    "stc",
    "timestamp",
    "delay",
    "priority",
    "opts",
    "data",
    "parent",
    "parentKey",
    "deid",
    "defa",
    "rjk",
    "cps",
    "pb",
    "stacktrace",
    "processedOn",
    "finishedOn",
    "crs",
    "fc",
    "progress",
    "returnvalue",
    "failedReason",
    "rv",
    "name",
];
const OPTIONS: [&str; 9] = [
    r#"{"attempts":"x","backoff":{"type":5,"delay":1e308}}"#,
    r#"{"attempts":-1,"backoff":-5}"#,
    r#"{"removeOnComplete":{"age":1e308,"count":1e300,"limit":1e300}}"#,
    r#"{"removeOnFail":{"age":1e300,"count":2.5e9,"limit":-7}}"#,
    r#"{"removeOnComplete":{"count":9223372036854775807},"removeOnFail":9223372036854775807}"#,
    r#"{"kl":1e300,"stackTraceLimit":-1e300,"lifo":"yes"}"#,
    r#"{"priority":"nan","delay":"x","de":7,"parent":"x"}"#,
    r#"{"repeat":{"pattern":7,"every":"x","count":-1},"repeatJobKey":5}"#,
    r#"["a",{"b":1}]"#,
];
const PARTS: [&str; 6] = [
    ":lock",
    ":logs",
    ":dependencies",
    ":processed",
    ":unsuccessful",
    ":failed",
];
/// Entries that name no job.
const ENTRIES: [&str; 22] = [
    "",
    "completed",
    "failed",
    "stalled",
    "events",
    "meta",
    "id",
    "pc",
    "marker",
    "limiter",
    "wait",
    "active",
    "repeat",
    "priority",
    "runner:parked",
    "runner:held:name:x",
    "metrics:completed",
    "de:x",
    "5:lock",
    "5:logs",
    "no-such-job",
    "with:colons:in:it",
];
/// Markers of BullMQ before version 5, which name no job by design.
const MARKERS: [&str; 2] = ["0:1", "0:1700000000000"];

/// One way in which a job is not what it should be.
enum Mutation {
    Field(&'static str, &'static [u8]),
    Options(&'static str),
    Missing(&'static str),
    Key(&'static str),
    Part(&'static str, &'static str),
    Id(Vec<u8>),
    Entry(&'static str),
}

const TYPES: [&str; 5] = ["string", "list", "set", "zset", "stream"];

fn mutations() -> Vec<Mutation> {
    let mut all = Vec::new();
    for field in FIELDS {
        all.extend(VALUES.map(|value| Mutation::Field(field, value)));
        all.push(Mutation::Missing(field));
    }
    all.extend(OPTIONS.map(Mutation::Options));
    all.extend(TYPES.map(Mutation::Key));
    for part in PARTS {
        // A set of dependencies is what is awaited.
        let wrong = TYPES.iter().chain(&["hash"]);
        let wrong = wrong.filter(|kind| part != ":dependencies" || **kind != "set");
        all.extend(wrong.map(|kind| Mutation::Part(part, kind)));
    }
    all.extend(ENTRIES.map(Mutation::Entry));
    let ids: [&[u8]; 6] = [
        b"a:b",
        b"repeat:a:b",
        b"\xff\xfe",
        b" ",
        b"\n\x1b[2J",
        &[b'9'; 9000],
    ];
    all.extend(ids.map(|id| Mutation::Id(id.to_vec())));
    all
}

/// A key of this type in the place of whatever was there.
fn make(pipe: &mut redis::Pipeline, key: &[u8], kind: &str) {
    pipe.cmd("DEL").arg(key);
    match kind {
        "string" => pipe.cmd("SET").arg(key).arg("x"),
        "list" => pipe.cmd("RPUSH").arg(key).arg("x"),
        "set" => pipe.cmd("SADD").arg(key).arg("x"),
        "zset" => pipe.cmd("ZADD").arg(key).arg(1).arg("x"),
        "hash" => pipe.cmd("HSET").arg(key).arg("x").arg("x"),
        _ => pipe.cmd("XADD").arg(key).arg("*").arg("x").arg("x"),
    };
}

struct Writer<'a> {
    redis: &'a Redis,
    random: fastrand::Rng,
    pipe: redis::Pipeline,
}

impl Writer<'_> {
    fn key(&self, queue: &str, id: &[u8], part: &str) -> Vec<u8> {
        [self.redis.key(queue, "").as_bytes(), id, part.as_bytes()].concat()
    }

    /// A good job of the queue, and where it waits.
    fn job(&mut self, queue: &str, id: &[u8]) {
        let key = self.key(queue, id, "");
        let opts = [r#"{"attempts":2}"#, r#"{"attempts":2,"backoff":3}"#, "{}"];
        let opts = opts[self.random.usize(..opts.len())];
        self.pipe.cmd("HSET").arg(key).arg(&[
            "name",
            "retry",
            "data",
            "{}",
            "opts",
            opts,
            "timestamp",
            "1700000000000",
            "delay",
            "0",
            "priority",
            "0",
        ]);
        self.enter(queue, id);
    }

    fn enter(&mut self, queue: &str, id: &[u8]) {
        match self.random.u8(..6) {
            0 => {
                let set = self.key(queue, b"delayed", "");
                self.pipe.cmd("ZADD").arg(set).arg(4096).arg(id);
            }
            1 => {
                let set = self.key(queue, b"prioritized", "");
                self.pipe
                    .cmd("ZADD")
                    .arg(set)
                    .arg(4_294_967_297_u64)
                    .arg(id);
            }
            _ => {
                let list = self.key(queue, b"wait", "");
                self.pipe.cmd("LPUSH").arg(list).arg(id);
            }
        }
    }

    fn mutate(&mut self, queue: &str, id: &[u8], mutation: &Mutation) {
        let key = self.key(queue, id, "");
        match mutation {
            Mutation::Field(field, value) => {
                self.job(queue, id);
                self.pipe.cmd("HSET").arg(key).arg(*field).arg(*value);
            }
            Mutation::Options(text) => {
                self.job(queue, id);
                self.pipe.cmd("HSET").arg(key).arg("opts").arg(*text);
            }
            Mutation::Missing(field) => {
                self.job(queue, id);
                self.pipe.cmd("HDEL").arg(key).arg(*field);
            }
            Mutation::Key(kind) => {
                make(&mut self.pipe, &key, kind);
                self.enter(queue, id);
            }
            Mutation::Part(part, kind) => {
                self.job(queue, id);
                let key = self.key(queue, id, part);
                make(&mut self.pipe, &key, kind);
            }
            Mutation::Id(id) => self.job(queue, id),
            Mutation::Entry(entry) => self.enter(queue, entry.as_bytes()),
        }
    }
}

// Long because it is one story: write, run, account for each job.
#[test]
fn hundreds_of_mutated_jobs_and_entries_stop_no_queue_and_none_is_lost() {
    const QUEUES: usize = 8;
    let redis = Redis::shared();
    let mut writer = Writer {
        redis: &redis,
        random: fastrand::Rng::with_seed(20_261_128),
        pipe: redis::pipe(),
    };
    let mut all = mutations();
    assert!(all.len() >= 400, "{}", all.len());
    writer.random.shuffle(&mut all);
    let name = |n: usize| format!("q{}", n % QUEUES);
    let mut bad: Vec<BTreeSet<Vec<u8>>> = vec![BTreeSet::new(); QUEUES];
    for (n, mutation) in all.iter().enumerate() {
        let queue = name(n);
        let id = match mutation {
            Mutation::Id(id) => id.clone(),
            Mutation::Entry(entry) => entry.as_bytes().to_vec(),
            _ => format!("bad-{n}").into_bytes(),
        };
        writer.mutate(&queue, &id, mutation);
        bad[n % QUEUES].insert(id);
        writer.job(&queue, format!("good-{n}").as_bytes());
    }
    for (n, marker) in MARKERS.iter().enumerate() {
        writer.enter(&name(n), marker.as_bytes());
    }
    writer.pipe.query::<()>(&mut redis.connect()).unwrap();

    let mut toml = "[runtime]\nlock = \"4s\"\nstalled_interval = \"1s\"\n".to_owned();
    for n in 0..QUEUES {
        // Half of them also fail and retry.
        let plugin = ["noop", "faults"][n % 2];
        toml += &format!("[queues.q{n}]\nplugin = {plugin:?}\nconcurrency = 7\n");
    }
    let setup = Setup::new(&redis, &toml)
        .plugin("noop", &guest("noop"))
        .plugin("faults", &guest("faults"));
    let mut runner = setup.serve();
    for (n, bad) in bad.iter().enumerate() {
        let queue = name(n);
        let goods = (0..all.len()).filter(|job| job % QUEUES == n);
        let goods = goods.map(|job| format!("good-{job}").into_bytes());
        let all: Vec<Vec<u8>> = goods.chain(bad.iter().cloned()).collect();
        let places = until_ended(&redis, &queue, &all, &["completed", "failed", "refused"]);
        let end = if n % 2 == 0 { "completed" } else { "failed" };
        for (id, place) in places {
            if id.starts_with(b"good-") {
                assert_eq!(place, [end]);
            } else if place == ["failed"] {
                let key = [redis.key(&queue, "").as_bytes(), &id].concat();
                let mut command = redis::cmd("HGET");
                command.arg(key).arg("failedReason");
                let reason: Vec<u8> = command.query(&mut redis.connect()).unwrap();
                assert!(!reason.is_empty(), "{}", String::from_utf8_lossy(&id));
            }
        }
    }
    let later = redis.add("q0", "retry", "{}", "{}");
    assert_eq!(redis.until_ended("q0", &later), "completed");
    let complaints = complaints(&runner);
    let about = |text: &str| complaints.iter().filter(|line| line.contains(text)).count();
    // One line for each reason of a queue, not for each job.
    assert!(about("incomplete job") <= QUEUES);
    assert!(about("not a hash") <= QUEUES);
    assert!(runner.stop().success());
}
