//! The path of a plugin from its file to service: whatever the file is and however
//! long one takes, the process and the other plugins go on.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use runner::config::{Plugin, Runtime};
use runner::outcome::Outcome;
use runner::plugin::{Plugins, Status};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::process::Process;
use crate::support::sandbox::{NAME, Sandbox, config, host};
use crate::support::wasm::{endless_start, functions, memory, with_module};
use crate::support::{Redis, Runner, Setup, guest, until};

/// A plugin that takes the compiler a minute or more, of which no test sees the
/// end.
fn endless() -> Vec<u8> {
    with_module(&guest("noop"), &functions(2_000), 1)
}

/// Load a file under these settings.
fn loaded(file: &Path, plugin: Plugin, change: impl FnOnce(&mut Runtime)) -> Status {
    let directory = TempDir::new().unwrap();
    let plugin = Plugin {
        name: NAME.into(),
        file: file.to_owned(),
        ..plugin
    };
    let mut config = config(directory.path(), [plugin]);
    change(&mut config.runtime);
    let plugins = Plugins::new(host(), &config.runtime, env!("CARGO_BIN_EXE_runner"));
    plugins.configure(&config);
    plugins.list().pop().unwrap()
}

/// Why these bytes do not serve.
#[track_caller]
fn refusal(bytes: &[u8], change: impl FnOnce(&mut Runtime)) -> String {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("work.wasm");
    std::fs::write(&file, bytes).unwrap();
    let status = loaded(&file, Plugin::default(), change);
    assert!(status.serving.is_none());
    status.refusal.unwrap().to_string()
}

#[track_caller]
fn serves(bytes: &[u8], plugin: Plugin) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("work.wasm");
    std::fs::write(&file, bytes).unwrap();
    let status = loaded(&file, plugin, |_| {});
    assert_eq!(status.refusal, None);
    assert!(status.serving.is_some());
}

#[test]
fn a_component_of_as_many_core_instances_as_pythons_serves() {
    // Beside its own: `componentize-py --stub-wasi` makes 38 in all.
    serves(
        &with_module(&guest("noop"), &functions(1), 38),
        Plugin::default(),
    );
    assert_eq!(
        refusal(&with_module(&guest("noop"), &functions(1), 129), |_| {}),
        "it has more than 128 core instances"
    );
}

#[test]
fn a_typed_component_of_two_memories_serves_through_the_door_which_has_one_more() {
    let unbound = Plugin {
        unbound: true,
        ..Plugin::default()
    };
    let two = with_module(&guest("typed"), &memory(1 << 16), 1);
    serves(&two, unbound);
}

#[test]
fn a_start_that_takes_more_memory_than_a_job_has_is_refused() {
    let hungry = with_module(&guest("noop"), &memory(100 << 20), 1);
    let reason = refusal(&hungry, |_| {});
    assert!(
        reason.starts_with("it does not start: it needs 101.")
            && reason.ends_with(
                "MiB of memory at its start; the queues that use it allow 64MiB: write memory = \
                 \"128MiB\" for them in queues.toml"
            ),
        "{reason}"
    );
    let reason = refusal(&with_module(&guest("noop"), &memory(2 << 30), 1), |_| {});
    assert_eq!(
        reason,
        "it does not start: it asks for 2GiB of memory at its start; the queues that use it \
         allow 64MiB (`memory`)"
    );
    let given = Plugin {
        memory: Some(128 << 20),
        ..Plugin::default()
    };
    serves(&hungry, given);
}

#[test]
fn compiling_ends_at_its_limits_and_says_which_setting_they_are() {
    let reason = refusal(&endless(), |runtime| {
        runtime.compile_timeout = std::time::Duration::from_secs(1);
    });
    assert_eq!(
        reason,
        "compiling took more than 1 s (`compile_timeout` of [runtime])"
    );
    let reason = refusal(&endless(), |runtime| runtime.compile_memory = 128 << 20);
    assert_eq!(
        reason,
        "compiling took more than 128MiB of memory (`compile_memory` of [runtime])"
    );
}

