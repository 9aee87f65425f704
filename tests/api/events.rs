//! `GET /api/events` and a job's events: what is heard, where a stream goes on, and that
//! Redis is read once for all.

use std::io::{BufRead, BufReader};

use reqwest::blocking::Response;
use serde_json::{Value, json};

use super::served;
use crate::support::api::answer;
use crate::support::{Api, Redis, until};

/// An event stream that is being read.
struct Stream(BufReader<Response>);

/// An event as it was sent.
#[derive(Debug, PartialEq)]
struct Heard {
    id: String,
    event: String,
    data: Value,
}

impl Stream {
    /// Open it, and wait for its first line.
    #[track_caller]
    fn open(api: &Api, path: &str, after: Option<&str>) -> Stream {
        let mut request = api.request("GET", path);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = request.send().expect("the server answers");
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream(BufReader::new(response))
    }

    /// The next event that has data; none at the end.
    fn next(&mut self) -> Option<Heard> {
        let (mut id, mut event, mut data) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("the stream can be read") == 0 {
                return None;
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("id", text)) => id = text.to_owned(),
                Some(("event", text)) => event = text.to_owned(),
                Some(("data", text)) => data = serde_json::from_str(text).ok(),
                _ if line.is_empty() => {
                    if let Some(data) = data.take() {
                        return Some(Heard { id, event, data });
                    }
                }
                _ => {}
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<Heard> {
        (0..count).map(|_| self.next().expect("an event")).collect()
    }
}

fn tell(redis: &Redis, queue: &str, fields: &[&str]) -> String {
    let key = redis.key(queue, "events");
    redis.run(&[&["XADD", &key, "*"], fields].concat())
}

/// A queue that Redis knows.
fn known(redis: &Redis, queue: &str) {
    let _: u32 = redis.run(&["HSET", &redis.key(queue, "meta"), "version", "bullmq:6"]);
}

#[test]
fn a_stream_tells_what_happens_with_the_name_of_the_job() {
    let redis = Redis::shared();
    known(&redis, "q");
    known(&redis, "other");
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let mut all = Stream::open(&api, "/api/events?queue=q", None);
    let mut some = Stream::open(&api, "/api/events?event=completed&name=in*", None);
    let _: u32 = redis.run(&["HSET", &redis.key("q", "1"), "name", "invoice"]);
    tell(&redis, "other", &["event", "completed", "jobId", "7"]);
    let waiting = tell(&redis, "q", &["event", "waiting", "jobId", "1"]);
    let result = "{\"n\":\n9007199254740993}";
    let done = ["event", "completed", "jobId", "1", "returnvalue", result];
    let completed = tell(&redis, "q", &[&done[..], &["prev", "active"]].concat());
    let at = |id: &str| id.split_once('-').unwrap().0.parse::<u64>().unwrap();
    let heard = all.take(2);
    assert_eq!(
        heard[0],
        Heard {
            id: format!("{waiting}:q"),
            event: "waiting".to_owned(),
            data: json!({
                "queue": "q", "event": "waiting", "jobId": "1", "name": "invoice",
                "at": at(&waiting),
            }),
        }
    );
    let last = Heard {
        id: format!("{completed}:q"),
        event: "completed".to_owned(),
        data: json!({
            "queue": "q", "event": "completed", "jobId": "1", "name": "invoice",
            "at": at(&completed), "prev": "active", "returnvalue": {"n": 9_007_199_254_740_993_u64},
        }),
    };
    assert_eq!(heard[1], last);
    assert_eq!(some.next(), Some(last));
}

#[test]
fn a_stream_goes_on_after_the_event_that_was_heard_last() {
    let redis = Redis::shared();
    let (a, b) = (redis.key("a", "events"), redis.key("b", "events"));
    known(&redis, "a");
    known(&redis, "b");
    // In one millisecond, and more than are read at once.
    for n in 0..700 {
        for key in [&a, &b] {
            let id = format!("{}-{n}", 1_600_000_000_000_u64 + n / 100);
            let n = n.to_string();
            let _: String = redis.run(&["XADD", key, &id, "event", "waiting", "jobId", &n]);
        }
    }
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let path = "/api/events?queue=a,b";
    let mut stream = Stream::open(&api, path, Some("1600000000000-2:a"));
    let mut heard: Vec<String> = Vec::new();
    for _ in 0..10 {
        heard.push(stream.next().unwrap().id);
    }
    let expected = [
        "2:b", "3:a", "3:b", "4:a", "4:b", "5:a", "5:b", "6:a", "6:b", "7:a",
    ];
    let expected = expected.map(|rest| format!("1600000000000-{rest}"));
    assert_eq!(heard, expected);
    drop(stream);
    let mut stream = Stream::open(&api, path, Some(&heard[9]));
    let rest = stream.take(1400 - 6 - 9);
    assert_eq!(rest[0].id, "1600000000000-7:b");
    assert_eq!(rest.last().unwrap().id, "1600000000006-699:b");
    // And what happens now.
    let now = tell(&redis, "b", &["event", "paused"]);
    assert_eq!(stream.next().unwrap().id, format!("{now}:b"));
    let refused = api
        .request("GET", path)
        .header("Last-Event-ID", "yesterday");
    let refused = answer(refused);
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body["detail"],
        "\"yesterday\" is the id of no event; leave Last-Event-ID out to begin now"
    );
}

