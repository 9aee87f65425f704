//! docs/commands.md does what it says.

use std::process::Command;

use crate::support::{Redis, Setup};

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
    let page = std::fs::read_to_string(path).unwrap();
    let start = format!("```{language}\n");
    let blocks = page.split(&start).skip(1);
    let end = |block: &str| block.split_once("```").unwrap().0.to_owned();
    blocks.map(end).collect()
}

#[test]
fn the_first_program_runs_as_the_page_says() {
    let toml = blocks("toml");
    let setup = Setup::new(&Redis::shared(), &toml[0]);
    std::fs::write(setup.path("lines.rs"), &blocks("rust")[0]).unwrap();
    let build = &blocks("sh")[0];
    let build = build
        .lines()
        .find(|line| line.starts_with("rustc "))
        .unwrap();
    let built = Command::new("sh")
        .args(["-ec", build])
        .current_dir(setup.path(""))
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    let console = &blocks("console")[0];
    let (command, shown) = console.split_once('\n').unwrap();
    let (words, data) = command.split_once('\'').unwrap();
    let mut words: Vec<&str> = words.split_whitespace().skip(2).collect();
    words.push(data.trim_end_matches('\''));
    let ended = setup.cli(&words);
    assert_eq!((ended.code, &*ended.stdout), (Some(0), shown), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains(r#"progress {"percent":50,"message":"counting"}"#),
        "{ended:?}"
    );
    let ended = setup.cli(&["run", "lines", r#"{"shop":"Oslo"}"#]);
    assert!(
        ended.stderr.ends_with(
            "error: the job was rejected: exit code 65 (data): an order without lines\n"
        ),
        "{ended:?}"
    );
}

#[test]
fn each_table_of_the_page_is_a_configuration() {
    let all: String = blocks("toml").concat();
    let path = std::path::Path::new("queues.toml");
    let (overrides, env) = (Default::default(), Default::default());
    let loaded = runner::config::Config::parse(path, &all, &overrides, &env).unwrap();
    assert_eq!(
        loaded.config.plugins.keys().collect::<Vec<_>>(),
        ["flite", "lines", "resvg"]
    );
}
