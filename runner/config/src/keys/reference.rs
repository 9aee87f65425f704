//! The tables of keys in `docs/configuration.md`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::access::{GRANT, JWT, TOKEN, USER};
use super::backoff::STRATEGY;
use super::blobs::BLOBS;
use super::job::{BACKOFF, JOB_DEFAULTS, KEEP};
use super::kv::KV;
use super::plugin::PLUGIN;
use super::queue::{GROUP, JOB, JOB_NAME, LIMITER, QUEUE};
use super::redis::REDIS;
use super::route::{ANSWER, ROUTE, ROUTE_CHILD, ROUTE_JOB, VERIFY};
use super::runtime::RUNTIME;
use super::schedule::SCHEDULE;
use super::server::SERVER;
use super::sql::DATABASE;
use super::traces::TRACES;
use super::webhook::WEBHOOK;
use super::{About, DEFAULTS, ROOT};

/// All tables by the name they have in the documentation.
fn tables() -> [(&'static str, Vec<&'static About>); 25] {
    [
        ("redis", REDIS.abouts().collect()),
        ("runtime", RUNTIME.abouts().collect()),
        ("server", SERVER.abouts().collect()),
        ("traces", TRACES.abouts().collect()),
        ("tokens", TOKEN.abouts().chain(GRANT.abouts()).collect()),
        ("users", USER.abouts().chain(GRANT.abouts()).collect()),
        ("jwt", JWT.abouts().collect()),
        ("defaults.job", JOB_DEFAULTS.abouts().collect()),
        ("backoff", BACKOFF.abouts().collect()),
        ("strategies", STRATEGY.abouts().collect()),
        ("keep", KEEP.abouts().collect()),
        ("queues", JOB.abouts().collect()),
        ("queue", QUEUE.abouts().collect()),
        ("limiter", LIMITER.abouts().collect()),
        ("group", GROUP.abouts().collect()),
        ("jobs", JOB_NAME.abouts().collect()),
        ("plugins", PLUGIN.abouts().collect()),
        ("sql", DATABASE.abouts().collect()),
        ("blobs", BLOBS.abouts().collect()),
        ("kv", KV.abouts().collect()),
        ("schedules", SCHEDULE.abouts().collect()),
        (
            "routes",
            ROUTE
                .abouts()
                .chain(ROUTE_JOB.abouts())
                .chain(ROUTE_CHILD.abouts())
                .collect(),
        ),
        ("verify", VERIFY.abouts().collect()),
        ("answer", ANSWER.abouts().collect()),
        ("webhooks", WEBHOOK.abouts().collect()),
    ]
}

/// The tables of the documentation: the name of each, and its Markdown. The last is
/// that of the environment.
pub fn reference() -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = tables()
        .into_iter()
        .map(|(name, keys)| {
            let head = "| Key | Meaning | Unit | Default | Example |\n|---|---|---|---|---|\n";
            (
                name,
                keys.iter()
                    .fold(head.to_owned(), |all, key| all + &row(key)),
            )
        })
        .collect();
    let mut environment = "| Variable | Overrides |\n|---|---|\n".to_owned();
    for (table, keys) in tables() {
        let table = match table {
            "queue" => "defaults.queue",
            table => table,
        };
        for key in keys.iter().filter(|key| !key.env.is_empty()) {
            let names: Vec<String> = key.env.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", else ");
            environment += &format!("| {names} | `[{table}] {}` |\n", key.name);
        }
    }
    all.push(("environment", environment));
    all
}

fn row(about: &About) -> String {
    let About {
        name,
        help,
        unit,
        default,
        example,
        ..
    } = about;
    format!("| `{name}` | {help} | {unit} | {default} | `{example}` |\n")
}

/// Whether some table has this key, and its value is a secret in none.
pub(crate) fn is_known(key: &str) -> bool {
    static KNOWN: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let tables = tables();
        let keys = tables.iter().flat_map(|(_, keys)| keys);
        let (secret, plain): (Vec<&About>, Vec<&About>) = keys.partition(|key| key.sensitive);
        let names = plain.iter().map(|key| key.name);
        let mut known: BTreeSet<&str> = names.chain(ROOT).chain(DEFAULTS).collect();
        // `url` is public in one table and holds a password in another.
        for key in secret {
            known.remove(key.name);
        }
        known
    });
    KNOWN.contains(key)
}
