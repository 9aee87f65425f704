//! What a program is called with, and what becomes of what it writes.

use runner::config::{
    Argument, Config, Env, JobSettings, Overrides, Piece, Placeholder, Plugin, Secret, Stdout,
    Variable,
};
use runner::outcome::{Cause, Outcome};
use runner::queue::Job;
use serde_json::{Value, json};

use super::{completes, fails, granted, rejects, run, sandbox};
use crate::support::now;
use crate::support::sandbox::{NAME, Sandbox, job};
use crate::support::wasm::program;

/// A plugin with these arguments, as `queues.toml` writes them.
fn called(args: &str) -> Plugin {
    let toml = format!("[queues.q]\nplugin = \"p\"\n[plugins.p]\nargs = {args}\n");
    let path = std::path::Path::new("queues.toml");
    let loaded = Config::parse(path, &toml, &Overrides::default(), &Env::default());
    Plugin {
        args: loaded.unwrap().config.plugins["p"].args.clone(),
        ..Plugin::default()
    }
}

/// The arguments that the program had.
fn arguments(args: &str, data: &str) -> Vec<String> {
    let sandbox = granted(called(args));
    serde_json::from_str(&completes(&sandbox, "args", data)).unwrap()
}

#[test]
fn the_payload_is_on_stdin_byte_for_byte() {
    for sandbox in [sandbox(), Sandbox::new(&program("program"))] {
        for data in [
            r#"{"n":12345678901234567890,"x":1.10}"#,
            r#"["\u00e9", "日本語 🦀"]"#,
            "  [1,  2]  ",
        ] {
            assert_eq!(completes(&sandbox, "echo", data), data);
        }
        let large = json!({ "text": "x".repeat(4 << 20) }).to_string();
        assert_eq!(completes(&sandbox, "echo", &large), large);
    }
}

#[test]
fn a_large_payload_that_is_never_read_is_no_trouble() {
    let large = json!("x".repeat(8 << 20)).to_string();
    assert_eq!(completes(&sandbox(), "exit 0", &large), "null");
}

#[test]
fn what_is_no_json_is_a_text_without_its_line_end() {
    let sandbox = sandbox();
    let result = |written: &str| {
        let data: Vec<String> = written.bytes().map(|byte| byte.to_string()).collect();
        completes(&sandbox, "bytes", &data.join(" "))
    };
    for (written, value) in [
        ("", "null"),
        ("\n", "null"),
        ("\r\n", "null"),
        ("42\n", "42"),
        (" {\"a\": 1.0}\n", " {\"a\": 1.0}"),
        ("\"text\"\n", "\"text\""),
        ("text\n", "\"text\""),
        ("two\r\nlines\r\n", "\"two\\r\\nlines\""),
        ("two\n\n", "\"two\\n\""),
        ("NaN\n", "\"NaN\""),
        (
            "{\"a\":1}\n{\"b\":2}\n",
            "\"{\\\"a\\\":1}\\n{\\\"b\\\":2}\"",
        ),
        ("é\n", "\"é\""),
    ] {
        assert_eq!(result(written), value, "{written:?}");
    }
    let failure = fails(&sandbox, "bytes", "65 66 255");
    assert_eq!(
        (failure.cause, &*failure.reason),
        (
            Cause::Result,
            "the result, on stdout, is not UTF-8 from byte 2 on; `stdout = \"base64\"` of the \
             plugin takes any"
        )
    );
}

#[test]
fn what_stdout_is_can_be_said() {
    let result = |stdout, written: &str| {
        let plugin = Plugin {
            stdout,
            ..Plugin::default()
        };
        completes(&granted(plugin), "bytes", written)
    };
    assert_eq!(result(Stdout::Text, "52 50 10"), "\"42\"");
    assert_eq!(result(Stdout::Text, ""), "null");
    assert_eq!(result(Stdout::Base64, "0 255 10"), "\"AP8K\"");
    assert_eq!(result(Stdout::Base64, ""), "null");
}

