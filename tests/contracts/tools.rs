//! What a contract is to other tools: TypeScript that a producer compiles
//! against BullMQ, JSON Schema that takes what Runner takes, OpenAPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use runner::contract::{self, Library, Rules};
use serde_json::{Value, json};

use crate::support::{Redis, Setup, guest};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A queue with a contract of every kind of type, and one of codes.
fn setup() -> Setup {
    let toml = "[queues.typed]\ncontract = \"test:typed/jobs\"\n\
                [queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n[queues.bare]\n";
    let setup = Setup::new(&Redis::shared(), toml);
    let wit = setup.path("wit");
    std::fs::create_dir(&wit).unwrap();
    std::fs::copy(root("tests/guests/wit/typed.wit"), wit.join("typed.wit")).unwrap();
    std::fs::copy(root("wit/queues/otp.wit"), wit.join("otp.wit")).unwrap();
    setup
}

#[track_caller]
fn print(setup: &Setup, arguments: &[&str]) -> String {
    let ended = setup.cli(arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// What tsc says of a producer beside the types.
fn compile(setup: &Setup, producer: &str) -> String {
    std::fs::write(setup.path("producer.ts"), producer).unwrap();
    let modules = setup.path("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(root("tests/node/node_modules"), modules).unwrap();
    }
    std::fs::write(setup.path("package.json"), r#"{"type":"module"}"#).unwrap();
    let output = Command::new("node")
        .current_dir(setup.path(""))
        .args(["node_modules/typescript/bin/tsc", "--strict", "--noEmit"])
        .args([
            "--skipLibCheck",
            "--target",
            "es2022",
            "--module",
            "nodenext",
        ])
        .args(["--types", "", "producer.ts"])
        .output()
        .expect("node starts");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn producers_compile_with_the_types_of_a_contract_and_not_with_a_wrong_field() {
    let setup = setup();
    for queue in ["typed", "otp-queue"] {
        let text = print(&setup, &["contract", "typescript", queue]);
        std::fs::write(setup.path(&format!("{queue}.ts")), text).unwrap();
    }
    let producer = "\
        import { Queue } from 'bullmq';\n\
        import type { OtpQueue, OtpRequest, Receipt, WhatsappOtpQueue } from './otp-queue.js';\n\
        import type { All, Jobs } from './typed.js';\n\
        const options = { connection: { host: '127.0.0.1' } };\n\
        const data: OtpRequest = { recipient: '+14155550123', otp: '123456' };\n\
        const one: WhatsappOtpQueue = new Queue<OtpRequest, Receipt, 'whatsapp-otp'>('otp-queue', options);\n\
        const job = await one.add('whatsapp-otp', data, { attempts: 3 });\n\
        const receipt: Receipt = job.returnvalue;\n\
        const all = new Queue('otp-queue', options) as OtpQueue;\n\
        await all.add('email-otp', { ...data, userName: receipt.provider }, { delay: 10 });\n\
        const event: Jobs['happened']['data'] = { tag: 'seen', val: { name: 'n', count: 1 } };\n\
        const every: Partial<All> = { event, channel: 'SMS', pair: [1, 'x'], perhaps: { tag: 'none' } };\n\
        console.log(every, event);\n";
    assert_eq!(compile(&setup, producer), "");
    let wrong = "\
        import type { OtpQueue } from './otp-queue.js';\n\
        declare const all: OtpQueue;\n\
        await all.add('email-otp', { recepient: 'a@example.com', otp: '123456' });\n\
        await all.add('sms-otp', { recipient: 'a@example.com', otp: '123456' });\n";
    let told = compile(&setup, wrong);
    assert!(told.contains("producer.ts(3,30): error TS2561"), "{told}");
    assert!(told.contains("producer.ts(4,15): error TS2345"), "{told}");
}

// Long because it is one table of payloads.
#[test]
fn the_schema_takes_and_refuses_what_the_contract_takes_and_refuses() {
    let setup = setup();
    let library = Library::read(&root("tests/guests/wit")).unwrap();
    let interface = library.get("test:typed/jobs").unwrap().unwrap().clone();
    let small = json!({ "name": "Ada", "count": 3 });
    let payloads = [
        ("few", small.clone()),
        (
            "few",
            json!({ "name": "Ada", "count": 3, "note": null, "more": 1 }),
        ),
        ("few", json!({ "name": "Ada" })),
        ("few", json!({ "name": "Ada", "count": -1 })),
        ("few", json!({ "name": "Ada", "count": 1.5 })),
        ("few", json!({ "name": 5, "count": 1 })),
        ("few", json!([])),
        ("happened", json!({ "tag": "nothing" })),
        ("happened", json!({ "tag": "seen", "val": small })),
        ("happened", json!({ "tag": "seen" })),
        ("happened", json!({ "tag": "counted", "val": i64::MIN })),
        ("happened", json!({ "tag": "counted", "val": 0.5 })),
        ("happened", json!({ "tag": "other" })),
        ("count", json!(-128)),
        ("count", json!(128)),
        ("bytes", json!("AAEC")),
        ("bytes", json!("*")),
        ("bytes", json!([0, 255])),
        ("bytes", json!([256])),
        ("two", json!({ "firstName": "A" })),
        ("two", json!({ "howMany": 3 })),
        ("fail", json!({ "tag": "snooze", "val": [5, "later"] })),
        ("fail", json!({ "tag": "snooze", "val": [5] })),
        ("nothing", json!("anything")),
    ];
    let cases: Vec<Value> = payloads
        .iter()
        .map(|(job, data)| {
            let schema = print(&setup, &["contract", "schema", "typed", "--job", job]);
            let schema: Value = serde_json::from_str(&schema).unwrap();
            json!([schema, data])
        })
        .collect();
    let script = "\
        import { readFileSync } from 'node:fs';\n\
        import Ajv from 'ajv/dist/2020.js';\n\
        const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));\n\
        const options = { strict: true, strictTypes: false, keywords: ['x-sensitive'] };\n\
        const valid = ([schema, data]) => new Ajv.default(options).compile(schema)(data);\n\
        console.log(JSON.stringify(cases.map(valid)));\n";
    let file = setup.path("cases.json");
    std::fs::write(&file, serde_json::to_string(&cases).unwrap()).unwrap();
    let output = Command::new("node")
        .current_dir(root("tests/node"))
        .args(["--input-type=module", "-e", script, "--", "-"])
        .arg(&file)
        .output()
        .expect("node starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let valid: Vec<bool> = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let rules = Rules {
        strict: false,
        memory: 1 << 20,
    };
    for ((job, data), valid) in payloads.iter().zip(valid) {
        let function = interface.function(job).unwrap();
        let read = contract::read(function, &data.to_string(), rules);
        assert_eq!(read.is_ok(), valid, "{job} {data}: {read:?}");
    }
}

#[test]
fn a_contract_is_shown_to_people_with_its_words_and_examples() {
    let setup = setup();
    let text = print(&setup, &["contract", "show", "otp-queue"]);
    let expected = "\
contract fundify:otp/otp-queue@1.0.0
Codes that are sent to a person. Jobs of `otp-queue`.

whatsapp-otp → receipt
  Send a code by WhatsApp.
  recipient string, e.g. \"+14155550123\" A phone number with its country code for `whatsapp-otp`, \
                    an e-mail address for `email-otp`.
  otp string, sensitive, e.g. \"123456\" 4 to 10 digits or letters, as a string: a number would lose \
                    its leading zeros.
";
    assert!(text.starts_with(expected), "{text}");
    let text = print(&setup, &["contract", "list"]);
    assert!(text.contains("fundify:otp/otp-queue@1.0.0"), "{text}");
    let document = print(&setup, &["contract", "openapi"]);
    let document: Value = serde_json::from_str(&document).unwrap();
    let body = &document["paths"]["/api/jobs/otp-queue"]["post"]["requestBody"];
    let reference = &body["content"]["application/json"]["schema"]["anyOf"][0]["allOf"][0]["$ref"];
    assert_eq!(reference, "#/components/schemas/otp-queue.otp-request");
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["otp-queue.otp-request"]["required"],
        json!(["recipient", "otp"])
    );
}

#[test]
fn what_is_not_there_is_told_with_the_way_out() {
    let setup = setup();
    let told = |arguments: &[&str], code: i32| {
        let ended = setup.cli(arguments);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        ended.stderr
    };
    assert_eq!(
        told(&["contract", "show", "bare"], 2),
        "error: queue \"bare\" has no contract; name one in queues.toml: contract = \
         \"namespace:package/interface\"\n"
    );
    assert_eq!(
        told(&["contract", "schema", "otp-queue", "--job", "sms"], 3),
        "error: the contract fundify:otp/otp-queue has no job \"sms\"; it has whatsapp-otp, \
         email-otp\n"
    );
    let text = told(&["contract", "typescript", "otp"], 3);
    assert!(text.contains("is not declared in queues.toml"), "{text}");
}

/// What the command prints has no code, and says that something is covered.
#[track_caller]
fn covers(setup: &Setup, command: &str, cover: &str) {
    let words: Vec<&str> = command.split(' ').collect();
    let text = print(setup, &words);
    assert!(!text.contains("123456"), "{command}: {text}");
    assert!(text.contains(cover), "{command}: {text}");
}

// Long because it is one list of the commands that show a job.
#[test]
fn sensitive_values_are_covered_wherever_the_command_line_shows_a_job() {
    let redis = Redis::shared();
    let contract = "contract = \"fundify:otp/otp-queue\"\n";
    let toml = format!(
        "[queues.otp-queue]\n{contract}dead_letter = \"dead\"\n[queues.dead]\n\
         [queues.mail]\n{contract}unrouted = \"move:dead\"\n"
    );
    let setup = Setup::new(&redis, &toml);
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::copy(root("wit/queues/otp.wit"), setup.path("wit/otp.wit")).unwrap();
    let data = r#"{"recipient":"+14155550123","otp":"123456","userName":"Ada"}"#;
    // The name of a function, one that is none, and in a queue of dead letters.
    for (queue, name) in [
        ("otp-queue", "whatsapp-otp"),
        ("otp-queue", "whatsapp"),
        ("dead", "whatsapp-otp"),
        ("dead", "whatsapp"),
    ] {
        let id = redis.add(queue, name, data, "{}");
        for command in [
            format!("job get {queue} {id}"),
            format!("job get {queue} {id} --json"),
            format!("job list {queue}"),
            format!("job list {queue} --json"),
            format!("job search {queue} Ada"),
            format!("job search {queue} Ada --json"),
        ] {
            covers(&setup, &command, "[sensitive]");
        }
        if queue == "dead" {
            covers(&setup, &format!("dlq show dead {id}"), "[sensitive]");
            covers(&setup, "dlq list dead --json", "[sensitive]");
        }
        // As a Node worker would say it.
        let key = redis.key(queue, &id);
        let said = "123456 is no code";
        let trace = json!([said]).to_string();
        let fields = [
            "failedReason",
            said,
            "stacktrace",
            &trace,
            "progress",
            "\"123456\"",
        ];
        let _: u32 = redis.run(&[&["HSET", &key], &fields[..]].concat());
        let _: u32 = redis.run(&["RPUSH", &format!("{key}:logs"), said]);
        covers(
            &setup,
            &format!("job get {queue} {id}"),
            "[redacted] is no code",
        );
        covers(
            &setup,
            &format!("job logs {queue} {id}"),
            "[redacted] is no code",
        );
        if queue == "dead" {
            covers(&setup, "dlq list dead", "[redacted] is no code");
        }
        let _: u32 = redis.run(&["LREM", &redis.key(queue, "wait"), "0", &id]);
        let _: u32 = redis.run(&["ZADD", &redis.key(queue, "failed"), "1600000000000", &id]);
        covers(
            &setup,
            &format!("job list {queue}"),
            "[redacted] is no code",
        );
        let ended = setup.cli(&["job", "wait", queue, &id]);
        let said = format!("error: job {id} failed: [redacted] is no code\n");
        assert!(ended.stderr.ends_with(&said), "{ended:?}");
        assert!(!ended.stderr.contains("123456"), "{ended:?}");
    }
}

#[test]
fn a_trial_covers_the_jobs_that_it_would_add() {
    let toml = "[queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n";
    let setup = Setup::new(&Redis::shared(), toml).plugin("reach", &guest("reach"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::copy(root("wit/queues/otp.wit"), setup.path("wit/otp.wit")).unwrap();
    let code = json!({"recipient": "ada@example.com", "otp": "123456"});
    let data = json!({"queue": "otp-queue", "name": "email-otp", "data": code}).to_string();
    let ended = setup.cli(&["run", "plugins/reach.wasm", &data, "--name", "add"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let added =
        "added otp-queue email-otp {\"otp\":\"[sensitive]\",\"recipient\":\"ada@example.com\"}\n";
    assert_eq!(ended.stderr, added);
}

#[test]
fn nobody_finds_by_a_search_what_they_may_not_see() {
    let redis = Redis::shared();
    let toml = "[queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n";
    let setup = Setup::new(&redis, toml);
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::copy(root("wit/queues/otp.wit"), setup.path("wit/otp.wit")).unwrap();
    let data = r#"{"recipient":"+14155550123","otp":"123456","userName":"Ada"}"#;
    let id = redis.add("otp-queue", "whatsapp-otp", data, "{}");
    let said = ["failedReason", "123456 is no code"];
    let key = redis.key("otp-queue", &id);
    let _: u32 = redis.run(&[&["HSET", &key], &said[..]].concat());
    let found = |query: &str| {
        let text = print(&setup, &["job", "search", "otp-queue", query, "--json"]);
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["jobs"].as_array().unwrap().len()
    };
    assert_eq!(found("data.userName:Ada error:code"), 1);
    for query in [
        "123456",
        "data.otp:123456",
        "data.otp:1*",
        "data.otp:>1",
        "data:123456",
        "error:123456",
        "error:12*6",
    ] {
        assert_eq!(found(query), 0, "{query}");
        assert_eq!(found(&format!("name:* -{query}")), 1, "-{query}");
    }
}
