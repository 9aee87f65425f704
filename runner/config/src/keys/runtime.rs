//! `[runtime]`

use std::sync::LazyLock;
use std::time::Duration;

use super::{Keys, kind};
use crate::Runtime;
use crate::value::{self, Fault, Raw, fault};
use runner_text::units;

/// A lock is renewed at a third of this; below a second a slow Redis loses jobs.
const SHORTEST_LOCK: Duration = Duration::from_secs(1);
/// The compiler's own bound on a module.
const LARGEST_PLUGIN: usize = 1 << 30;
/// More than any machine has, less than what is an overflow somewhere.
const MOST_MEMORY: usize = 1 << 40;

pub(crate) static RUNTIME: LazyLock<Keys<Runtime>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("plugins", kind::path(), |runtime| &mut runtime.plugins)
            .env(&["RUNNER_PLUGINS"])
            .help(
                "\"/srv/plugins\"",
                "Directory of the plugins: `<name>.wasm` is plugin `<name>`.",
            );
        keys.value("contracts", kind::path(), |runtime| &mut runtime.contracts)
            .env(&["RUNNER_CONTRACTS"])
            .help(
                "\"/srv/wit\"",
                "Directory of the contracts: WIT files, also in directories below it. It need not exist. See [contracts](contracts.md).",
            );
        keys.value("cache", kind::path(), |runtime| &mut runtime.cache)
            .env(&["RUNNER_CACHE"])
            .default("`$XDG_CACHE_HOME/runner`, `~/.cache/runner`")
            .help(
                "\"/var/cache/runner\"",
                "Directory of compiled plugins. It, its files and its key must belong to this user, and nobody else may be able to write to them; otherwise they are not used.",
            );
        keys.value("threads", kind::positive(), |runtime| &mut runtime.threads)
            .env(&["RUNNER_THREADS"])
            .default("number of cores")
            .help("4", "Threads that run jobs.");
        let grace = kind::duration_of("duration", value::duration);
        keys.value("grace", grace, |runtime| &mut runtime.grace)
            .env(&["RUNNER_GRACE"])
            .help(
                "\"50s\"",
                "How long running jobs get to finish after SIGTERM. Then they are stopped and return to the queue, without spending an attempt. Keep it below the 30 s of Kubernetes.",
            );
        let lock = kind::duration_of("duration, from 1s", lock);
        keys.value("lock", lock, |runtime| &mut runtime.lock)
            .env(&["RUNNER_LOCK"])
            .help(
                "\"1m\"",
                "How long a job is locked; the lock is renewed after a third of it (BullMQ's `lockDuration`).",
            );
        keys.value("stalled_interval", kind::duration(), |runtime| {
            &mut runtime.stalled_interval
        })
        .env(&["RUNNER_STALLED_INTERVAL"])
        .help(
            "\"5s\"",
            "How often Runner looks for jobs of dead workers. More than half of `lock` makes no sense.",
        );
        keys.value("max_stalled", kind::count(), |runtime| &mut runtime.max_stalled)
            .env(&["RUNNER_MAX_STALLED"])
            .help(
                "1",
                "How often a job's lock may expire before the job fails (BullMQ's `maxStalledCount`). A runner that is known to have died does not count; see `max_crashes`.",
            );
        keys.value("max_crashes", kind::count(), |runtime| &mut runtime.max_crashes)
            .env(&["RUNNER_MAX_CRASHES"])
            .help(
                "3",
                "A job that was running in this many runners when they died fails; see [reliability](reliability.md). 0 means no limit.",
            );
        keys.value("max_plugin", kind::size(LARGEST_PLUGIN), |runtime| {
            &mut runtime.max_plugin
        })
        .env(&["RUNNER_MAX_PLUGIN"])
        .help("\"128MiB\"", "A plugin with a larger file is refused.");
        let seconds = kind::duration_of("duration, whole seconds", whole_seconds);
        keys.value("compile_timeout", seconds, |runtime| {
            &mut runtime.compile_timeout
        })
        .env(&["RUNNER_COMPILE_TIMEOUT"])
        .help(
            "\"5m\"",
            "How long the compilation of one plugin, in a process of its own, may take.",
        );
        keys.value("compile_memory", kind::size(MOST_MEMORY), |runtime| {
            &mut runtime.compile_memory
        })
        .env(&["RUNNER_COMPILE_MEMORY"])
        .help("\"8GiB\"", "How much memory that process may use.");
    })
});

fn lock(raw: Raw<'_>) -> Result<Duration, Fault> {
    let lock = value::duration(raw)?;
    if lock < SHORTEST_LOCK {
        return Err(fault(
            format!("must be at least {}", units::duration(SHORTEST_LOCK)),
            "a shorter lock is lost before it can be renewed",
        ));
    }
    Ok(lock)
}

/// The system counts processor time in them.
fn whole_seconds(raw: Raw<'_>) -> Result<Duration, Fault> {
    let duration = value::duration_above_zero(raw)?;
    if duration.subsec_nanos() != 0 {
        return Err(fault("must be whole seconds", "write \"120s\" or \"5m\""));
    }
    Ok(duration)
}
