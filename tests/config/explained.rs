//! What `runner explain` shows, what a reload changes, and what the documentation
//! lists.

use std::fs;

use runner::config::{Config, Env, Overrides, explain, reference};

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
    let env = [
        ("REDIS_URL", "redis://:hunter2@localhost"),
        ("TOKEN", "t"),
        (
            "SHOP_URL",
            "postgres://ada:hunter2@db.example.com:5432/shop?sslmode=require",
        ),
    ];
    let env: Env = env.into_iter().collect();
    let loaded = Config::load(&path, &overrides, &env).unwrap();
    let mut text = explain(&loaded, "mail").to_string();
    text.push_str("\n----\n");
    text.push_str(&explain(&loaded, "events").to_string());
    let text = text.replace(&format!("{}/", dir.path().display()), "");
    let pinned = root().join("tests/config/golden/explain/explained.txt");
    if crate::support::env("BLESS").is_some() {
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

/// `BLESS=1` writes the tables anew.
#[test]
fn the_documentation_lists_the_keys_as_they_are() {
    let path = root().join("docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let mut new = text.clone();
    for (name, table) in reference() {
        let start = format!("<!-- keys of {name} -->\n");
        let from = new.find(&start);
        let from = from.unwrap_or_else(|| panic!("docs/configuration.md has no {start}"));
        let from = from + start.len();
        let length = new[from..].find("<!-- end -->").unwrap();
        new.replace_range(from..from + length, &table);
    }
    if crate::support::env("BLESS").is_some() {
        fs::write(&path, &new).unwrap();
    } else {
        assert!(
            text == new,
            "docs/configuration.md is not up to date: run this test with BLESS=1"
        );
    }
}

/// A queue that another program consumes has a contract for what is added to it.
#[test]
fn a_queue_without_a_plugin_is_told_which_keys_have_an_effect() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("wit")).unwrap();
    let wit = "package acme:shop;\ninterface orders {\n  placed: func(number: u32);\n}\n";
    fs::write(dir.path().join("wit/shop.wit"), wit).unwrap();
    let path = dir.path().join("queues.toml");
    let text = "[queues.orders]\ncontract = \"acme:shop/orders\"\nswap_check = \"all\"\n\
                memory = \"1MiB\"\ntimeout = \"1s\"\n[queues.plain]\nmemory = \"1MiB\"";
    fs::write(&path, text).unwrap();
    let loaded = Config::load(&path, &Overrides::default(), &Env::default()).unwrap();
    let [timeout, memory] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings);
    };
    let why = "has no effect: no plugin handles this queue";
    assert!(timeout.ends_with(&format!(":5: `queues.orders.timeout` {why}")));
    assert!(memory.ends_with(&format!(":7: `queues.plain.memory` {why}")));
    let explained = explain(&loaded, "orders");
    let value = |key| {
        let setting = explained.settings.iter().find(|of| of.key == key)?;
        Some(setting.value.as_str())
    };
    assert_eq!(value("contract"), Some("acme:shop/orders"));
    assert_eq!(value("swap_check"), Some("all"));
    assert_eq!(value("memory"), Some("1MiB"));
    assert_eq!(value("timeout"), None);
}
