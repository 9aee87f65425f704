//! Which contract a plugin may be loaded under, what a change of it waits for, and
//! the mistakes in WIT files.

use serde_json::{Value, json};

use super::{TOML, setup, wit};
use crate::support::{Redis, Setup, guest};

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
