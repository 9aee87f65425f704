//! `runner test`: cases for a plugin in TOML, without Redis and without network.

use std::path::Path;

use serde_json::Value;

use crate::support::runner::Ended;
use crate::support::wasm::plugin;
use crate::support::{Redis, Setup, guest};

const TOML: &str = "[queues.work]\nplugin = \"scripted\"\n[queues.other]\n";

fn run(cases: &str, arguments: &[&str]) -> Ended {
    let setup = Setup::new(&Redis::shared(), TOML).plugin("scripted", &guest("scripted"));
    let file = setup.path("cases.toml");
    std::fs::write(&file, format!("plugin = \"scripted\"\n{cases}")).unwrap();
    let mut words = vec!["test", file.to_str().unwrap()];
    words.extend(arguments);
    setup.cli(&words)
}

#[test]
fn the_cases_of_the_sample_plugins_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("queues.toml")).unwrap();
    let contracts = root.join("wit").to_str().unwrap().to_owned();
    let setup = Setup::new(&Redis::shared(), &text).env("RUNNER_CONTRACTS", &contracts);
    // What queues.toml grants to read.
    std::fs::create_dir_all(setup.path("data/documents")).unwrap();
    for (name, count) in [
        ("otp-sender", 5),
        ("notifier", 6),
        ("document-processor", 4),
        ("compliance-analyzer", 2),
    ] {
        setup.install(name, &plugin(name));
        let cases = root.join(format!("plugins/{name}/cases.toml"));
        let ended = setup.cli(&["--json", "test", cases.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let rows: Value = serde_json::from_str(&ended.stdout).unwrap();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), count);
        assert!(rows.iter().all(|row| row["passed"] == true), "{rows:?}");
    }
}

