//! Adding jobs, and asking after them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::served;
use crate::support::api::{Answer, Api, answer};
use crate::support::{Redis, Runner, Setup, guest};

const DOCUMENT: &str = r#"{"documentId":"d-1","userId":"u-1","filename":"document.pdf","mimeType":"application/pdf","fileSize":1024000}"#;

/// The sample queues of documents, which nobody consumes, and a few others.
fn toml() -> String {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    format!(
        "[runtime]\ncontracts = {wit:?}\n\
         [queues.document-processing]\ncontract = \"docs:jobs/document-processing\"\n\
         [queues.notifications]\ncontract = \"docs:jobs/notifications\"\n\
         default_job = \"send-notification\"\n\
         [queues.compliance-analysis]\ncontract = \"docs:jobs/compliance-analysis\"\n\
         [queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n\
         [queues.free]\ndefault_job = \"work\"\n\
         [queues.scripted]\nplugin = \"scripted\"\n"
    )
}

struct Served {
    redis: Redis,
    _setup: Setup,
    _runner: Runner,
    api: Api,
}

fn serve() -> Served {
    serve_on(Redis::shared())
}

fn serve_on(redis: Redis) -> Served {
    let setup = served(&redis, &toml()).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    Served {
        redis,
        _setup: setup,
        _runner: runner,
        api,
    }
}

impl Served {
    /// POST of this text as JSON.
    fn send(&self, path: &str, body: &str) -> Answer {
        let request = self.api.request("POST", path);
        answer(
            request
                .header("Content-Type", "application/json")
                .body(body.to_owned()),
        )
    }

    /// The text of a problem, with its status and place.
    #[track_caller]
    fn refuses(&self, path: &str, body: &str, status: u16, detail: &str, pointer: Option<&str>) {
        let answer = self.send(path, body);
        let pointer = pointer.map_or(Value::Null, Value::from);
        assert_eq!(
            (
                answer.status,
                &answer.body["detail"],
                &answer.body["pointer"]
            ),
            (status, &json!(detail), &pointer),
            "{path} {body}: {}",
            answer.body
        );
    }
}

#[test]
fn the_routes_of_the_document_service_work_as_written() {
    let served = serve();
    let added = served.send("/api/jobs/document-processing", DOCUMENT);
    let expected = json!({
        "jobId": "1", "queue": "document-processing", "name": "process-document",
        "state": "waiting",
    });
    assert_eq!((added.status, added.body), (201, expected));
    let notification =
        r#"{"userId":"u-1","type":"email","subject":"Document Processed","message":"Done"}"#;
    let added = served.send("/api/jobs/notifications", notification);
    assert_eq!(
        (added.status, added.body["name"].as_str()),
        (201, Some("send-notification"))
    );
    let analysis = r#"{"documentId":"d-1","userId":"u-1","documentPath":"/documents/doc.pdf","mimeType":"application/pdf","complianceFrameworks":["GDPR","SOX"]}"#;
    let added = served.send("/api/jobs/compliance-analysis", analysis);
    assert_eq!(
        (added.status, added.body["name"].as_str()),
        (201, Some("analyze-compliance"))
    );

    let stored = served.redis.field("document-processing", "1", "data");
    assert_eq!(
        stored.as_deref(),
        Some(DOCUMENT),
        "the payload is stored as it came"
    );
    let status = served.api.get("/api/jobs/status/document-processing/1");
    assert_eq!(status.status, 200);
    let Value::Object(mut fields) = status.body else {
        panic!()
    };
    assert!(fields.remove("timestamp").is_some_and(|at| at.is_u64()));
    assert_eq!(
        Value::Object(fields),
        json!({
            "jobId": "1", "queue": "document-processing", "name": "process-document",
            "state": "waiting", "progress": null, "attemptsMade": 0, "attempts": 1,
            "processedOn": null, "finishedOn": null, "returnvalue": null, "failedReason": null,
        })
    );
    let counts = json!({
        "waiting": 1, "active": 0, "completed": 0, "failed": 0, "delayed": 0, "prioritized": 0,
        "waiting-children": 0, "paused": false,
    });
    let stats = served.api.get("/api/jobs/stats/document-processing");
    assert_eq!((stats.status, &stats.body), (200, &counts));
    let all = served.api.get("/api/jobs/stats");
    assert_eq!(
        (all.status, &all.body["document-processing"]),
        (200, &counts)
    );
    assert_eq!(all.body["free"]["waiting"], 0);
}

