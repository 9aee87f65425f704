//! Every mistake and its exact message, with its place in the file.
//!
//! `golden/*.toml` stand beside the text that is shown for them (`*.err`). Lines
//! `# env: NAME=value` and `# flag: name=value` at the head of a file are its
//! environment and its flags. `BLESS=1` writes the texts anew; read the difference
//! before committing it.

use std::fs;
use std::path::Path;

use runner::config::{Config, Env, Overrides, explain};

use super::root;

/// What a person is shown for a file of `golden`.
fn shown(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let head = |kind: &str| -> Vec<(String, String)> {
        text.lines()
            .filter_map(|line| line.strip_prefix("# ")?.strip_prefix(kind)?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let mut overrides = Overrides::default();
    for (name, value) in head("flag: ") {
        match name.as_str() {
            "redis" => overrides.redis_url = Some(value),
            "prefix" => overrides.redis_prefix = Some(value),
            "concurrency" => overrides.concurrency = Some(value.parse().unwrap()),
            other => panic!("no flag {other}"),
        }
    }
    let env: Env = head("env: ").into_iter().collect();
    let shown = match Config::load(path, &overrides, &env) {
        Ok(loaded) => loaded.warnings.join("\n"),
        Err(problems) => problems.render(false),
    };
    shown.replace(&format!("{}/", path.parent().unwrap().display()), "") + "\n"
}

#[test]
fn each_mistake_is_shown_as_pinned() {
    let bless = crate::support::env("BLESS").is_some();
    let mut different = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(root().join("tests/config/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        files += 1;
        let shown = shown(&path);
        let pinned = path.with_extension("err");
        if bless {
            fs::write(&pinned, &shown).unwrap();
        } else if fs::read_to_string(&pinned).unwrap_or_default() != shown {
            different.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(
        files > 10,
        "the files of tests/config/golden are not where they were"
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn no_text_shows_a_password_or_a_literal_secret() {
    for entry in fs::read_dir(root().join("tests/config/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            assert!(!shown(&path).contains("hunter2"), "{}", path.display());
        }
    }
}

#[test]
fn ten_mistakes_are_found_in_one_go() {
    let path = root().join("tests/config/golden/ten_mistakes.toml");
    let env: Env = [("WHATSAPP_TOKEN", "token")].into_iter().collect();
    let problems = Config::load(&path, &Overrides::default(), &env).unwrap_err();
    assert!(problems.count() >= 10, "{problems}");
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_way_out() {
    let path = Path::new("no/such/queues.toml");
    let problems = Config::load(path, &Overrides::default(), &Env::default()).unwrap_err();
    let text = problems.render(false);
    assert!(
        text.starts_with("error: cannot read no/such/queues.toml: there is no such file"),
        "{text}"
    );
    assert!(text.contains("name another file with --config"), "{text}");
}

#[test]
fn colour_is_only_used_when_asked_for() {
    let path = root().join("tests/config/golden/redis.toml");
    let problems = Config::load(&path, &Overrides::default(), &Env::default()).unwrap_err();
    assert!(problems.render(true).contains('\u{1b}'));
    assert!(!problems.render(false).contains('\u{1b}'));
}

proptest::proptest! {
    /// A person's slip of the pen anywhere in the sample is shown, or is none:
    /// it never stops the program.
    #[test]
    fn no_edit_of_the_sample_panics(at in 0.0..1.0_f64, cut in 0..40_usize, insert in "[\\[\\]{}=\"'.,#*?a-z0-9äß\n -]{0,12}") {
        let sample = fs::read_to_string(root().join("queues.toml")).unwrap();
        let mut chars: Vec<char> = sample.chars().collect();
        let start = (at * chars.len() as f64) as usize;
        let end = chars.len().min(start + cut);
        chars.splice(start..end, insert.chars());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queues.toml");
        fs::write(&path, chars.into_iter().collect::<String>()).unwrap();
        match Config::load(&path, &Overrides::default(), &Env::default()) {
            Ok(loaded) => {
                for queue in loaded.config.queues.keys() {
                    assert!(explain(&loaded, queue).to_string().contains("attempt 1 at once"));
                }
            }
            Err(problems) => assert!(problems.render(true).contains("error")),
        }
    }
}
