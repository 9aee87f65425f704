//! Whatever comes from a stranger is shown, and none of it is obeyed by a
//! terminal: names, payloads, logs, reasons, ids, queues, requests.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Redis, Runner, Setup, guest, until};

/// Renames the window, clears it, goes back to its left, sets a colour with an
/// 8-bit control, reverses the text, breaks the line: each without a line break.
const HOSTILE: &str = "\u{1b}]0;PWNED\u{7}\u{1b}[2J\r\u{9b}31m\u{202e}\u{200f}\u{2028}\u{7f}";

/// Commands that go on until they are stopped, whose words are read apart, and one that
/// waits for a person at a terminal.
const SERVERS: [&str; 3] = ["serve", "dev", "api password"];

/// A command, its exit code, and whether what it prints has the hostile text.
type Row = (Vec<String>, i32, bool);

// Long because it is one table of command lines.
fn rows(id: &str, queue: &str) -> Vec<Row> {
    let hostile = |text: &str| text.replace("EVIL", HOSTILE);
    let row = |code: i32, shows: bool, line: &str, more: &[&str]| {
        let words = line.split(' ').map(|word| match word {
            "ID" => id.to_owned(),
            "QUEUE" => queue.to_owned(),
            word => hostile(word),
        });
        let more = more.iter().map(|word| hostile(word));
        (words.chain(more).collect(), code, shows)
    };
    let script = json!({"log": [HOSTILE], "progress": [50], "result": HOSTILE});
    let rejects = json!({ "reject": HOSTILE }).to_string();
    vec![
        row(0, true, "run plugins/scripted.wasm", &[&script.to_string()]),
        row(1, true, "run plugins/scripted.wasm", &[&rejects]),
        row(1, true, "run plugins/named.wasm --name recurse", &[]),
        row(3, true, "run plugins/EVIL.wasm", &[]),
        row(1, true, "test cases.toml", &[]),
        row(2, true, "check", &[]),
        row(1, true, "doctor", &[]),
        row(0, false, "explain q", &[]),
        row(3, true, "explain EVIL", &[]),
        row(0, false, "contract list", &[]),
        row(0, false, "contract show typed", &[]),
        row(3, true, "contract schema typed --job EVIL", &[]),
        row(0, false, "contract typescript typed", &[]),
        row(0, false, "contract python typed", &[]),
        row(0, false, "contract go typed", &[]),
        row(0, false, "contract openapi", &[]),
        row(0, true, "plugin list", &[]),
        row(1, true, "plugin inspect odd", &[]),
        row(0, true, "queue list", &[]),
        row(0, true, "queue list --json", &[]),
        row(0, false, "queue stats QUEUE", &[]),
        row(0, true, "queue stats QUEUE --json", &[]),
        row(3, true, "queue stats EVIL", &[]),
        row(0, false, "queue pause QUEUE", &[]),
        row(0, false, "queue resume QUEUE", &[]),
        row(0, false, "queue concurrency QUEUE 3", &[]),
        row(0, false, "queue limit QUEUE 3/1s", &[]),
        row(2, true, "queue drain QUEUE", &[]),
        row(2, true, "queue clean QUEUE --state waiting", &[]),
        row(2, true, "queue obliterate QUEUE", &[]),
        row(0, true, "add q EVIL --id", &[id]),
        row(0, true, "add q EVIL --json", &[]),
        row(0, true, "job get q ID", &[]),
        row(0, true, "job get q ID --json", &[]),
        row(0, true, "job list q", &[]),
        row(0, true, "job list q --json", &[]),
        row(0, true, "job search q PWNED", &[]),
        row(0, true, "job logs q ID", &[]),
        row(0, true, "job logs q ID --json", &[]),
        row(1, true, "job wait q ID", &[]),
        row(3, true, "job retry q EVIL", &[]),
        row(1, true, "job promote q ID", &[]),
        row(1, true, "job cancel q ID --reason EVIL", &[]),
        row(0, true, "dlq list dead", &[]),
        row(0, true, "dlq show dead ID", &[]),
        row(0, true, "dlq show dead ID --json", &[]),
        row(1, true, "dlq replay dead ID", &[]),
        row(3, true, "dlq purge dead EVIL", &[]),
        row(0, true, "schedule list q", &[]),
        row(3, true, "schedule run EVIL", &[]),
        row(2, true, "schedule rm ID --queue q", &[]),
        row(0, true, "outbox", &[]),
        row(0, true, "outbox --whole", &[]),
        row(0, true, "outbox --json", &[]),
        row(0, false, "api routes", &[]),
        row(0, false, "api token ci", &[]),
        row(0, false, "audit", &[]),
        row(0, false, "host list", &[]),
        row(0, false, "routes", &[]),
        row(2, false, "plugin reload EVIL", &[]),
        row(3, true, "job edit q EVIL --priority 1", &[]),
        row(3, true, "job duplicate q EVIL", &[]),
        row(2, true, "completions EVIL", &[]),
        row(2, true, "new EVIL --lang rust", &[]),
        row(1, true, "build EVIL", &[]),
        row(3, true, "job rm q EVIL", &[]),
        row(2, true, "--config EVIL.toml check", &[]),
    ]
}

