//! `queues.toml`: every mistake and its exact message, precedence, what is shown of
//! it, and the sample at the root.

mod defaults;
mod explained;
mod mistakes;
mod precedence;
mod secrets;

use std::fs;
use std::path::PathBuf;

use runner::config::{Config, Env, Loaded, Overrides, RedisUrl};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn root() -> PathBuf {
    fs::canonicalize(ROOT).unwrap()
}

/// Loads a text with this environment.
fn load_with(text: &str, overrides: &Overrides, env: &[(&str, &str)]) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.toml");
    fs::write(&path, text).unwrap();
    let env: Env = env.iter().copied().collect();
    Config::load(&path, overrides, &env).unwrap_or_else(|problems| panic!("{problems}"))
}

fn load(text: &str) -> Loaded {
    load_with(text, &Overrides::default(), &[])
}

fn url_of(loaded: &Loaded) -> &str {
    match &loaded.config.redis.url {
        RedisUrl::Url(url) => url,
        RedisUrl::Embedded(_) => "embedded",
    }
}
