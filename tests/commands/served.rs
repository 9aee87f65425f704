//! Programs on the way of every plugin: queues, contracts, swaps, commands.

use serde_json::json;

use crate::support::wasm::{module, program};
use crate::support::{Redis, Setup, guest, until};

const TOML: &str = "[queues.work]\nplugin = \"it\"\n";

fn answer(redis: &Redis, name: &str, data: &str) -> String {
    let id = redis.add("work", name, data, "{}");
    redis.until_ended("work", &id);
    redis.field("work", &id, "returnvalue").unwrap_or_default()
}

#[test]
fn one_version_of_a_program_replaces_another_while_jobs_run() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TOML).plugin("it", &module("program"));
    let runner = setup.serve();
    assert_eq!(answer(&redis, "echo", "1"), "1");
    for file in [module("answer"), program("program"), module("program")] {
        let answers = file == module("answer");
        setup.install("it", &file);
        let expected = if answers { "42" } else { "7" };
        until("the version", || {
            (answer(&redis, "echo", "7") == expected).then_some(())
        });
    }
    // A handler, and back.
    setup.install("it", &guest("echo"));
    until("the handler", || {
        (answer(&redis, "any", r#"{"a":1}"#) == r#"{"a":1}"#).then_some(())
    });
    setup.install("it", &module("answer"));
    until("the program", || {
        (answer(&redis, "any", "1") == "42").then_some(())
    });
    // The file that is refused leaves the one that serves.
    std::fs::write(setup.path("plugins/it.new"), b"\0asm\x01\0\0\0").unwrap();
    std::fs::rename(setup.path("plugins/it.new"), setup.path("plugins/it.wasm")).unwrap();
    runner.until_logged("it is a core module without `_start`");
    assert_eq!(answer(&redis, "any", "1"), "42");
}

#[test]
fn a_job_fails_in_redis_with_its_code_and_its_last_words() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TOML).plugin("it", &module("program"));
    let _runner = setup.serve();
    let id = redis.add("work", "fail 65", "no such shop", r#"{"attempts":3}"#);
    redis.until_ended("work", &id);
    let reason = redis.field("work", &id, "failedReason");
    assert_eq!(reason.as_deref(), Some("exit code 65 (data): no such shop"));
    // Rejected: at its first attempt.
    assert_eq!(redis.field("work", &id, "atm").as_deref(), Some("1"));
}

#[test]
fn a_program_is_compiled_once() {
    let redis = Redis::shared();
    let toml = format!("[runtime]\ncache = \"cache\"\n{TOML}");
    let setup = Setup::new(&redis, &toml).plugin("it", &module("answer"));
    let inspected = || -> serde_json::Value {
        let ended = setup.cli(&["plugin", "inspect", "it", "--json"]);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"))
    };
    assert_eq!(inspected()["cached"], false);
    assert_eq!(inspected()["cached"], true);
}

#[test]
fn inspect_shows_the_door_and_what_a_program_is_given() {
    let toml = format!(
        "{TOML}[plugins.it]\nargs = [\"--shop\", \"{{data.shop}}\"]\nscratch = \"64MiB\"\n\
         env = {{ TZ = \"UTC\" }}\nstdout = \"text\"\n"
    );
    let setup = Setup::new(&Redis::shared(), &toml)
        .plugin("it", &module("program"))
        .plugin("component", &program("program"))
        .plugin("handler", &guest("echo"));
    let shown = |plugin: &str, lines: &[&str]| {
        let ended = setup.cli(&["plugin", "inspect", plugin]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        for line in lines {
            assert!(
                ended.stdout.lines().any(|of| of == *line),
                "{line}: {}",
                ended.stdout
            );
        }
    };
    shown(
        "it",
        &[
            "door     command",
            "export   _start",
            "import   wasi_snapshot_preview1",
            "dir      /tmp is of each job, 64MiB",
            "env      TZ",
            "called   it \"--shop\" \"{data.shop}\"",
        ],
    );
    shown(
        "plugins/component.wasm",
        &["door     command", "called   component"],
    );
    shown("plugins/handler.wasm", &["door     handler"]);
    let ended = setup.cli(&["plugin", "inspect", "it", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(shown["doors"], json!(["command"]));
    assert_eq!(shown["grants"]["args"], json!(["--shop", "{data.shop}"]));
    assert_eq!(shown["grants"]["env"], json!(["TZ"]));
    assert_eq!(shown["grants"]["scratch"], 64 << 20);
    assert_eq!(shown["grants"]["stdout"], "text");
}

#[test]
fn keys_of_a_program_are_told_when_the_plugin_is_none() {
    let toml = format!(
        "{TOML}[plugins.it]\nargs = [\"x\"]\nargv0 = \"y\"\nstdin = \"{{id}}\"\n\
         stdout = \"text\"\nscratch = \"1MiB\"\nenv = {{ A = \"b\" }}\n"
    );
    let setup = Setup::new(&Redis::shared(), &toml).plugin("it", &guest("echo"));
    let ended = setup.cli(&["check"]);
    let told = |key| {
        format!(
            "warning: `plugins.it.{key}` has no effect: only a command has it, and the plugin is \
             none\n"
        )
    };
    let expected: String = ["args", "argv0", "stdin", "stdout"].map(told).concat();
    assert_eq!((ended.code, ended.stderr), (Some(0), expected));
    let runner = setup.serve();
    runner.until_logged("the key has no effect: only a command has it, and the plugin is none");
    setup.install("it", &module("program"));
    let ended = setup.cli(&["check"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}

/// Orders with a total, which is what a job of them returns.
const WIT: &str = "package shop:orders;
interface orders {
  record order { id: string, total: f64 }
  bill: func(order: order) -> u32;
}
";

#[test]
fn a_contract_holds_for_what_goes_in_and_what_comes_out() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"it\"\ncontract = \"shop:orders/orders\"\n\
                names = { \"echo\" = \"bill\", \"repeat *\" = \"bill\" }\n\
                [plugins.it]\nstdin = \"{data.id}\"\n";
    let setup = Setup::new(&redis, toml).plugin("it", &module("program"));
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/orders.wit"), WIT).unwrap();
    let _runner = setup.serve();
    let ended = |name: &str, data: &str| {
        let id = redis.add("work", name, data, "{}");
        redis.until_ended("work", &id);
        let value = redis.field("work", &id, "returnvalue");
        value
            .or_else(|| redis.field("work", &id, "failedReason"))
            .unwrap()
    };
    assert_eq!(ended("echo", r#"{"id":"12","total":1.5}"#), "12");
    assert_eq!(
        ended("echo", r#"{"id":"12"}"#),
        "the payload is not that of shop:orders/orders#bill: data.total: is missing; expected a \
         number"
    );
    assert_eq!(
        ended("echo", r#"{"id":"twelve","total":1}"#),
        "the result is not that of shop:orders/orders#bill: result: expected an integer (u32), \
         found the string \"twelve\""
    );
}

#[test]
fn cases_try_a_program_as_they_try_a_handler() {
    let setup = Setup::new(&Redis::shared(), TOML).plugin("it", &module("program"));
    let cases = "plugin = \"it\"\n\
        [[case]]\nname = \"echoes\"\njob = \"echo\"\ndata = { a = 1 }\n\
        expect = { outcome = \"completed\", result = { a = 1 } }\n\
        [[case]]\nname = \"rejects\"\njob = \"fail 65\"\ndata = \"no shop\"\n\
        expect = { outcome = \"rejected\", reason = \"exit code 65*\" }\n";
    std::fs::write(setup.path("cases.toml"), cases).unwrap();
    let ended = setup.cli(&["test", "cases.toml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
