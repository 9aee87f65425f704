//! Queues whose jobs are functions of a WIT interface: what goes in comes out,
//! and what does not fit is refused at every door, with its place.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use runner::config::{Contract, JobSettings, Plugin, SwapCheck};
use runner::contract::Library;
use runner::outcome::{Cause, Outcome};
use serde_json::{Value, json};

use crate::support::sandbox::{Sandbox, job};
use crate::support::{Node, Redis, Setup, guest};

const ID: &str = "test:typed/jobs";
const TOML: &str = "[queues.work]\nplugin = \"typed\"\ncontract = \"test:typed/jobs\"\n";

/// The WIT file of the guest.
fn wit() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/wit/typed.wit")
}

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
        let settings = JobSettings {
            contract: Some(self.contract.clone()),
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

/// A directory with the contract, on this Redis.
fn setup(redis: &Redis, toml: &str) -> Setup {
    let setup = Setup::new(redis, toml).plugin("typed", &guest("typed"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::copy(wit(), setup.path("wit/typed.wit")).unwrap();
    setup
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
    assert!(line.contains(&format!("\"job\":\"{bad}\"")), "{line}");
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
fn a_plugin_whose_types_are_not_the_contracts_is_refused_with_the_difference() {
    let redis = Redis::shared();
    let setup = setup(&redis, TOML);
    let changed = std::fs::read_to_string(wit())
        .unwrap()
        .replace("count: u32,", "count: u64,\n    extra: bool,");
    std::fs::write(setup.path("wit/typed.wit"), changed).unwrap();
    let ended = setup.cli(&["check"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let expected = "it differs from the contract test:typed/jobs@1.0.0: every: data.smalls[].extra \
                    was removed; every: data.smalls[].count was u64, is u32";
    let text = format!("{}{}", ended.stdout, ended.stderr);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_plugin_without_the_contract_of_its_queue_is_refused() {
    let redis = Redis::shared();
    let check = |toml: &str, plugin: &str| {
        let setup = Setup::new(&redis, toml).plugin(plugin, &guest(plugin));
        let ended = setup.cli(&["check"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        format!("{}{}", ended.stdout, ended.stderr)
    };
    let text = check(
        "[queues.work]\nplugin = \"noop\"\ncontract = \"a:b/c\"\n",
        "noop",
    );
    let expected = "it does not export the contract \"a:b/c\"; it exports \
                    runner:plugin/handler@0.1.0";
    assert!(text.contains(expected), "{text}");
    let text = check("[queues.work]\nplugin = \"typed\"\n", "typed");
    let expected = "it exports test:typed/jobs@1.0.0 but not \"runner:plugin/handler@0.1.0\": name \
                    the interface in queues.toml, `contract = \"test:typed/jobs\"`";
    assert!(text.contains(expected), "{text}");
    let text = check(&format!("{TOML}names = {{ x = \"fwe\" }}\n"), "typed");
    let expected = "`names` sends jobs to \"fwe\", which test:typed/jobs@1.0.0 does not have; it has \
                    every, few,";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn an_interface_with_a_type_that_has_no_json_is_no_contract() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, &TOML.replace("test:typed/jobs", "test:odd/jobs"));
    let setup = setup.plugin("typed", &guest("resourceful"));
    let ended = setup.cli(&["check"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let told = "error: plugin \"typed\": test:odd/jobs cannot be a contract: ";
    assert!(ended.stderr.starts_with(told), "{ended:?}");
    assert!(ended.stderr.contains("resource"), "{ended:?}");
}

#[test]
fn a_mistake_in_a_wit_file_is_told_with_line_and_column() {
    let redis = Redis::shared();
    let setup = setup(&redis, TOML);
    let mistake = |text: &str| {
        std::fs::write(setup.path("wit/typed.wit"), text).unwrap();
        let ended = setup.cli(&["check"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.stderr
    };
    let text =
        mistake("package test:typed@1.0.0;\ninterface jobs {\n  few: func(data: smal);\n}\n");
    assert!(text.contains("typed.wit:3:19"), "{text}");
    assert!(text.contains("`smal` does not exist"), "{text}");
    let text = mistake(
        "package test:typed@1.0.0;\ninterface jobs {\n  resource r;\n  few: func(data: r);\n}\n",
    );
    let expected = "names \"test:typed/jobs\", which cannot be a contract: function `few`: \
                    parameter `data`: a resource has no JSON";
    assert!(text.contains(expected), "{text}");
    let text =
        mistake("package test:typed@1.0.0;\ninterface jobs {\n  /// @secret\n  few: func();\n}\n");
    let expected = "`@secret` is not a known tag; use @name, @sensitive, @example or @format";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn jobs_that_would_not_fit_are_found_before_a_contract_is_used() {
    let redis = Redis::shared();
    let setup = setup(&redis, TOML);
    let small = r#"{"name":"Ada","count":1}"#;
    redis.add("work", "few", small, "{}");
    for _ in 0..5 {
        redis.add("work", "few", r#"{"name":"Ada"}"#, "{}");
    }
    redis.add(
        "work",
        "few",
        r#"{"name":1,"count":1}"#,
        r#"{"delay":600000}"#,
    );
    redis.add("work", "gone", "{}", r#"{"priority":2}"#);
    let ended = setup.cli(&["check", "--against-redis"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let missing = "few: 5 to run, 0 failed (e.g. 2, 3, 4): the payload is not that of \
                   test:typed/jobs#few: data.count: is missing; expected an integer (u32)";
    let name = "few: 1 to run, 0 failed (e.g. 7): the payload is not that of test:typed/jobs#few: \
                data.name: expected a string, found 1";
    let unknown = "gone: 1 to run, 0 failed (e.g. 8): the contract test:typed/jobs has no job \
                   \"gone\"";
    let head = "misfits work: 1 jobs fit test:typed/jobs@1.0.0";
    for expected in [head, missing, name, unknown] {
        assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    }
    assert!(
        ended
            .stderr
            .contains("7 pending jobs do not fit their contract"),
        "{ended:?}"
    );
    let ended = setup.cli(&["--json", "check", "--against-redis"]);
    let reports: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(reports[0]["fit"], 1);
    assert_eq!(reports[0]["misfits"][0]["path"], "data.count");
    assert_eq!(reports[0]["misfits"][0]["pending"], 5);
}

#[test]
fn a_contract_that_is_edited_counts_for_the_next_job() {
    let redis = Redis::shared();
    let setup = setup(&redis, TOML).plugin("echo", &guest("echo"));
    let head = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    let echo = |more: &str| {
        setup.write(
            &head
                .replace("\"typed\"", "\"echo\"")
                .replace("contract =", more),
        )
    };
    echo("# no contract =");
    let runner = setup.serve();
    let add = || redis.add("work", "few", r#"{"name":"Ada","count":-1}"#, "{}");
    assert_eq!(redis.until_ended("work", &add()), "completed");
    echo("contract =");
    runner.until_logged("queues.toml was reloaded");
    let checked = || (redis.until_ended("work", &add()) == "failed").then_some(());
    crate::support::until("the contract counts", checked);
    let text = std::fs::read_to_string(wit()).unwrap();
    let wider = text.replace("count: u32,", "count: s32,");
    std::fs::write(setup.path("wit/typed.wit"), wider).unwrap();
    let fits = || (redis.until_ended("work", &add()) == "completed").then_some(());
    crate::support::until("the edited contract counts", fits);
    // A mistake changes nothing.
    std::fs::write(setup.path("wit/typed.wit"), "package").unwrap();
    runner.until_logged("typed.wit:1");
    assert_eq!(redis.until_ended("work", &add()), "completed");
}

#[test]
fn a_typed_file_that_no_queue_names_can_be_looked_at_and_tried() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let file = guest("typed");
    let file = file.to_str().unwrap();
    let ended = setup.cli(&["plugin", "inspect", file]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("test:typed/jobs@1.0.0"), "{ended:?}");
    let run = |name: &str, data: &str| setup.cli(&["run", file, data, "--name", name]);
    let ended = run("few", r#"{"name":"Ada","count":1}"#);
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), "{\"name\":\"Ada\",\"count\":1}\n")
    );
    let ended = run("few", r#"{"name":"Ada"}"#);
    assert!(ended.stderr.contains("data.count: is missing"), "{ended:?}");
    let ended = run("fwe", "{}");
    let expected = "plugin \"typed\" has typed functions and no handler; the queue must name its \
                    contract: contract = \"test:typed/jobs\"";
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn what_is_sensitive_in_a_payload_is_covered_in_what_a_plugin_says() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"scripted\"\ncontract = \"test:pins/jobs\"\n";
    let setup = Setup::new(&redis, toml).plugin("scripted", &guest("scripted"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    let wit = "package test:pins;
        interface jobs {
            /// @sensitive
            record card { number: string, owners: list<string>, valid: bool }
            record attempt {
                log: list<string>, reject: string,
                /// @sensitive
                pin: u32,
                card: option<card>,
            }
            check: func(data: attempt);
        }";
    std::fs::write(setup.path("wit/pins.wit"), wit).unwrap();
    let runner = setup.serve();
    let data = json!({
        "log": ["pin 98765 of Ada Lovelace, 1 of 4111-1111"],
        "reject": "98765 is not the pin of 4111-1111",
        "pin": 98765,
        "card": { "number": "4111-1111", "owners": ["Ada Lovelace"], "valid": true },
    });
    let id = redis.add("work", "check", data.to_string(), "{}");
    assert_eq!(redis.until_ended("work", &id), "failed");
    assert_eq!(
        redis.field("work", &id, "failedReason").as_deref(),
        Some("[redacted] is not the pin of [redacted]")
    );
    runner.until_logged("pin [redacted] of [redacted], 1 of [redacted]");
    let log = runner.log().concat();
    let kept: Vec<String> = redis.run(&[
        "LRANGE",
        &redis.key("work", &format!("{id}:logs")),
        "0",
        "-1",
    ]);
    for value in ["98765", "4111", "Lovelace"] {
        assert!(!log.contains(value), "{log}");
        assert!(!kept.concat().contains(value), "{kept:?}");
    }
}

/// The blocks of docs/contracts.md in this language.
fn blocks(language: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/contracts.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")));
    blocks.map(str::to_owned).collect()
}

#[test]
fn the_example_of_the_documentation_works() {
    let redis = Redis::shared();
    let wit = blocks("wit").concat();
    let toml = blocks("toml").remove(0);
    let setup = Setup::new(&redis, &toml).plugin("otp-sender", &guest("echo"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/otp.wit"), wit).unwrap();
    let console = blocks("console").remove(0);
    let (command, refused) = console.split_once('\n').unwrap();
    let words: Vec<&str> = command
        .strip_prefix("$ runner ")
        .unwrap()
        .split(' ')
        .collect();
    let (data, words) = words.split_last().unwrap();
    let ended = setup.cli(&[words, &[data.trim_matches('\'')]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), refused));
    let fits = data.trim_matches('\'').replace("123456", "\"123456\"");
    let ended = setup.cli(&[words, &[fits.as_str()]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn wit_files_are_read_only_where_a_contract_is_named() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.work]\nplugin = \"echo\"\n");
    let setup = setup.plugin("echo", &guest("echo"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/others.wit"), "package").unwrap();
    let ended = setup.cli(&["check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = setup.cli(&["check", "--against-redis"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.ends_with("no queue has a contract\n"),
        "{ended:?}"
    );
}
