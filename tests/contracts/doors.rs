//! Queues whose jobs are functions of a WIT interface: what goes in comes out,
//! and what does not fit is refused at every door, with its place.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use runner::config::{Contract, JobSettings, Plugin, SwapCheck};
use runner::contract::Library;
use runner::outcome::{Cause, Outcome};
use serde_json::{Value, json};

use super::{ID, TOML, setup, wit};
use crate::support::sandbox::{Sandbox, job};
use crate::support::{Node, Redis, Setup, guest};

/// The guest under its contract, as its WIT file has it.
struct Typed {
    sandbox: Sandbox,
    contract: Arc<Contract>,
}

impl Typed {
    fn new() -> Typed {
        let library = Library::read(wit().parent().unwrap()).unwrap();
        let contract = Arc::new(Contract {
            queue: "work".into(),
            id: ID.into(),
            declared: Some(library.get(ID).unwrap().unwrap().clone()),
            names: Vec::new(),
            strict: false,
            swap_check: SwapCheck::default(),
            routed: Vec::new(),
            memory: 64 << 20,
        });
        let grants = Plugin {
            contracts: vec![contract.clone()],
            ..Plugin::default()
        };
        Typed {
            sandbox: Sandbox::granted(&guest("typed"), grants),
            contract,
        }
    }

    fn run(&self, name: &str, data: &str) -> Outcome {
        self.run_by(name, data, 1)
    }

    /// In an instance that may serve so many jobs.
    fn run_by(&self, name: &str, data: &str, reuse: u32) -> Outcome {
        let settings = JobSettings {
            contract: Some(self.contract.clone()),
            reuse,
            ..JobSettings::default()
        };
        self.sandbox.start(job(name, data), settings).outcome()
    }

    /// The result as text.
    #[track_caller]
    fn text(&self, name: &str, data: &str) -> String {
        match self.run(name, data) {
            Outcome::Completed(text) => text,
            other => panic!("{name} {data}: {other:?}"),
        }
    }

    #[track_caller]
    fn same(&self, name: &str, data: Value) {
        let result = self.text(name, &data.to_string());
        assert_eq!(serde_json::from_str::<Value>(&result).unwrap(), data);
    }
}

/// A value of each kind at the end of its range.
fn every(maximum: bool) -> Value {
    let pick = |low: i64, high: u64| match maximum {
        true => json!(high),
        false => json!(low),
    };
    let mut every = json!({
        "yes": maximum,
        "aU8": pick(0, u8::MAX.into()),
        "aU16": pick(0, u16::MAX.into()),
        "aU32": pick(0, u32::MAX.into()),
        "aU64": pick(0, u64::MAX),
        "aS8": pick(i8::MIN.into(), i8::MAX as u64),
        "aS16": pick(i16::MIN.into(), i16::MAX as u64),
        "aS32": pick(i32::MIN.into(), i32::MAX as u64),
        "aS64": pick(i64::MIN, i64::MAX as u64),
        "aF32": 1.5,
        "aF64": 0.1,
        "letter": "é",
        "text": "größer 😀 \"quoted\" \u{0}\n",
        "free": {"any": [1, 2.5, null, "x"]},
        "blob": "AAEC/w==",
        "words": ["", "b"],
        "smalls": [{"name": "x", "count": 1}, {"name": "y", "count": 2, "note": "n"}],
        "pair": [7, "z"],
        "channel": "SMS",
        "event": {"tag": "seen", "val": {"name": "e", "count": 9}},
        "places": {"home": true, "atWork": false, "farAway": maximum},
        "outcome": {"tag": "ok", "val": 5},
    });
    if maximum {
        every["maybe"] = json!({"name": "m", "count": 3});
        every["perhaps"] = json!({"tag": "some", "val": 4});
        every["outcome"] = json!({"tag": "error", "val": "no"});
    }
    every
}