#[test]
fn imports_and_exports_are_looked_at_before_the_compiler_is_started() {
    let few_seconds = |runtime: &mut Runtime| {
        runtime.compile_timeout = std::time::Duration::from_secs(20);
    };
    let replaced = |from: &[u8], to: &[u8]| {
        let mut bytes = endless();
        let places = 0..bytes.len() - from.len();
        let found: Vec<usize> = places.filter(|at| bytes[*at..].starts_with(from)).collect();
        for at in found {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
        bytes
    };
    let unknown = replaced(b"wasi:cli/environment@", b"wasi:cli/environmend@");
    let reason = refusal(&unknown, few_seconds);
    assert!(
        reason.starts_with("it imports \"wasi:cli/environmend@0.2."),
        "{reason}"
    );
    let other = replaced(
        b"runner:plugin/handler@0.1.0",
        b"runner:plugin/hurdler@0.1.0",
    );
    let reason = refusal(&other, few_seconds);
    assert!(
        reason.starts_with("it does not export \"runner:plugin/handler@0.1.0\""),
        "{reason}"
    );
}

#[test]
fn a_plugin_larger_than_the_setting_is_refused_by_its_name() {
    let bytes = std::fs::read(guest("noop")).unwrap();
    assert_eq!(
        refusal(&bytes, |runtime| runtime.max_plugin = 10 << 10),
        "the file is larger than 10KiB (`max_plugin` of [runtime])"
    );
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let directory = TempDir::new().unwrap();
    let fifo = directory.path().join("work.wasm");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    for (file, what) in [
        (&*fifo, "a FIFO"),
        (Path::new("/dev/zero"), "a device"),
        (directory.path(), "a directory"),
    ] {
        let status = loaded(file, Plugin::default(), |_| {});
        assert_eq!(
            status.refusal.unwrap().to_string(),
            format!("it is {what}; a plugin is a regular file, or a link to one")
        );
    }
    let link = directory.path().join("link.wasm");
    std::os::unix::fs::symlink(guest("noop"), &link).unwrap();
    assert!(loaded(&link, Plugin::default(), |_| {}).serving.is_some());
}

#[test]
fn without_a_directory_for_compiled_code_plugins_serve_all_the_same() {
    let status = loaded(&guest("noop"), Plugin::default(), |runtime| {
        runtime.cache = "/dev/null/cache".into();
    });
    assert!(!status.serving.unwrap().cached);
}

/// Where the compiled code of the sandbox's plugin is.
fn artifacts(cache: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(cache.join("compiled")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn compiled_code_that_is_cut_short_while_it_runs_harms_no_job() {
    let sandbox = Sandbox::new(&guest("faults"));
    let kept = artifacts(&sandbox.file().with_file_name("cache"));
    assert_eq!(kept.len(), 2, "code and tag, and nothing else: {kept:?}");
    for file in kept {
        std::fs::File::create(file).unwrap();
    }
    let completed = Outcome::Completed("null".into());
    assert_eq!(sandbox.run("print", "0"), completed);
    assert_eq!(sandbox.run("allocate", "1000000"), completed);
}

#[test]
fn compiled_code_and_a_key_that_others_can_write_or_read_are_not_used() {
    let directory = TempDir::new().unwrap();
    let cache = directory.path().join("cache");
    let cached = || {
        let status = loaded(&guest("noop"), Plugin::default(), |runtime| {
            runtime.cache.clone_from(&cache);
        });
        status.serving.unwrap().cached
    };
    let allow = |file: &Path, mode| {
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
    };
    assert!(!cached());
    assert!(cached());
    for file in artifacts(&cache) {
        allow(&file, 0o666);
        assert!(!cached(), "{} was used", file.display());
        // It was replaced by one of our own.
        assert!(cached());
    }
    allow(&cache.join("key"), 0o640);
    assert!(!cached(), "a key that others know was used");
    allow(&cache.join("key"), 0o600);
    assert!(cached());
}

#[test]
fn what_killed_processes_left_in_the_cache_is_removed_after_a_day() {
    let directory = TempDir::new().unwrap();
    let compiled = directory.path().join("compiled");
    std::fs::create_dir(&compiled).unwrap();
    let left = |name: &str, hours: u64| {
        let file = std::fs::File::create(compiled.join(name)).unwrap();
        let age = std::time::Duration::from_secs(hours * 3600);
        #[expect(
            clippy::disallowed_methods,
            reason = "a file has the time of its machine"
        )]
        let now = std::time::SystemTime::now();
        file.set_modified(now - age).unwrap();
    };
    left("12-0.new", 25);
    left("13-0.new", 23);
    left("artifact", 25);
    let status = loaded(&guest("noop"), Plugin::default(), |runtime| {
        runtime.cache = directory.path().to_owned();
    });
    assert!(status.serving.is_some());
    assert!(!compiled.join("12-0.new").exists());
    assert!(compiled.join("13-0.new").exists());
    assert!(compiled.join("artifact").exists());
}

#[test]
fn a_slot_comes_back_clean() {
    let sandbox = Sandbox::new(&guest("traces"));
    for _ in 0..6 {
        let found = sandbox.run("job", "{}");
        assert_eq!(found, Outcome::Completed("[0,0]".into()));
    }
}

const TWO: &str = "[queues.slow]\nplugin = \"slow\"\n[queues.work]\nplugin = \"scripted\"\n";

/// Two queues with a cache of their own: one whose plugin is not ready for long,
/// and `work`.
fn two(redis: &Redis) -> Setup {
    let setup = Setup::new(redis, TWO).plugin("scripted", &guest("scripted"));
    let cache = setup.path("cache").display().to_string();
    setup.env("RUNNER_CACHE", &cache)
}

/// Processes that compile for this one.
fn compilers(runner: &Runner) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", runner.id()))
        .into_iter()
        .flatten();
    let children = tasks.flatten().flat_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    children.collect()
}

