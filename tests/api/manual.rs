//! docs/api.md: each route is in it, and each of its commands does what it shows.

use std::collections::BTreeSet;
use std::process::Command;

use super::served;
use crate::support::{Redis, guest};

const PAGE: &str = include_str!("../../docs/api.md");

/// One command of the page, and what it prints there.
struct Shown {
    command: String,
    output: Vec<String>,
}

/// The commands in blocks of the kind `console`.
fn commands() -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => shown.push(Shown {
                    command: command.to_owned(),
                    output: Vec::new(),
                }),
                None => {
                    let last = shown.last_mut().expect("a command comes first");
                    match last.command.strip_suffix('\\') {
                        Some(begun) => last.command = format!("{begun}{}", line.trim_start()),
                        None => last.output.push(line.to_owned()),
                    }
                }
            },
        }
    }
    shown
}

/// Whether a line is as shown, where `…` stands for anything.
fn is_like(line: &str, shown: &str) -> bool {
    let mut rest = line;
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// `GET /api/queues/mail` of a curl, without the query.
fn called(command: &str) -> Option<(String, String)> {
    let (_, url) = command.split_once("localhost:3000")?;
    let end = url.find([' ', '\'', '"', '?']).unwrap_or(url.len());
    let method = match command.split_once("-X ") {
        Some((_, method)) => method.split(' ').next()?,
        None if command.contains(" --json ") || command.contains("--data") => "POST",
        None if command.contains(" -I ") => "HEAD",
        None => "GET",
    };
    Some((method.to_owned(), url[..end].to_owned()))
}

/// Whether a path is one of a template's.
fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), template.split('/').collect());
    let mut both = path.iter().zip(&template);
    path.len() == template.len() && both.all(|(part, of)| part == of || of.starts_with('{'))
}

#[test]
fn each_command_does_what_the_page_shows() {
    let redis = Redis::shared();
    let setup = served(
        &redis,
        "[queues.mail]\nplugin = \"mail\"\ndead_letter = \"mail-dead\"\n\
         [queues.orders]\ndefault_job = \"order\"\n[queues.mail-dead]\n\
         [[schedules]]\nid = \"nightly\"\nqueue = \"orders\"\nname = \"report\"\n\
         cron = \"0 3 * * *\"\n",
    )
    .plugin("mail", &guest("noop"));
    std::fs::write(setup.path(".curlrc"), "fail-with-body\nshow-error\n").unwrap();
    let runner = setup.serve();
    let api = runner.api();
    for Shown { command, output } in commands() {
        let here = command.replace("localhost:3000", api.address());
        let ended = Command::new("bash")
            .args(["-o", "pipefail", "-c", &here])
            .current_dir(setup.path(""))
            .env("CURL_HOME", setup.path(""))
            .output()
            .expect("bash is there");
        let text = String::from_utf8_lossy(&ended.stdout);
        let said = String::from_utf8_lossy(&ended.stderr);
        let text = text.replace(api.address(), "localhost:3000");
        let lines: Vec<&str> = text.lines().collect();
        // A problem that the page shows is meant.
        let meant = output
            .first()
            .is_some_and(|line| line.contains("\"/problems/"));
        let is_as_shown = ended.status.success() != meant
            && (output.is_empty()
                || lines.len() == output.len()
                    && lines
                        .iter()
                        .zip(&output)
                        .all(|(line, shown)| is_like(line, shown)));
        assert!(
            is_as_shown,
            "$ {command}\n{text}{said}\nthe page shows\n{}",
            output.join("\n")
        );
    }
}

#[test]
fn each_route_is_on_the_page() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let document = runner.api().get("/openapi.json").body;
    let shown: Vec<_> = commands()
        .iter()
        .filter_map(|shown| called(&shown.command))
        .collect();
    let mut missing = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let is_shown = |(of, at): &(String, String)| *of == method && fits(at, path);
            if !shown.iter().any(is_shown) {
                missing.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/api.md has no command for {missing:#?}"
    );
}