#[test]
fn redis_is_read_by_one_connection_and_only_where_somebody_listens() {
    let redis = Redis::own();
    for queue in ["a", "b", "c"] {
        known(&redis, queue);
    }
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let readers = || {
        let clients: String = redis.run(&["CLIENT", "LIST"]);
        clients
            .lines()
            .filter(|line| line.contains("cmd=xread"))
            .count()
    };
    assert_eq!(readers(), 0);
    let paths = [
        "/api/events?queue=a",
        "/api/events?queue=b",
        "/api/events?queue=a,b",
    ];
    let mut streams: Vec<Stream> = paths
        .iter()
        .cycle()
        .take(30)
        .map(|path| Stream::open(&api, path, None))
        .collect();
    tell(&redis, "a", &["event", "paused"]);
    tell(&redis, "c", &["event", "paused"]);
    tell(&redis, "b", &["event", "resumed"]);
    for (at, stream) in streams.iter_mut().enumerate() {
        let heard: Vec<Value> = stream
            .take(if at % 3 == 2 { 2 } else { 1 })
            .into_iter()
            .map(|heard| heard.data["queue"].clone())
            .collect();
        let expected = [json!(["a"]), json!(["b"]), json!(["a", "b"])];
        assert_eq!(json!(heard), expected[at % 3]);
    }
    until("one reader", || (readers() == 1).then_some(()));
}

#[test]
fn who_reads_too_slowly_is_told_how_much_was_missed() {
    let redis = Redis::shared();
    known(&redis, "q");
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let mut slow = Stream::open(&api, "/api/events?queue=q", None);
    let mut quick = Stream::open(&api, "/api/events?queue=q&event=resumed", None);
    let script = "for i = 1, 200 do
          redis.call('XADD', KEYS[1], 'MAXLEN', 400, '*', 'event', 'completed', 'jobId', i,
            'returnvalue', '\"' .. string.rep('x', 15000) .. '\"')
        end
        redis.call('XADD', KEYS[1], '*', 'event', 'resumed')
        return 1";
    let key = redis.key("q", "events");
    let rounds = 20;
    for _ in 0..rounds {
        let _: u32 = redis.run(&["EVAL", script, "1", &key]);
        // Read before more comes, so that nobody but the slow one misses anything.
        assert_eq!(quick.next().unwrap().event, "resumed");
    }
    let (mut heard, mut missed) = (0, 0);
    while heard + missed < rounds * 201 {
        let next = slow.next().expect("the stream goes on");
        match next.event.as_str() {
            "missed" => missed += next.data["events"].as_u64().unwrap(),
            _ => heard += 1,
        }
    }
    assert!(
        missed > 0,
        "{heard} events were kept for one who did not read"
    );
    assert_eq!(heard + missed, rounds * 201);
}

// Long because it is one life of a job.
#[test]
fn a_job_tells_its_state_its_log_its_progress_and_its_end() {
    let redis = Redis::shared();
    known(&redis, "q");
    let (key, logs) = (redis.key("q", "1"), redis.key("q", "1:logs"));
    let _: u32 = redis.run(&["HSET", &key, "name", "invoice", "data", "{}", "atm", "1"]);
    let _: u32 = redis.run(&["LPUSH", &redis.key("q", "active"), "1"]);
    let _: u32 = redis.run(&["RPUSH", &logs, "one", "two"]);
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let path = "/api/queues/q/jobs/1/events";
    let mut stream = Stream::open(&api, path, None);
    let heard = stream.take(3);
    assert_eq!(
        heard[0].data,
        json!({
            "queue": "q", "jobId": "1", "name": "invoice", "state": "active", "attemptsMade": 1,
            "attempts": 1,
        })
    );
    assert_eq!(
        (heard[0].event.as_str(), heard[2].id.as_str()),
        ("state", "2")
    );
    assert_eq!(heard[2].data, json!({"number": 2, "line": "two"}));
    tell(
        &redis,
        "q",
        &[
            "event",
            "progress",
            "jobId",
            "1",
            "data",
            "{\"percent\":50}",
        ],
    );
    let progress = stream.next().unwrap();
    assert_eq!(
        (progress.event.as_str(), progress.data),
        ("progress", json!({"percent": 50}))
    );
    let _: u32 = redis.run(&["RPUSH", &logs, "three"]);
    let done = [
        "event",
        "completed",
        "jobId",
        "1",
        "returnvalue",
        "{\"sent\":2}",
    ];
    tell(&redis, "q", &done);
    let heard = stream.take(2);
    assert_eq!(heard[0].data, json!({"number": 3, "line": "three"}));
    assert_eq!(
        heard[1],
        Heard {
            id: "3:end".to_owned(),
            event: "completed".to_owned(),
            data: json!({"returnvalue": {"sent": 2}}),
        }
    );
    assert_eq!(stream.next(), None);
    // Who was cut off hears what is new, and who has heard the end is told so.
    let mut again = Stream::open(&api, path, Some("2"));
    let lines: Vec<Value> = again.take(2).into_iter().map(|heard| heard.data).collect();
    assert_eq!(lines[1], json!({"number": 3, "line": "three"}));
    let ended = api
        .request("GET", path)
        .header("Last-Event-ID", "3:end")
        .send();
    assert_eq!(ended.unwrap().status(), 204);
    let missing = api.get("/api/queues/q/jobs/nine/events");
    assert_eq!(missing.status, 404);
    assert_eq!(
        missing.body["detail"],
        "queue \"q\" has no job \"nine\"; it may have been removed when it ended (removeOnComplete)"
    );
    // A job that is removed without an event of its own.
    let _: u32 = redis.run(&["DEL", &key]);
    assert_eq!(again.next().unwrap().event, "removed");
}