#[test]
fn a_plugin_that_waits_in_its_start_delays_no_queue_no_grant_and_no_stop() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"reach\"\n[plugins.reach.config]\nword = \"old\"\n";
    let setup = Setup::new(&redis, toml)
        .plugin("reach", &guest("reach"))
        .plugin("late", &guest("late"));
    let mut runner = setup.serve();
    let word = || {
        let id = redis.add("work", "config", "{}", "{}");
        assert_eq!(redis.until_ended("work", &id), "completed");
        let value = redis.field("work", &id, "returnvalue").unwrap();
        let value: Value = serde_json::from_str(&value).unwrap();
        value["all"][0][1].as_str().unwrap().to_owned()
    };
    assert_eq!(word(), "old");
    let before = std::fs::read_to_string(setup.path("queues.toml")).unwrap();
    setup.write(&format!(
        "{}\n[queues.late]\nplugin = \"late\"\n",
        before.replace("\"old\"", "\"new\"")
    ));
    runner.until_logged("was reloaded");
    until("the new grants", || (word() == "new").then_some(()));
    assert!(!runner.log().iter().any(|line| line.contains("refused")));
    assert!(runner.stop().success());
    assert!(!runner.log().iter().any(|line| line.contains("refused")));
}

#[test]
fn a_start_that_does_not_end_is_refused_and_its_queue_is_held() {
    let redis = Redis::shared();
    let setup = two(&redis);
    setup.install("slow", &guest("late"));
    let runner = setup.spawn(&["serve"]);
    let id = redis.add("work", "job", "{}", "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert!(!runner.log().iter().any(|line| line.contains("refused")));
    let refused = runner.until_logged("plugin refused");
    assert!(
        refused.contains("it does not start: it took more than 10 s"),
        "{refused}"
    );
    let held = runner.until_logged("queue held");
    assert!(
        held.contains(
            "its plugin does not serve; the queue starts once the plugin's file is usable"
        ) && held.contains("\"queue\":\"slow\"")
            && held.contains("\"plugin\":\"slow\""),
        "{held}"
    );
    setup.install("slow", &guest("noop"));
    let id = redis.add("slow", "job", "{}", "{}");
    assert_eq!(redis.until_ended("slow", &id), "completed");
}

#[test]
fn a_plugin_that_compiles_for_long_delays_no_other_and_ends_with_the_process() {
    let redis = Redis::shared();
    let setup = two(&redis);
    std::fs::write(setup.path("plugins/slow.wasm"), endless()).unwrap();
    let mut runner = setup.spawn(&["serve"]);
    let id = redis.add("work", "job", "{}", "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    let compiling = until("a compiler", || {
        Some(compilers(&runner)).filter(|compiling| compiling.len() == 1)
    });
    assert!(runner.stop().success());
    until("the end of the compiler", || {
        (!Path::new("/proc").join(&compiling[0]).exists()).then_some(())
    });
}

#[test]
fn a_start_that_spins_is_refused_as_one_that_waits() {
    let spinning = with_module(&guest("noop"), &endless_start(), 1);
    assert_eq!(
        refusal(&spinning, |_| {}),
        "it does not start: it took more than 10 s"
    );
}

#[test]
fn the_banner_says_which_queue_is_held_and_why() {
    let redis = Redis::shared();
    let setup = two(&redis);
    std::fs::write(setup.path("plugins/slow.wasm"), "no component").unwrap();
    // It is for people only: a terminal of its own.
    let runner = setup.command();
    let serve = format!("{} serve", runner.get_program().display());
    let mut script = Command::new("script");
    script
        .args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            &serve,
            "/dev/null",
        ])
        .current_dir(runner.get_current_dir().unwrap())
        .env_clear()
        .envs(
            runner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = Process::spawn(&mut script);
    let shown = process.child().stdout.take().unwrap();
    let lines = BufReader::new(shown).lines().map_while(Result::ok);
    let banner: Vec<String> = lines
        .skip_while(|line| !line.starts_with("runner "))
        .take(4)
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(
        banner[1..],
        [
            "  slow → slow held: \"slow\" does not serve",
            "  work → scripted × 10",
            "warning: plugin \"slow\" does not serve: this is not a WebAssembly file; was it \
             written to the end?"
        ]
    );
}

#[test]
fn a_queue_whose_plugin_is_missing_is_told_with_the_refusal() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[queues.work]\nplugin = \"scripted\"\n");
    let runner = setup.spawn(&["serve"]);
    runner.until_logged("cannot read ");
    runner.until_logged("queue held");
    setup.install("scripted", &guest("scripted"));
    runner.until_logged("\"consuming\"");
    let held = |line: &&String| line.contains("queue held");
    assert_eq!(runner.log().iter().filter(held).count(), 1);
}
