//! `[runtime]`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::decode::{Decoder, Table};
use crate::config::keys;
use crate::config::origins::join;
use crate::config::value::{self, Fault, Raw, fault};
use crate::config::{Overrides, Runtime};
use crate::units;

/// A lock is renewed at a third of this; below a second a slow Redis loses jobs.
const SHORTEST_LOCK: Duration = Duration::from_secs(1);

/// The compiler's own bound on a module.
const LARGEST_PLUGIN: usize = 1 << 30;
/// More than any machine has, less than what is an overflow somewhere.
const MOST_MEMORY: usize = 1 << 40;

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>, overrides: &Overrides) -> Runtime {
    let table = decoder.table(root, "runtime", keys::RUNTIME);
    let table = table.as_ref();

    // The file's paths start at the file, the environment's at the working
    // directory, as those of flags.
    let dir = decoder.dir;
    let path = |raw: Raw<'_>| {
        value::text(raw).map(|text| match raw {
            Raw::Toml(_) => dir.join(text),
            Raw::Text(_) => PathBuf::from(text),
        })
    };
    let plugins = from_file_or_env(decoder, table, "plugins", "RUNNER_PLUGINS", path);
    let mut plugins = plugins.unwrap_or_else(|| dir.join("plugins"));
    if let Some(path) = &overrides.plugins {
        decoder.note_flag("runtime.plugins", "--plugins");
        plugins.clone_from(path);
    }
    let contracts = from_file_or_env(decoder, table, "contracts", "RUNNER_CONTRACTS", path);
    let cache = from_file_or_env(decoder, table, "cache", "RUNNER_CACHE", path)
        .unwrap_or_else(|| default_cache(decoder));
    let threads = from_file_or_env(decoder, table, "threads", "RUNNER_THREADS", value::positive);
    let mut grace = from_file_or_env(decoder, table, "grace", "RUNNER_GRACE", value::duration);
    if let Some(flag) = overrides.grace {
        decoder.note_flag("runtime.grace", "--grace");
        grace = Some(flag);
    }
    let lock = from_file_or_env(decoder, table, "lock", "RUNNER_LOCK", lock)
        .unwrap_or(Duration::from_secs(30));
    let stalled_interval = from_file_or_env(
        decoder,
        table,
        "stalled_interval",
        "RUNNER_STALLED_INTERVAL",
        value::duration_above_zero,
    );
    let max_stalled = from_file_or_env(
        decoder,
        table,
        "max_stalled",
        "RUNNER_MAX_STALLED",
        value::count,
    );
    let max_crashes = from_file_or_env(
        decoder,
        table,
        "max_crashes",
        "RUNNER_MAX_CRASHES",
        value::count,
    );
    let max_plugin = from_file_or_env(decoder, table, "max_plugin", "RUNNER_MAX_PLUGIN", |raw| {
        value::size(raw, LARGEST_PLUGIN)
    });
    let compile_timeout = from_file_or_env(
        decoder,
        table,
        "compile_timeout",
        "RUNNER_COMPILE_TIMEOUT",
        whole_seconds,
    );
    let compile_memory = from_file_or_env(
        decoder,
        table,
        "compile_memory",
        "RUNNER_COMPILE_MEMORY",
        |raw| value::size(raw, MOST_MEMORY),
    );

    Runtime {
        plugins,
        contracts: contracts.unwrap_or_else(|| dir.join("wit")),
        cache,
        threads: threads.unwrap_or_else(cores),
        grace: grace.unwrap_or(Duration::from_secs(25)),
        lock,
        stalled_interval: stalled_interval.unwrap_or(Duration::from_secs(15)),
        max_stalled: max_stalled.unwrap_or(5),
        max_crashes: max_crashes.unwrap_or(2),
        max_plugin: max_plugin.unwrap_or(64 << 20),
        compile_timeout: compile_timeout.unwrap_or(Duration::from_secs(120)),
        compile_memory: compile_memory.unwrap_or(4 << 30),
    }
}

/// The environment's value wins; that of the file is checked all the same.
fn from_file_or_env<T>(
    decoder: &mut Decoder<'_>,
    table: Option<&Table<'_>>,
    key: &str,
    name: &'static str,
    read: impl Fn(Raw<'_>) -> Result<T, Fault>,
) -> Option<T> {
    let from_file = table.and_then(|table| decoder.value(table, key, &read));
    decoder
        .env_value(&join("runtime", key), &[name], read)
        .or(from_file)
}

fn lock(raw: Raw<'_>) -> Result<Duration, Fault> {
    let lock = value::duration(raw)?;
    if lock < SHORTEST_LOCK {
        let least = units::duration(SHORTEST_LOCK);
        return Err(fault(
            format!("must be at least {least}"),
            "a lock this short is lost before it can be renewed",
        ));
    }
    Ok(lock)
}

/// The system counts processor time in them.
fn whole_seconds(raw: Raw<'_>) -> Result<Duration, Fault> {
    let duration = value::duration_above_zero(raw)?;
    if duration.subsec_nanos() != 0 {
        return Err(fault(
            "must be whole seconds".to_owned(),
            "write \"120s\" or \"5m\"",
        ));
    }
    Ok(duration)
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// `$XDG_CACHE_HOME/runner`, `~/.cache/runner`, or beside the file when there
/// is no home, as in many containers.
fn default_cache(decoder: &Decoder<'_>) -> PathBuf {
    let env = decoder.env;
    match (env.get("XDG_CACHE_HOME"), env.get("HOME")) {
        (Some(cache), _) => PathBuf::from(cache).join("runner"),
        (None, Some(home)) => PathBuf::from(home).join(".cache/runner"),
        (None, None) => decoder.path("data/cache"),
    }
}