/// The commands of the binary, those with commands of their own as `job get`.
fn commands(setup: &Setup) -> BTreeSet<String> {
    let listed = |words: &[&str]| -> Vec<String> {
        let help = setup.cli(&[words, &["--help"]].concat()).stdout;
        let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = lines.map_while(|line| line.split_whitespace().next());
        let names = names.filter(|name| *name != "help").map(str::to_owned);
        names.collect()
    };
    let mut all = BTreeSet::new();
    for name in listed(&[]) {
        let own = listed(&[&name]);
        match own.is_empty() {
            true => drop(all.insert(name)),
            false => all.extend(own.iter().map(|own| format!("{name} {own}"))),
        }
    }
    all
}

/// A queue with a stranger's jobs.
fn seed(redis: &Redis, id: &str, queue: &str) {
    let run = |words: &[&str]| drop(redis.run::<redis::Value>(words));
    let (job, dead) = (redis.key("q", id), redis.key("dead", id));
    let data = format!("\"{HOSTILE}\"");
    let trace = json!([format!("Error: {HOSTILE}\n    at {HOSTILE}")]).to_string();
    let ended = ["timestamp", "1600000000000", "finishedOn", "1600000001000"];
    for key in [&job, &dead] {
        let fields = ["name", HOSTILE, "data", &data, "stacktrace", &trace];
        run(&[&["HSET", key][..], &fields, &ended].concat());
        let fields = [
            "failedReason",
            HOSTILE,
            "returnvalue",
            &data,
            "progress",
            &data,
        ];
        run(&[&["HSET", key][..], &fields].concat());
        run(&["HSET", key, "pb", HOSTILE, "rv", HOSTILE, "opts", "{}"]);
    }
    run(&["ZADD", &redis.key("q", "failed"), "1600000001000", id]);
    run(&["ZADD", &redis.key("dead", "failed"), "1600000001000", id]);
    run(&["RPUSH", &redis.key("q", &format!("{id}:logs")), HOSTILE]);
    run(&["HSET", &redis.key(queue, "meta"), "version", "bullmq:6.0.0"]);
    redis.add(queue, HOSTILE, &data, "{}");
    let scheduler = redis.key("q", &format!("repeat:{id}"));
    run(&[
        "HSET", &scheduler, "name", HOSTILE, "every", "3600000", "ic", "1",
    ]);
    run(&["ZADD", &redis.key("q", "repeat"), "4000000000000", id]);
}

fn setup(redis: &Redis) -> Setup {
    // TOML has no raw control characters, but it has escapes.
    let toml = |text: &str| json!(text).to_string().replace('\u{7f}', "\\u007f");
    let setup = Setup::new(
        redis,
        &format!(
            "[runtime]\ncontracts = {:?}\n\
             [queues.q]\nplugin = \"scripted\"\ndead_letter = \"dead\"\n[queues.dead]\n\
             [queues.typed]\nplugin = \"scripted\"\ncontract = \"fundify:otp/otp-queue\"\n\
             [plugins.scripted]\nconfig = {{ text = {} }}\n[plugins.odd]\nfile = {}\n",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues"),
            toml(HOSTILE),
            toml(&format!("plugins/{HOSTILE}.wasm")),
        ),
    );
    let setup = setup.plugin("scripted", &guest("scripted"));
    std::fs::write(setup.path("plugins/named.wasm"), named()).unwrap();
    let case = toml(HOSTILE);
    let cases = format!(
        "plugin = \"scripted\"\n[[case]]\nname = {case}\njob = \"n\"\n\
         data = {{ reject = {case} }}\n[case.expect]\noutcome = \"completed\"\n"
    );
    std::fs::write(setup.path("cases.toml"), cases).unwrap();
    std::fs::create_dir(setup.path("data")).unwrap();
    let entry = json!({
        "id": 1, "time": "2026-11-23T14:03:02Z", "plugin": HOSTILE, "queue": HOSTILE,
        "job": HOSTILE, "method": HOSTILE, "url": HOSTILE, "host": HOSTILE,
        "headers": [[HOSTILE, HOSTILE]], "body": HOSTILE, "bytes": 1, "status": 200,
    });
    std::fs::write(setup.path("data/outbox.ndjson"), format!("{entry}\n")).unwrap();
    setup
}

