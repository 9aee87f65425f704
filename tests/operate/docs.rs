//! docs/cli.md says what the binary does, and the README's demo ends as it should.

use crate::support::{Redis, Setup};

/// A command of the page and what stands below it.
struct Example {
    words: Vec<String>,
    output: Vec<String>,
}

/// The lines of the console blocks, as commands with their output.
fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ runner ")) {
            examples.push(Example {
                words: words(command),
                output: Vec::new(),
            });
        } else if inside {
            let example = examples.last_mut().expect("output follows a command");
            example.output.push(line.to_owned());
        }
    }
    examples
}

/// A command line whose quotes are single ones.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn columns(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Whether the output is what the page shows: columns may be wider there, `…`
/// ends a line whose rest is left out, and alone stands for the rest.
fn fits(shown: &[String], printed: &str) -> bool {
    let mut printed = printed.lines();
    for line in shown {
        let shown = columns(line);
        if shown == ["…"] {
            return true;
        }
        let Some(line) = printed.next() else {
            return false;
        };
        let line = columns(line);
        let fits = match shown.split_last() {
            Some((&"…", start)) => line.starts_with(start),
            _ => line == shown,
        };
        if !fits {
            return false;
        }
    }
    printed.next().is_none()
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    std::fs::read_to_string(path).unwrap()
}

/// The queues the page is about.
fn seeded(redis: &Redis) {
    let run = |line: &str| {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        words[1] = redis.key("orders", &words[1]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        drop(redis.run::<redis::Value>(&words));
    };
    for name in ["invoice", "receipt", "invoice"] {
        redis.add("orders", name, "{}", "{}");
    }
    run("HSET 4 name reminder data {} opts {} timestamp 1600000000000 delay 60000");
    run("ZADD delayed 16384000000000000 4");
    for (id, set) in [("40", "completed"), ("41", "failed"), ("42", "failed")] {
        run(&format!(
            "HSET {id} name receipt data {{}} opts {{}} timestamp 1600000000000 ats 1 atm 1"
        ));
        run(&format!(
            "HSET {id} processedOn 1600000001000 finishedOn 1600000001250"
        ));
        run(&format!("ZADD {set} 16000000012{id} {id}"));
    }
    run("HSET 40 returnvalue {\"sent\":true}");
    run("HSET 42 failedReason declined");
    run("RPUSH 42:logs placeholder");
    let logs = redis.key("orders", "42:logs");
    let _: String = redis.run(&["LSET", &logs, "0", "asking the bank"]);
    redis.add("legacy", "n", "{}", "{}");
    let _: u32 = redis.run(&[
        "HSET",
        &redis.key("legacy", "meta"),
        "version",
        "bullmq:6.0.0",
    ]);
}

#[test]
fn the_examples_of_queues_and_jobs_print_what_the_page_shows() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.orders]\n[defaults.job]\nattempts = 3\n");
    seeded(&redis);
    let mut ran = 0;
    for example in examples(&page()) {
        if !["add", "job", "queue"].contains(&example.words[0].as_str()) {
            continue;
        }
        let words: Vec<&str> = example.words.iter().map(String::as_str).collect();
        let ended = setup.cli(&words);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        assert!(
            fits(&example.output, &ended.stdout),
            "{words:?} is shown as\n{}\nand printed\n{}",
            example.output.join("\n"),
            ended.stdout
        );
        ran += 1;
    }
    assert!(ran > 20, "{ran} examples");
}

#[test]
fn each_command_of_the_page_exists() {
    let setup = Setup::new(&Redis::shared(), "");
    for example in examples(&page()) {
        let group = ["plugin", "queue", "job", "schedule", "dlq", "contract"]
            .contains(&example.words[0].as_str());
        let path = &example.words[..if group { 2 } else { 1 }];
        let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
        words.push("--help");
        let ended = setup.cli(&words);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let usage = format!("runner {}", path.join(" "));
        assert!(ended.stdout.contains(&usage), "{}", ended.stdout);
    }
}

#[test]
fn each_command_of_an_operator_has_an_example_in_its_help() {
    let setup = Setup::new(&Redis::shared(), "");
    for group in ["queue", "job", "schedule", "dlq", "contract"] {
        let help = setup.cli(&[group, "--help"]).stdout;
        let commands: Vec<&str> = help
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .map_while(|line| line.split_whitespace().next())
            .filter(|command| *command != "help")
            .collect();
        assert!(commands.len() >= 3, "{help}");
        for command in commands {
            let help = setup.cli(&[group, command, "--help"]).stdout;
            let example = format!("runner {group} {command}");
            let shown = help.split_once("Example");
            let shown = shown.is_some_and(|(_, examples)| examples.contains(&example));
            assert!(shown, "{group} {command}: {help}");
        }
    }
}

#[test]
fn the_demo_ends_with_its_summary() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo/demo.mjs");
    let ended = std::process::Command::new("node")
        .arg(demo)
        .env("DEMO_EXIT", "1")
        .env("DEMO_RUNNER", env!("CARGO_BIN_EXE_runner"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let summary = "  otp-queue            2 completed  1 failed\n";
    assert!(
        ended.status.success() && said.contains(summary),
        "{ended:?}"
    );
}