#[test]
fn a_result_has_the_limit_of_its_queue() {
    let settings = || JobSettings {
        max_result: 1000,
        ..JobSettings::default()
    };
    let sandbox = sandbox();
    // The quotes of a text count.
    for (name, fits) in [("repeat 998", true), ("repeat 999", false)] {
        match run(&sandbox, name, "x", settings()) {
            Outcome::Completed(value) => assert!(fits && value.len() == 1000),
            Outcome::Retry { failure, .. } => {
                assert!(!fits);
                assert_eq!(
                    failure.reason,
                    "the result has 1001 bytes; this queue stores 1000 (max_result)"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_program_that_writes_without_end_is_ended() {
    let failure = fails(&sandbox(), "flood", "{}");
    assert_eq!(
        (failure.cause, &*failure.reason),
        (
            Cause::Result,
            "the result, on stdout, has more than the 5242880 bytes that this queue stores \
             (max_result)"
        )
    );
}

#[test]
fn a_placeholder_is_one_argument_whatever_it_holds() {
    let data = json!({
        "shop": { "id": "a b; rm -rf \"$HOME\" {name} \n 日本" },
        "n": 1, "list": [true, { "x": [] }], "empty": "",
    });
    assert_eq!(
        arguments(
            r#"["--shop={data.shop.id}", "{data.n}", "{data.list.1}", "{data.list.0}{id}",
                "{{{name}}}", "{data.empty}", "", "{queue} {attempt}/{maxAttempts}"]"#,
            &data.to_string()
        ),
        [
            NAME,
            "--shop=a b; rm -rf \"$HOME\" {name} \n 日本",
            "1",
            r#"{"x":[]}"#,
            "true1",
            "{args}",
            "",
            "",
            "work 1/1",
        ]
    );
    assert_eq!(arguments(r#"["{data}"]"#, "[1, 2]"), [NAME, "[1, 2]"]);
    // Numbers are as they were written.
    let exact = r#"{"n":12345678901234567890.10}"#;
    assert_eq!(
        arguments(r#"["{data.n}"]"#, exact)[1],
        "12345678901234567890.10"
    );
}

#[test]
fn a_job_without_the_value_is_rejected_unless_that_is_allowed() {
    let told = |args: &str, data: &str| {
        let failure = rejects(&granted(called(args)), "args", data);
        assert_eq!(failure.cause, Cause::Payload);
        failure.reason
    };
    for (args, data, reason) in [
        (
            r#"["--shop={data.shop.id}"]"#,
            r#"{"shop":{}}"#,
            r#"the argument "--shop={data.shop.id}": the payload has no data.shop.id; {data.shop.id?} allows for that"#,
        ),
        (
            r#"["{data.shop.id}"]"#,
            r#"{"shop":"text"}"#,
            r#"the argument "{data.shop.id}": the payload has no data.shop.id; {data.shop.id?} allows for that"#,
        ),
        (
            r#"["{data.items.2}"]"#,
            r#"{"items":[1,2]}"#,
            r#"the argument "{data.items.2}": the payload has no data.items.2; {data.items.2?} allows for that"#,
        ),
        (
            r#"["{data.a}"]"#,
            r#"{"a":null}"#,
            r#"the argument "{data.a}": data.a of the payload is null; {data.a?} allows for that"#,
        ),
        (
            r#"["{requestId}"]"#,
            "{}",
            r#"the argument "{requestId}": the payload has no requestId; {requestId?} allows for that"#,
        ),
        (
            r#"["{data.a}"]"#,
            r#"{"a":"x\u0000--evil"}"#,
            r#"the argument "{data.a}": it has the character U+0000, where a program would stop reading"#,
        ),
        (
            r#"["{data.a}"]"#,
            "not json",
            r#"the argument "{data.a}": the payload is not JSON; {data.a?} allows for that"#,
        ),
    ] {
        assert_eq!(told(args, data), reason);
    }
    let optional = r#"["{data.a?}", "<{data.b.c?}>", "{requestId?}"]"#;
    assert_eq!(arguments(optional, r#"{"a":null}"#), [NAME, "", "<>", ""]);
}

#[test]
fn a_job_whose_name_a_program_cannot_be_given_is_rejected() {
    let failure = rejects(&sandbox(), "ec\0ho", "{}");
    assert_eq!(
        failure.reason,
        "the job's name: it has the character U+0000, where a program would stop reading"
    );
}

#[test]
fn the_job_and_what_the_plugin_was_granted_are_in_the_environment() {
    let variables = [
        ("SHOP", Variable::Plain("ünï".into())),
        ("API_KEY", Variable::Secret(Secret("hunter2hunter2".into()))),
    ];
    let plugin = Plugin {
        env: variables
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        argv0: Some("yosys".into()),
        ..called(r#"["{deadline}"]"#)
    };
    let sandbox = granted(plugin);
    let before = now();
    let printed = completes(&sandbox, "env", r#"{"requestId":"r-1"}"#);
    let text: String = serde_json::from_str(&printed).unwrap();
    let (deadline, others): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| line.starts_with("RUNNER_DEADLINE="));
    assert_eq!(
        others,
        [
            // Secrets are taken out of results as they are for others.
            "API_KEY=[redacted]",
            "SHOP=ünï",
            "RUNNER_JOB_ID=1",
            "RUNNER_JOB_NAME=env",
            "RUNNER_QUEUE=work",
            "RUNNER_ATTEMPT=1",
            "RUNNER_MAX_ATTEMPTS=1",
            "RUNNER_REQUEST_ID=r-1",
        ]
    );
    let deadline: u64 = deadline[0]["RUNNER_DEADLINE=".len()..].parse().unwrap();
    let timeout = JobSettings::default().timeout.as_millis() as u64;
    assert!((before + timeout..=now() + timeout).contains(&deadline));
    let arguments = completes(&sandbox, "args", "{}");
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    assert_eq!(arguments[0], "yosys");
    assert!(arguments[1].parse::<u64>().unwrap() > before);
}

#[test]
fn a_variable_is_there_for_a_handler_too() {
    let plugin = Plugin {
        env: [("TZ".to_owned(), Variable::Plain("Europe/Berlin".into()))].into(),
        ..Plugin::default()
    };
    let sandbox = Sandbox::granted(&crate::support::guest("reach"), plugin);
    match sandbox.run("environment", "{}") {
        Outcome::Completed(value) => {
            let value: Value = serde_json::from_str(&value).unwrap();
            assert_eq!(value, json!([["TZ", "Europe/Berlin"]]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn stdin_can_be_a_part_of_the_payload() {
    let path = vec!["text".to_owned()];
    let placeholder = Placeholder::Data {
        path,
        optional: false,
    };
    let plugin = Plugin {
        stdin: Some(Argument(vec![Piece::Placeholder(placeholder)])),
        stdout: Stdout::Text,
        ..Plugin::default()
    };
    let sandbox = granted(plugin);
    let data = r#"{"text":"line\nwith \"quotes\" and \u0000"}"#;
    let text = r#""line\nwith \"quotes\" and \u0000""#;
    assert_eq!(completes(&sandbox, "echo", data), text);
    let failure = rejects(&sandbox, "echo", "{}");
    assert_eq!(
        failure.reason,
        "`stdin`: the payload has no data.text; {data.text?} allows for that"
    );
}

#[test]
fn stderr_is_the_log_and_some_lines_are_progress() {
    let said = "first\n\n::progress 40 page 2\n\u{1b}[31mred\n::progress none\nlast";
    let sandbox = sandbox();
    let running = sandbox.start(job("say", said), JobSettings::default());
    assert_eq!(running.outcome(), Outcome::Completed("null".into()));
    let notes = running.attempt.take_notes();
    assert_eq!(
        notes.progress.as_deref(),
        Some(r#"{"percent":40,"message":"page 2"}"#)
    );
    let lines: Vec<&str> = notes
        .logs
        .iter()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(
        lines,
        [
            "INFO first",
            r"INFO \u001b[31mred",
            "INFO ::progress none",
            "INFO last"
        ]
    );
}

#[test]
fn a_flood_of_complaints_ends_with_the_attempt() {
    let settings = JobSettings {
        timeout: std::time::Duration::from_millis(500),
        max_logs: 10,
        ..JobSettings::default()
    };
    let sandbox = sandbox();
    let running = sandbox.start(job("complain", "{}"), settings);
    match running.outcome() {
        Outcome::Retry { failure, .. } => assert_eq!(failure.reason, "timed out after 500ms"),
        other => panic!("{other:?}"),
    }
    let logs = running.logs();
    assert_eq!(logs.len(), 10);
    assert_eq!(
        logs[9],
        "INFO this attempt may log 10 lines (max_logs); further lines are dropped"
    );
}

#[test]
fn there_are_no_sockets() {
    let refused = completes(
        &Sandbox::new(&program("program")),
        "connect 127.0.0.1:1",
        "{}",
    );
    assert_eq!(refused, "\"PermissionDenied\"");
}

#[test]
fn granted_directories_can_be_read_and_not_written() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("share.txt"), "library").unwrap();
    let sandbox = granted(Plugin {
        dirs: [("/share".to_owned(), directory.path().to_owned())].into(),
        ..Plugin::default()
    });
    assert_eq!(
        completes(&sandbox, "read /share/share.txt", "{}"),
        "\"library\""
    );
    assert_eq!(
        completes(&sandbox, "write /share/share.txt", "{}"),
        "\"PermissionDenied\""
    );
    assert_eq!(completes(&sandbox, "read /tmp/x", "{}"), "\"NotFound\"");
}

#[test]
fn each_job_is_a_program_of_its_own() {
    let sandbox = sandbox();
    let running: Vec<_> = (0..50)
        .map(|id| {
            let job = Job {
                id: id.to_string(),
                ..job("echo", &id.to_string())
            };
            sandbox.start(job, JobSettings::default())
        })
        .collect();
    for (id, running) in running.iter().enumerate() {
        assert_eq!(running.outcome(), Outcome::Completed(id.to_string()));
    }
}
