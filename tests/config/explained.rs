//! What `runner explain` shows, what a reload changes, and what the documentation
//! lists.

use std::fs;

use runner::config::{Config, Env, Overrides, explain, keys};

use super::{load, root};

#[test]
fn explain_shows_each_value_with_its_origin_and_the_timetable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    fs::copy(
        root().join("tests/config/golden/explain/queues.toml"),
        &path,
    )
    .unwrap();
    let overrides = Overrides {
        concurrency: Some(7),
        ..Overrides::default()
    };
    let env = [("REDIS_URL", "redis://:hunter2@localhost"), ("TOKEN", "t")];
    let env: Env = env.into_iter().collect();
    let loaded = Config::load(&path, &overrides, &env).unwrap();
    let mut text = explain(&loaded, "mail").to_string();
    text.push_str("\n----\n");
    text.push_str(&explain(&loaded, "events").to_string());
    let text = text.replace(&format!("{}/", dir.path().display()), "");
    let pinned = root().join("tests/config/golden/explain/explained.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&pinned, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&pinned).unwrap());
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_reload_says_what_changed_and_what_needs_a_restart() {
    let old = load("[queues.a]\nplugin = \"p\"\n[queues.b]\nplugin = \"p\"\n[queues.c]").config;
    let mut new = load(
        "[redis]\nprefix = \"other\"\n[runtime]\nthreads = 77\n\
         [queues.b]\nplugin = \"p\"\ntimeout = \"1s\"\n[queues.c]\n[queues.d]\n\
         [plugins.p]\nconfig = { a = \"b\" }\n\
         [[schedules]]\nqueue = \"c\"\nname = \"n\"\nevery = \"1h\"",
    )
    .config;
    // Each text is in a directory of its own, which is no change of the file.
    new.runtime.plugins.clone_from(&old.runtime.plugins);
    new.runtime.contracts.clone_from(&old.runtime.contracts);
    new.runtime.cache.clone_from(&old.runtime.cache);
    let changes = Config::diff(&old, &new);
    assert_eq!(changes.added, ["d"]);
    assert_eq!(changes.changed, ["b"]);
    assert_eq!(changes.removed, ["a"]);
    assert_eq!(changes.plugins, ["p"]);
    assert_eq!(changes.schedules, ["c"]);
    assert_eq!(changes.restart, ["redis", "runtime.threads"]);
    assert!(Config::diff(&new, &new).is_empty());
}

#[test]
fn every_key_is_in_the_documentation() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for key in keys::ALL.iter().copied().flatten() {
        let row = format!("| `{key}`");
        let table = [format!("[{key}"), format!(".{key}")];
        assert!(
            text.contains(&row) || table.iter().any(|name| text.contains(name)),
            "docs/configuration.md does not explain `{key}`"
        );
    }
}

#[test]
fn every_environment_variable_is_in_the_documentation() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for name in ENVIRONMENT {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}

const ENVIRONMENT: [&str; 28] = [
    "RUNNER_MAX_PLUGIN",
    "RUNNER_COMPILE_TIMEOUT",
    "RUNNER_COMPILE_MEMORY",
    "RUNNER_CONTRACTS",
    "RUNNER_REDIS_URL",
    "RUNNER_REDIS_PREFIX",
    "RUNNER_REDIS_PRESENCE",
    "RUNNER_PLUGINS",
    "RUNNER_CACHE",
    "RUNNER_THREADS",
    "RUNNER_CONCURRENCY",
    "RUNNER_GRACE",
    "RUNNER_LOCK",
    "RUNNER_STALLED_INTERVAL",
    "RUNNER_MAX_STALLED",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "REDIS_PREFIX",
    "BULLMQ_PREFIX",
    "BULLMQ_DEFAULT_JOB_OPTIONS",
    "QUEUE_CONCURRENCY",
    "QUEUE_MAX_RETRIES",
    "QUEUE_RETRY_DELAY",
    "QUEUE_RETRY_BACKOFF",
];