#[test]
fn options_stand_in_the_query() {
    let served = serve();
    let query =
        "name=n&delay=1h&attempts=4&backoff=exponential:2s&removeOnComplete=7&removeOnFail=true";
    let added = served.send(&format!("/api/jobs/free?jobId=a&{query}"), "{}");
    assert_eq!(
        (added.status, added.body["state"].as_str()),
        (201, Some("delayed"))
    );
    let options = served.redis.field("free", "a", "opts").unwrap();
    let options: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(
        options,
        json!({
            "attempts": 4, "jobId": "a", "delay": 3_600_000, "removeOnComplete": 7,
            "removeOnFail": true, "backoff": { "type": "exponential", "delay": 2000 },
        })
    );
    let added = served.send("/api/jobs/free?priority=3", "");
    assert_eq!(
        (added.status, added.body["state"].as_str()),
        (201, Some("prioritized"))
    );
    let id = added.body["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", id, "data").as_deref(),
        Some("{}")
    );
}

#[test]
fn numbers_stay_as_they_were_written() {
    let served = serve();
    let data = r#"{"n":12345678901234567890123,"x":1.10,"y":1e400}"#;
    let added = served.send("/api/jobs/free", data);
    let id = added.body["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", id, "data").as_deref(),
        Some(data)
    );
    let line = format!("{{\"data\":{data}}}");
    let bulk = served.send("/api/jobs/free/bulk", &line);
    let id = serde_json::from_str::<Value>(&bulk.body.to_string()).unwrap()["jobId"].clone();
    assert_eq!(
        served
            .redis
            .field("free", id.as_str().unwrap(), "data")
            .as_deref(),
        Some(data)
    );
}

#[test]
fn what_is_there_instead_of_a_new_job_is_said() {
    let served = serve();
    let add = |query: &str| served.send(&format!("/api/jobs/free?{query}"), "{}");
    assert_eq!(add("jobId=a").status, 201);
    let known = add("jobId=a&delay=1h");
    assert_eq!(
        (known.status, known.body),
        (
            200,
            json!({ "jobId": "a", "queue": "free", "name": "work", "state": "waiting", "instead": "known" })
        )
    );
    let first = add("dedupId=d");
    assert_eq!(first.status, 201);
    let second = add("dedupId=d");
    assert_eq!(
        (second.status, &second.body["instead"]),
        (200, &json!("deduplicated"))
    );
    assert_eq!(second.body["jobId"], first.body["jobId"]);
}