/// A component with a function whose name a toolchain would not give it.
fn named() -> Vec<u8> {
    let (name, odd) = (
        b"_ZN6faults7recurse",
        "\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{9b}31",
    );
    let mut bytes = std::fs::read(guest("faults")).unwrap();
    let places = 0..bytes.len() - name.len();
    let places: Vec<usize> = places.filter(|at| bytes[*at..].starts_with(name)).collect();
    assert!(!places.is_empty(), "the function has another name now");
    for at in places {
        bytes[at..at + name.len()].copy_from_slice(odd.as_bytes());
    }
    bytes
}

/// The command on a terminal of its own.
fn on_a_terminal(setup: &Setup, words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("'{word}'"));
    let quoted: Vec<String> = quoted.collect();
    let runner = env!("CARGO_BIN_EXE_runner");
    let command = format!("{runner} --color never {}", quoted.join(" "));
    let output = std::process::Command::new("script")
        .current_dir(setup.path("."))
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_harmless(words: &[String], text: &str) {
    let harmful = text.chars().find(|c| {
        let control = c.is_control() && !matches!(c, '\n' | '\t');
        control || ['\u{202e}', '\u{200f}', '\u{2028}'].contains(c)
    });
    assert_eq!(harmful, None, "{words:?}: {text:?}");
}

#[test]
fn no_command_prints_what_a_terminal_would_obey() {
    let redis = Redis::shared();
    let setup = setup(&redis);
    let (id, queue) = (format!("id{HOSTILE}"), format!("queue{HOSTILE}"));
    seed(&redis, &id, &queue);
    let rows = rows(&id, &queue);
    for (words, code, shows) in &rows {
        let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = setup.cli(&arguments);
        let text = ended.stdout + &ended.stderr;
        assert_eq!(ended.code, Some(*code), "{words:?}: {text}");
        assert_harmless(words, &text);
        assert!(!shows || text.contains("PWNED"), "{words:?}: {text}");
    }
    let tried = |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        let fits = |(row, ..): &Row| row.windows(words.len()).any(|row| row == words);
        rows.iter().any(fits) || SERVERS.contains(&command)
    };
    let missing = commands(&setup);
    let missing: Vec<&String> = missing.iter().filter(|command| !tried(command)).collect();
    assert!(missing.is_empty(), "add a row for {missing:?}");

    for (words, ..) in &rows {
        let text = on_a_terminal(&setup, words);
        // A terminal ends lines in its own way; bars, and a wait, draw.
        for sequence in [
            "\u{1b}]0", "\u{9b}", "\u{7f}", "\u{202e}", "\u{200f}", "\u{2028}",
        ] {
            assert!(!text.contains(sequence), "{words:?}: {text:?}");
        }
    }
}

#[test]
fn no_server_logs_what_a_terminal_would_obey() {
    for format in ["text", "json"] {
        let redis = Redis::shared();
        let setup = setup(&redis);
        let runner: Runner = setup.spawn(&["serve", "--log-format", format]);
        let data = json!({"log": [HOSTILE], "reject": HOSTILE}).to_string();
        redis.add("q", HOSTILE, data, "{}");
        redis.until_count("q", "failed", 1);
        let log = until("the job to be logged", || {
            let log = runner.log();
            let lines = log.iter().filter(|line| line.contains("PWNED")).count();
            (lines >= 3).then_some(log)
        });
        assert_harmless(&[format.to_owned()], &log.join("\n"));
    }
}