#[test]
fn what_is_not_as_expected_is_told_line_by_line() {
    let cases = r#"
[[case]]
name = "other result"
job = "x"
data = { result = { a = 1, b = [1, 2] } }
expect = { outcome = "completed", result = { a = 2, b = [1, 3], c = "x" }, logs = ["hello"] }
[[case]]
name = "other end"
job = "x"
data = { reject = "no such user" }
expect = { outcome = "completed" }
[[case]]
name = "other reason"
job = "x"
data = { reject = "no such user" }
expect = { outcome = "rejected", reason = "*invoice*", requests = [{ method = "GET" }], added = [{ queue = "other" }] }
[[case]]
name = "as expected"
job = "x"
data = { reject = "no such user" }
expect = { outcome = "rejected", reason = "no such *", requests = [], added = [] }
"#;
    let ended = run(cases, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for line in [
        "  result.a: expected 2, found 1",
        "  result.b[1]: expected 3, found 2",
        "  result.c: expected \"x\", found nothing",
        "  logs: no line has \"hello\"",
        "  outcome: expected completed, found rejected: no such user",
        "  reason: expected \"*invoice*\", found \"no such user\"",
        "  requests: expected 1, found 0: ",
        "  added: expected 1, found 0: ",
        "ok as expected (",
    ] {
        let found = ended.stdout.lines().any(|of| of.starts_with(line));
        assert!(found, "{line:?} is not in\n{}", ended.stdout);
    }
    assert_eq!(ended.stderr, "error: 3 of 4 cases failed\n");
    let ended = run(cases, &["--only", "as exp"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 1));
}

#[test]
fn a_wrong_file_of_cases_is_told_with_its_place() {
    let told = |cases: &str| {
        let ended = run(cases, &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.stderr
    };
    let text = told("[[case]]\nname = \"x\"\njobb = \"y\"\nexpect = { outcome = \"completed\" }\n");
    assert!(
        text.contains("cases.toml: TOML parse error at line 4, column 1"),
        "{text}"
    );
    assert!(text.contains("unknown field `jobb`"), "{text}");
    let text = told(
        "[[case]]\nname = \"x\"\njob = \"y\"\nattempt = 0\nexpect = { outcome = \"retry\" }\n",
    );
    assert!(
        text.contains("cases.toml: \"x\": the first attempt is 1"),
        "{text}"
    );
    let case = "[[case]]\nname = \"x\"\njob = \"y\"\nexpect = { outcome = \"retry\" }\n";
    let text = told(&format!("{case}[[case.reply]]\nhosst = \"a\"\n"));
    assert!(text.contains("unknown field `hosst`"), "{text}");
    let ended = run(case, &["--only", "z"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(2), "error: no case was run\n")
    );
}

/// otp-sender with the queues of the project, and what `runner test` says of a file.
fn sample(cases: &str) -> Ended {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("queues.toml")).unwrap();
    let contracts = root.join("wit").to_str().unwrap().to_owned();
    let setup = Setup::new(&Redis::shared(), &text).env("RUNNER_CONTRACTS", &contracts);
    let setup = setup.plugin("otp-sender", &plugin("otp-sender"));
    let file = setup.path("cases.toml");
    std::fs::write(&file, cases).unwrap();
    setup.cli(&["test", file.to_str().unwrap()])
}

#[test]
fn requests_and_jobs_that_are_not_as_expected_are_told_by_their_place() {
    let ended = sample(
        r#"
plugin = "otp-sender"
config = { sender = "Example <no-reply@example.com>" }
secrets = { RESEND_API_KEY = "re_key" }
[[case]]
name = "all different"
job = "email-otp"
data = { recipient = "ada@example.com", otp = "123456" }
reply = [{ host = "api.resend.com", body = '{"id":"1"}' }]
[case.expect]
outcome = "completed"
requests = [{ method = "PUT", url = "*/sms", headers = { authorization = "x", x-none = "y" }, body = { to = ["bob@example.com"] } }]
added = [{ queue = "otp-dead", name = "sms-sent", data = { type = "sms-sent" } }]
[[case]]
name = "other delay"
job = "email-otp"
data = { recipient = "ada@example.com", otp = "123456" }
reply = [{ host = "api.resend.com", status = 503, headers = { retry-after = "3" } }]
expect = { outcome = "retry", delay = 5 }
"#,
    );
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for line in [
        "  requests[0].method: expected \"PUT\", found \"POST\"",
        "  requests[0].url: expected \"*/sms\", found \"https://api.resend.com/emails\"",
        "  requests[0].headers.authorization: expected \"x\", found ",
        "  requests[0].headers.x-none: expected \"y\", found \"nothing\"",
        "  requests[0].body.to[0]: expected \"bob@example.com\", found \"ada@example.com\"",
        "  added[0].queue: expected \"otp-dead\", found \"backend-events\"",
        "  added[0].name: expected \"sms-sent\", found \"email-sent\"",
        "  added[0].data.type: expected \"sms-sent\", found \"email-sent\"",
        "  delay: expected 5 ms, found 3000",
    ] {
        let found = ended.stdout.lines().any(|of| of.starts_with(line));
        assert!(found, "{line:?} is not in\n{}", ended.stdout);
    }
}

#[test]
fn the_example_of_the_documentation_passes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let ended = sample(example);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // What is commented out is known, too.
    let whole = example
        .replace("# delay", "delay")
        .replace("# logs", "logs");
    let whole = whole.replace("# result", "result");
    let ended = sample(&whole.replace("# queue", "queue"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let delay = "  delay: expected 2000 ms, found none";
    assert!(ended.stdout.contains(delay), "{ended:?}");
    let logs = "  logs: no line has \"email sent to a\"";
    assert!(ended.stdout.contains(logs), "{ended:?}");
}

#[test]
fn a_case_answers_statements_and_compares_them() {
    let toml = "[queues.work]\nplugin = \"statements\"\n\
                [plugins.statements.sql]\nmain = \"env:NOT_SET\"\n";
    let setup = Setup::new(&Redis::shared(), toml).plugin("statements", &guest("statements"));
    let cases = r#"
plugin = "statements"
[[case]]
name = "rows"
job = "x"
data = { statements = [{ text = "select id, name from users where id = $1", parameters = [{ integer = 7 }] }] }
sql = [{ database = "main", statement = "select * from users*", rows = [{ id = 7, price = { numeric = "12.30" } }, { id = 8 }] }]
[case.expect]
outcome = "completed"
statements = [{ database = "main", statement = "select*", parameters = [7] }]
result = { columns = ["id ", "price "], rows = [[{ integer = 7 }, { numeric = "12.30" }], [{ integer = 8 }]], affected = 2 }
[[case]]
name = "a conflict is retried"
job = "x"
data = { retry = true, call = "transaction", statements = ["insert into a", "insert into b"] }
sql = [{ statement = "insert into a", affected = 1 }, { statement = "insert into b", error = "conflict" }]
expect = { outcome = "retry", reason = "main: so the case says" }
[[case]]
name = "what is wrong"
job = "x"
data = { retry = true, statements = [{ text = "select 1", parameters = [{ text = "ada" }] }] }
expect = { outcome = "retry", reason = "*no answer (left) for \"select 1\"", statements = [{ database = "other", statement = "delete*", parameters = ["bob"] }] }
"#;
    // null is nothing that TOML can write.
    let cases = cases.replace("[{ integer = 8 }]]", "[{ integer = 8 }, {}]]");
    let file = setup.path("cases.toml");
    std::fs::write(&file, cases).unwrap();
    let ended = setup.cli(&["test", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for line in [
        "  result.rows[1][1]: expected {}, found null",
        "ok a conflict is retried",
        "  statements[0].database: expected \"other\", found \"main\"",
        "  statements[0].statement: expected \"delete*\", found \"select 1\"",
        "  statements[0].parameters[0]: expected \"bob\", found \"ada\"",
        "2 of 3 cases failed",
    ] {
        let told = ended.stdout.clone() + &ended.stderr;
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!setup.path("data").exists());
}