#[test]
fn an_idempotency_key_adds_once_and_is_not_used_for_something_else() {
    let served = serve();
    let add = |key: &str, query: &str, body: &str| {
        let request = served
            .api
            .request("POST", &format!("/api/jobs/free?{query}"));
        let request = request.header("Idempotency-Key", key).body(body.to_owned());
        answer(request.header("Content-Type", "application/json"))
    };
    let first = add("order-7", "", r#"{"a":1}"#);
    assert_eq!(
        (first.status, first.body["jobId"].as_str()),
        (201, Some("idem-order-7"))
    );
    let again = add("\"order-7\"", "", r#"{"a":1}"#);
    assert_eq!(
        (again.status, again.body["instead"].as_str()),
        (200, Some("known"))
    );
    for other in [
        add("order-7", "", r#"{"a":2}"#),
        add("order-7", "name=other", r#"{"a":1}"#),
    ] {
        assert_eq!(
            (other.status, other.body["type"].as_str()),
            (422, Some("/problems/key-reused"))
        );
        assert_eq!(
            other.body["detail"],
            "the Idempotency-Key was used before with another name or payload: job \
             \"idem-order-7\" of queue \"free\" has it"
        );
    }
    let both = add("k", "jobId=j", "{}");
    assert_eq!(
        (both.status, both.body["detail"].as_str()),
        (
            422,
            Some(
                "the job has a jobId and an Idempotency-Key, which would be its id, too: leave one out"
            )
        )
    );
    assert_eq!(served.redis.count("free", "wait"), 1);
}

#[test]
fn a_request_id_goes_on_with_the_job() {
    let served = serve();
    let add = |body: &str| {
        let request = served.api.request("POST", "/api/jobs/free");
        let request = request
            .header("X-Request-Id", "req_1")
            .body(body.to_owned());
        let added = answer(request.header("Content-Type", "application/json"));
        let id = added.body["jobId"].as_str().unwrap().to_owned();
        served.redis.field("free", &id, "data").unwrap()
    };
    assert_eq!(add(r#"{"a":1}"#), r#"{"requestId":"req_1","a":1}"#);
    assert_eq!(add(r#"{"requestId":"own"}"#), r#"{"requestId":"own"}"#);
    assert_eq!(add("[1]"), "[1]");
}

#[test]
fn what_is_wrong_with_a_job_is_said_with_its_place() {
    let served = serve();
    let queue = "/api/jobs/document-processing";
    let wrong = DOCUMENT.replace("1024000", "-1");
    served.refuses(
        queue,
        &wrong,
        422,
        "the payload is not that of docs:jobs/document-processing@1.0.0#process-document: \
         data.fileSize: -1 is out of range for u64",
        Some("/fileSize"),
    );
    served.refuses(
        queue,
        "{",
        422,
        "the payload is not JSON: EOF while parsing an object at line 1 column 1",
        None,
    );
    served.refuses(
        "/api/jobs/otp-queue",
        "{}",
        422,
        "the job has no name, and queue \"otp-queue\" has several and no default_job: \
         whatsapp-otp, email-otp",
        None,
    );
    served.refuses(
        "/api/jobs/scripted",
        "{}",
        422,
        "the job has no name, and queue \"scripted\" has no default_job: give it a name",
        None,
    );
    served.refuses(
        "/api/jobs/document-procesing",
        DOCUMENT,
        404,
        "queue \"document-procesing\" is not declared in queues.toml; did you mean \
         \"document-processing\"?",
        None,
    );
    served.refuses(
        "/api/jobs/free?jobId=7",
        "{}",
        422,
        "the job id \"7\" is a number; put a letter in front",
        None,
    );
    served.refuses(
        "/api/jobs/free?dedupExtend=true",
        "{}",
        400,
        "dedupExtend has no effect without dedupId",
        None,
    );
    for (query, word) in [
        ("delay=soon", "soon"),
        ("piority=1", "piority"),
        ("backoff=linear:1s", "linear:1s"),
    ] {
        let answer = served.send(&format!("/api/jobs/free?{query}"), "{}");
        let detail = answer.body["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            answer.status == 400 && detail.contains(word),
            "{query}: {} {detail}",
            answer.status
        );
    }
    let missing = served.api.get("/api/jobs/status/free/nobody");
    assert_eq!(
        (missing.status, missing.body["detail"].as_str()),
        (
            404,
            Some("queue \"free\" has no job \"nobody\"; it may have been removed when it ended")
        )
    );
    // Keys of the queue that are no jobs.
    for key in ["wait", "events", "meta", "id"] {
        assert_eq!(
            served
                .api
                .get(&format!("/api/jobs/status/free/{key}"))
                .status,
            404,
            "{key}"
        );
    }
    assert_eq!(served.redis.count("document-processing", "wait"), 0);
}

/// The verdicts of a list.
fn verdicts(answer: &Answer) -> Vec<Value> {
    let text = match &answer.body {
        Value::String(text) => text.clone(),
        one => one.to_string(),
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_line_of_a_list_has_a_verdict() {
    let served = serve();
    let list = "{\"data\":{\"a\":1}}\n\n{\"name\":\"other\",\"data\":2,\"opts\":{\"jobId\":\"x\",\"delay\":\"1h\"}}\n\
        {\"data\":{}}garbage\n{\"data\":3,\"opts\":{\"delay\":\"soon\"}}\n{\"name\":\"n\"}\n\
        {\"data\":4,\"opts\":{\"jobId\":\"x\"}}\n{\"data\":5,\"opts\":{\"jobId\":\"5\"}}";
    let answer = served.send("/api/jobs/free/bulk", list);
    assert_eq!(answer.status, 200);
    let invalid = |line: u64, detail: &str, pointer: Option<&str>| {
        let mut error = json!({ "type": "invalid-job", "detail": detail });
        if let Some(pointer) = pointer {
            error["pointer"] = pointer.into();
        }
        json!({ "line": line, "error": error })
    };
    assert_eq!(
        verdicts(&answer),
        [
            json!({ "line": 1, "jobId": "1", "state": "waiting" }),
            json!({ "line": 3, "jobId": "x", "state": "delayed" }),
            json!({ "line": 4, "error": {
                "type": "not-json",
                "detail": "the job is not JSON: trailing characters at line 1 column 12",
            } }),
            invalid(
                5,
                "invalid value: string \"soon\", expected milliseconds, or a time such as 5m",
                Some("/opts/delay"),
            ),
            invalid(6, "missing field `data`", Some("")),
            json!({ "line": 7, "jobId": "x", "instead": "known" }),
            invalid(
                8,
                "the job id \"5\" is a number; put a letter in front",
                None
            ),
        ]
    );
    let named: BTreeSet<Option<String>> = ["1", "x"]
        .iter()
        .map(|id| served.redis.field("free", id, "name"))
        .collect();
    assert_eq!(
        named,
        BTreeSet::from([Some("work".to_owned()), Some("other".to_owned())])
    );
    let array = served.send(
        "/api/jobs/document-processing/bulk",
        &format!("[{{\"data\":{DOCUMENT}}},\n{{\"data\":{{}}}}]"),
    );
    let array = verdicts(&array);
    assert_eq!(
        array[0],
        json!({ "line": 1, "jobId": "1", "state": "waiting" })
    );
    assert_eq!(array[1]["error"]["pointer"], "/data");
    assert_eq!(served.redis.count("document-processing", "wait"), 1);
}

#[test]
fn a_list_that_breaks_off_says_where() {
    let served = serve();
    let broken = verdicts(&served.send("/api/jobs/free/bulk", "[{\"data\":1},{\"data\":"));
    assert_eq!(
        broken[0],
        json!({ "line": 1, "jobId": "1", "state": "waiting" })
    );
    assert_eq!(
        broken[1],
        json!({ "line": 2, "error": { "type": "not-json", "detail": "the array has no end" } })
    );
    let empty = served.send("/api/jobs/free/bulk", " \n ");
    assert_eq!(
        (empty.status, empty.body["detail"].as_str()),
        (
            400,
            Some("the body has no jobs: send a job in each line, or an array of jobs")
        )
    );
    assert_eq!(served.redis.count("free", "wait"), 1);
}

#[test]
fn a_long_list_is_added_whole() {
    let served = serve();
    let list: String = (0..5000).map(|n| format!("{{\"data\":{n}}}\n")).collect();
    let answer = served.send("/api/jobs/free/bulk", &list);
    let verdicts = verdicts(&answer);
    assert_eq!(verdicts.len(), 5000);
    for (at, verdict) in verdicts.iter().enumerate() {
        assert_eq!(
            (verdict["line"].as_u64(), &verdict["state"]),
            (Some(at as u64 + 1), &json!("waiting"))
        );
    }
    let last = verdicts[4999]["jobId"].as_str().unwrap();
    assert_eq!(
        served.redis.field("free", last, "data").as_deref(),
        Some("4999")
    );
    assert_eq!(served.redis.count("free", "wait"), 5000);
}

#[test]
fn adds_of_concurrent_requests_share_calls() {
    let served = serve_on(Redis::own());
    let calls = || {
        let stats: String = served.redis.run(&["INFO", "commandstats"]);
        let line = stats
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        line.map_or(0, |rest| {
            rest.split(',').next().unwrap().parse::<u64>().unwrap()
        })
    };
    assert_eq!(served.send("/api/jobs/free", "{}").status, 201);
    let before = calls();
    // Redis takes nothing for a while, so all but the first come while a call is away.
    let _: () = served.redis.run(&["CLIENT", "PAUSE", "300", "WRITE"]);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(served.send("/api/jobs/free", "{}").status, 201));
        }
    });
    assert_eq!(served.redis.count("free", "wait"), 51);
    let shared = calls() - before;
    assert!(shared < 25, "{shared} calls for 50 adds");
}

#[test]
fn a_flow_is_added_whole_or_not_at_all() {
    let served = serve();
    let child = |data: i32| json!({ "name": "c", "queueName": "free", "data": data, "opts": { "failParentOnFailure": true } });
    let flow = json!({
        "name": "p", "queueName": "scripted", "data": {}, "opts": { "jobId": "p" },
        "children": [child(1), { "queueName": "free", "data": 2, "children": [child(3)] }],
    });
    let added = served.api.post("/api/flows", &flow);
    let job = |id: &str, queue: &str, name: &str, state: &str| json!({ "jobId": id, "queue": queue, "name": name, "state": state });
    let mut expected = job("p", "scripted", "p", "waiting-children");
    let mut second = job("2", "free", "work", "waiting-children");
    second["children"] = json!([job("3", "free", "c", "waiting")]);
    expected["children"] = json!([job("1", "free", "c", "waiting"), second]);
    assert_eq!((added.status, added.body), (201, expected));
    assert_eq!(served.redis.count("scripted", "waiting-children"), 1);

    let wrong = json!([{ "queueName": "free", "data": {}, "children": [
        { "queueName": "document-processing", "data": { "documentId": 7 } },
    ] }]);
    let refused = served.api.post("/api/flows", &wrong);
    assert_eq!(
        (refused.status, &refused.body["pointer"]),
        (422, &json!("/0/children/0/data/documentId"))
    );
    let unknown = json!({ "queueName": "fre", "data": {} });
    let refused = served.api.post("/api/flows", &unknown);
    assert_eq!(
        (refused.status, &refused.body["pointer"]),
        (422, &json!("/queueName"))
    );
    let parentless = json!({ "queueName": "free", "opts": { "failParentOnFailure": true } });
    let refused = served.api.post("/api/flows", &parentless);
    assert_eq!(
        (refused.status, refused.body["detail"].as_str()),
        (
            422,
            Some("the job has no parent in the flow that its failure could have an effect on")
        )
    );
    assert_eq!(served.redis.count("free", "waiting-children"), 1);
}

#[test]
fn a_handler_is_run_at_once_with_the_limits_of_its_queue() {
    let served = serve();
    let done = served.send(
        "/api/invoke/scripted/work",
        r#"{"result":{"n":1.10},"log":["hello"]}"#,
    );
    assert_eq!(
        (done.status, &done.body["state"]),
        (200, &json!("completed"))
    );
    assert_eq!(done.body["returnvalue"], json!({ "n": 1.10 }));
    assert_eq!(
        done.body["logs"].as_array().map(Vec::len),
        Some(1),
        "{}",
        done.body
    );
    assert!(
        done.body["plugin"]
            .as_str()
            .is_some_and(|ran| ran.starts_with("scripted@"))
    );
    let failed = served.send("/api/invoke/scripted/work", r#"{"reject":"no"}"#);
    assert_eq!(
        (
            failed.status,
            &failed.body["state"],
            &failed.body["failedReason"],
            &failed.body["cause"]
        ),
        (200, &json!("failed"), &json!("no"), &json!("returned"))
    );
    assert_eq!(
        served.api.get("/api/jobs/stats/scripted").body["completed"],
        0
    );
    served.refuses(
        "/api/invoke/free/work",
        "{}",
        422,
        "no plugin here handles jobs named \"work\" of queue \"free\"",
        None,
    );
    served.refuses(
        "/api/invoke/scripted/work",
        "nonsense",
        422,
        "the payload is not JSON: expected ident at line 1 column 2",
        None,
    );
}