#[test]
fn a_value_of_each_kind_goes_in_and_comes_out() {
    let typed = Typed::new();
    typed.same("every", every(false));
    typed.same("every", every(true));
    typed.same("few", json!({"name": "Ada", "count": 3}));
    typed.same("few", json!({"name": "Ada", "count": 3, "note": ""}));
    for event in [
        json!({"tag": "nothing"}),
        json!({"tag": "sent", "val": "x"}),
        json!({"tag": "seen", "val": {"name": "n", "count": 1, "note": "o"}}),
        json!({"tag": "measured", "val": -1.25}),
        json!({"tag": "counted", "val": i64::MIN}),
    ] {
        typed.same("happened", event);
    }
    for number in [-128, -1, 0, 127] {
        typed.same("count", json!(number));
    }
    assert_eq!(
        typed.text("two", r#"{"firstName":"A","howMany":65535}"#),
        r#"["A",65535]"#
    );
    assert_eq!(typed.text("two", r#"{"firstName":"A"}"#), r#"["A",7]"#);
    assert_eq!(typed.text("nothing", "{}"), "null");
    assert_eq!(typed.text("raw", r#""{\"a\":  1.0}""#), r#"{"a":  1.0}"#);
    assert_eq!(typed.text("bytes", "[1,2,3]"), "\"AQID\"");
}

#[test]
fn a_megabyte_of_bytes_goes_through() {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    Typed::new().same("bytes", json!(text));
}

#[test]
fn failures_of_a_typed_function_are_those_of_a_handler() {
    let typed = Typed::new();
    let fail = |failure: Value| typed.run("fail", &failure.to_string());
    let reason = |outcome: Outcome| match outcome {
        Outcome::Retry { failure, delay } => (failure.cause, failure.reason, delay),
        Outcome::Rejected(failure) => (failure.cause, failure.reason, None),
        other => panic!("{other:?}"),
    };
    let returned = |text: &str, delay| (Cause::Returned, text.to_owned(), delay);
    let retry = fail(json!({"tag": "retry", "val": "down"}));
    assert_eq!(reason(retry), returned("down", None));
    let after = fail(json!({"tag": "retry-after", "val": [1500, "slow"]}));
    let delay = Some(Duration::from_millis(1500));
    assert_eq!(reason(after), returned("slow", delay));
    let rejected = fail(json!({"tag": "reject", "val": "never"}));
    assert!(matches!(&rejected, Outcome::Rejected(_)), "{rejected:?}");
    assert_eq!(reason(rejected), returned("never", None));
    let snoozed = fail(json!({"tag": "snooze", "val": [2000, "later"]}));
    let expected = Outcome::Snoozed {
        delay: Duration::from_secs(2),
        reason: "later".into(),
    };
    assert_eq!(snoozed, expected);
    assert_eq!(
        fail(json!({"tag": "wait-children"})),
        Outcome::WaitingChildren
    );
    // An error of another type is a retry with its JSON.
    let odd = typed.run("odd", "\"x\"");
    assert_eq!(reason(odd), returned(r#"{"tag":"sent","val":"x"}"#, None));
    // `?` and `reject` of the SDK.
    let rejected = typed.run("few", r#"{"name":"","count":0}"#);
    assert_eq!(reason(rejected), returned("a name is needed", None));
    // What says it is JSON must be.
    let (cause, text, _) = reason(typed.run("raw", "\"nope\""));
    let expected = "result: is not JSON: expected ident at line 1 column 2";
    assert_eq!((cause, text.as_str()), (Cause::Result, expected));
    let Outcome::Retry { failure, .. } = typed.run("trap", "\"x\"") else {
        panic!("a trap is retried");
    };
    assert_eq!(failure.cause, Cause::Panic);
    assert!(failure.reason.ends_with("told to: x"), "{failure:?}");
    let last = failure.frames.last().unwrap();
    assert_eq!(last, "test:typed/jobs@1.0.0#trap", "{failure:?}");
}

#[test]
fn a_payload_that_does_not_fit_is_rejected_before_there_is_an_instance() {
    let typed = Typed::new();
    let rejected = |name: &str, data: &str| match typed.run(name, data) {
        Outcome::Rejected(failure) => (failure.cause, failure.reason),
        other => panic!("{other:?}"),
    };
    let (cause, reason) = rejected("few", r#"{"name":"Ada","count":-2}"#);
    assert_eq!(cause, Cause::Contract);
    assert_eq!(
        reason,
        "the payload is not that of test:typed/jobs#few: data.count: -2 is out of range for u32"
    );
    let (cause, reason) = rejected("fwe", "{}");
    assert_eq!(cause, Cause::Contract);
    assert_eq!(
        reason,
        "the contract test:typed/jobs has no job \"fwe\"; it has every, few, happened, count, \
         bytes, two, nothing, fail, odd, raw, trap"
    );
}

#[test]
fn what_node_adds_is_checked_when_it_is_taken_and_spends_no_attempt() {
    let redis = Redis::shared();
    let setup = setup(&redis, TOML);
    let runner = setup.serve();
    let mut node = Node::start(&redis, 6);
    let options = json!({ "attempts": 3, "backoff": 1 });
    let bad = node.add("work", "few", json!({ "name": "Ada" }), options.clone());
    let good = node.add("work", "few", json!({ "name": "Ada", "count": 1 }), options);
    assert_eq!(redis.until_ended("work", &bad), "failed");
    assert_eq!(
        redis.field("work", &bad, "failedReason").as_deref(),
        Some(
            "the payload is not that of test:typed/jobs#few: data.count: is missing; expected an \
             integer (u32)"
        )
    );
    // Failed by the first look at it, as BullMQ counts.
    assert_eq!(redis.field("work", &bad, "ats").as_deref(), Some("1"));
    assert_eq!(redis.until_ended("work", &good), "completed");
    let line = runner.until_logged("\"cause\":\"contract\"");
    assert!(line.contains(&format!("\"jobId\":\"{bad}\"")), "{line}");
}

#[test]
fn what_the_cli_adds_is_checked_before_it_is_in_redis() {
    let redis = Redis::shared();
    let setup = setup(
        &redis,
        &format!("{TOML}names = {{ \"small-*\" = \"few\" }}\nstrict = true\n"),
    );
    let refused = |name: &str, data: &str| {
        let ended = setup.cli(&["add", "work", name, data]);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        ended.stderr
    };
    let text = refused("few", r#"{"name":"Ada"}"#);
    let expected = "the payload is not that of test:typed/jobs#few: data.count: is missing; \
                    expected an integer (u32)";
    assert!(text.contains(expected), "{text}");
    let text = refused("small-1", r#"{"name":"Ada","count":1,"age":3}"#);
    let expected = "data.age: is not in the contract, which has \"name\", \"count\", \"note\"";
    assert!(text.contains(expected), "{text}");
    let text = refused("large-1", "{}");
    let expected = "the contract test:typed/jobs has no job \"large-1\"";
    assert!(text.contains(expected), "{text}");
    assert_eq!(redis.count("work", "waiting"), 0);
    let ended = setup.cli(&["add", "work", "small-1", r#"{"name":"Ada","count":1}"#]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let _runner = setup.serve();
    assert_eq!(redis.until_ended("work", ended.stdout.trim()), "completed");
}

#[test]
fn what_a_plugin_adds_is_checked_before_it_is_in_redis() {
    let redis = Redis::shared();
    let toml = "[queues.work]\ncontract = \"test:typed/jobs\"\n[queues.q]\nplugin = \"reach\"\n";
    let setup = setup(&redis, toml).plugin("reach", &guest("reach"));
    let _runner = setup.serve();
    let add = |data: Value| {
        let add = json!({ "queue": "work", "name": "few", "data": data });
        let id = redis.add("q", "add", add.to_string(), "{}");
        assert_eq!(redis.until_ended("q", &id), "completed");
        redis.field("q", &id, "returnvalue").unwrap()
    };
    let refused = add(json!({ "name": "Ada", "count": "1" }));
    let expected = "the payload is not that of test:typed/jobs#few: data.count: expected an integer \
                    (u32), found the string";
    assert!(refused.contains(expected), "{refused}");
    assert_eq!(redis.count("work", "wait"), 0);
    add(json!({ "name": "Ada", "count": 1 }));
    assert_eq!(redis.count("work", "wait"), 1);
}

#[test]
fn a_handler_of_json_has_the_checks_of_a_contract_in_wit() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"echo\"\ncontract = \"test:typed/jobs\"\n\
                [queues.work.jobs.\"free-*\"]\ntimeout = \"5s\"\n";
    let setup = setup(&redis, toml).plugin("echo", &guest("echo"));
    let _runner = setup.serve();
    let data = r#"{"name":"Ada","count":1, "more": 1.0}"#;
    let good = redis.add("work", "few", data, "{}");
    assert_eq!(redis.until_ended("work", &good), "completed");
    // As it was written, with what the contract does not know.
    assert_eq!(
        redis.field("work", &good, "returnvalue").as_deref(),
        Some(data)
    );
    let bad = redis.add(
        "work",
        "few",
        r#"{"name":"Ada","count":"1"}"#,
        r#"{"attempts":3}"#,
    );
    assert_eq!(redis.until_ended("work", &bad), "failed");
    assert_eq!(
        redis.field("work", &bad, "failedReason").as_deref(),
        Some(
            "the payload is not that of test:typed/jobs#few: data.count: expected an integer \
             (u32), found the string \"1\""
        )
    );
    let unknown = redis.add("work", "fwe", "{}", "{}");
    assert_eq!(redis.until_ended("work", &unknown), "failed");
    // Names that have a table of their own are the handler's.
    let routed = redis.add("work", "free-1", "[]", "{}");
    assert_eq!(redis.until_ended("work", &routed), "completed");
}

/// Seed 4 documents deliveries with a recipient; its own producers leave it out.
#[test]
fn the_contract_of_deliveries_catches_producers_that_name_no_recipient() {
    let redis = Redis::shared();
    let toml = "[queues.delivery]\ncontract = \"smsblossom:queues/delivery\"\n\
                [queues.housekeeping]\ncontract = \"smsblossom:queues/housekeeping\"\n\
                names = { cleanup = \"repeat\" }\n";
    let setup = Setup::new(&redis, toml);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let setup = setup.env("RUNNER_CONTRACTS", root.to_str().unwrap());
    let send = |data: Value| setup.cli(&["add", "delivery", "send", &data.to_string()]);
    let common = json!({ "shopId": "shop.myshopify.com", "template": "Hi", "context": {} });
    let with = |fields: Value| {
        let mut data = common.clone();
        let all = data.as_object_mut().unwrap();
        all.extend(fields.as_object().unwrap().clone());
        data
    };
    let missing = "the payload is not that of smsblossom:queues/delivery#send: data.recipient: is \
                   missing; expected a string";
    let by_rule = send(with(json!({ "automationId": "a-1", "requestId": "req_1" })));
    assert!(by_rule.stderr.contains(missing), "{by_rule:?}");
    let by_campaign = send(with(json!({ "campaignId": "c-1", "contactId": "k-1" })));
    assert!(by_campaign.stderr.contains(missing), "{by_campaign:?}");
    let documented = send(with(
        json!({ "recipient": "+14155550123", "requestId": "req_1" }),
    ));
    assert_eq!(documented.code, Some(0), "{documented:?}");
    let chore = |task: &str| {
        let data = json!({ "task": task, "shopId": "shop.myshopify.com", "requestId": "req_789" });
        setup.cli(&["add", "housekeeping", "cleanup", &data.to_string()])
    };
    assert_eq!(chore("cleanup_old_messages").code, Some(0));
    let unknown = chore("cleanup");
    let expected = "data.task: expected one of \"cleanup_old_messages\", \
                    \"retry_failed_messages\", \"rollup_reports\", found the string \"cleanup\"";
    assert!(unknown.stderr.contains(expected), "{unknown:?}");
}

#[test]
fn one_instance_takes_job_after_job_in_the_same_memory() {
    let typed = Typed::new();
    // Together they would need 200 MiB of the 64 that an instance has.
    let large = format!("\"{}\"", "AAEC".repeat(1 << 19));
    for _ in 0..100 {
        let outcome = typed.run_by("bytes", &large, 1000);
        assert!(matches!(outcome, Outcome::Completed(text) if text == large));
    }
    for maximum in [false, true, false] {
        let data = every(maximum);
        match typed.run_by("every", &data.to_string(), 1000) {
            Outcome::Completed(text) => {
                assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), data);
            }
            other => panic!("{other:?}"),
        }
    }
}
