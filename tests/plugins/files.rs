//! Files that change under a running process, in every way in which tools,
//! releases and volumes exchange them: plugins, `queues.toml`, contracts, secrets.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Redis, Runner, Setup, guest, until};

const QUEUE: &str = "[queues.work]\nplugin = \"it\"\n";

/// A process with the guest `noop` as plugin `it` on the queue `work`.
fn serve(redis: &Redis, toml: &str) -> (Setup, Runner) {
    let setup = Setup::new(redis, toml).plugin("it", &guest("noop"));
    let runner = setup.serve();
    (setup, runner)
}

/// Run a command of the shell in the directory.
fn shell(setup: &Setup, script: &str) {
    let ended = Command::new("sh")
        .args(["-ec", script])
        .current_dir(setup.path(""))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{script}: {ended:?}");
}

/// Lines of the log that hold this text.
fn told(runner: &Runner, text: &str) -> usize {
    let log = runner.log();
    log.iter().filter(|line| line.contains(text)).count()
}

/// What a job of this queue returns now.
fn answer(redis: &Redis, queue: &str, name: &str, data: &str) -> String {
    let id = redis.add(queue, name, data, "{}");
    redis.until_ended(queue, &id);
    redis.field(queue, &id, "returnvalue").unwrap_or_default()
}

/// Wait until the guest serves: `echo` gives back what it gets, `noop` nothing.
#[track_caller]
fn until_serves(redis: &Redis, guest: &str, how: &str) {
    let expected = if guest == "echo" {
        r#"{"a":1}"#
    } else {
        "null"
    };
    until(&format!("{guest} after {how}"), || {
        (answer(redis, "work", "any", r#"{"a":1}"#) == expected).then_some(())
    });
}

/// How people and tools put the file `new` in the place of FILE, which is NAME in
/// DIR.
const WAYS: [&str; 16] = [
    "cp new FILE",
    "mv new FILE",
    "cp new DIR/.NAME.tmp; mv DIR/.NAME.tmp FILE",
    "mkdir packed; cp new packed/NAME; tar -C packed -cf t.tar NAME; tar -C DIR -xf t.tar",
    "install -m 644 new FILE",
    "cat new > FILE",
    "rm FILE; cp new FILE",
    "mv FILE FILE~; cp new FILE",
    "cp FILE FILE.swp; cat new > FILE; rm FILE.swp",
    "ln -f new FILE",
    "touch -d 2001-01-01 new; rm FILE; cp -p new FILE",
    "touch -d 2001-01-01 new; cp -p new FILE",
    "dd if=new of=FILE bs=64k",
    "mkdir aside; cp new aside/f; ln -sf $PWD/aside/f FILE",
    "cat new > aside/f",
    "top=$PWD; git init -q repo; cp new repo/NAME; cd repo; git add NAME; \
     git -c user.name=a -c user.email=a@b commit -qm a; cd $top/DIR; rm NAME; \
     git --git-dir=$top/repo/.git --work-tree=. checkout -q -f HEAD -- NAME",
];

/// Put the file in this place.
fn exchange(setup: &Setup, way: &str, file: &str) {
    let (directory, name) = file.rsplit_once('/').unwrap_or((".", file));
    let way = way.replace("FILE", file);
    shell(setup, &way.replace("DIR", directory).replace("NAME", name));
    let _ = fs::remove_file(setup.path("new"));
}

#[test]
fn a_plugin_is_seen_however_it_is_exchanged() {
    let redis = Redis::shared();
    let (setup, _runner) = serve(&redis, QUEUE);
    for (step, way) in WAYS.iter().enumerate() {
        let name = ["echo", "noop"][step % 2];
        fs::copy(guest(name), setup.path("new")).unwrap();
        exchange(&setup, way, "plugins/it.wasm");
        until_serves(&redis, name, way);
    }
}

#[test]
fn queues_toml_is_seen_however_it_is_exchanged() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, QUEUE);
    let text = fs::read_to_string(setup.path("queues.toml")).unwrap();
    for (step, way) in WAYS.iter().enumerate() {
        let text = format!("{text}concurrency = {}\n", step + 1);
        fs::write(setup.path("new"), text).unwrap();
        exchange(&setup, way, "queues.toml");
        until(way, || {
            (told(&runner, "queues.toml was reloaded") == step + 1).then_some(())
        });
    }
    shell(
        &setup,
        "sed -i 's/^concurrency.*/concurrency = 40/' queues.toml",
    );
    until("sed", || {
        (told(&runner, "queues.toml was reloaded") > WAYS.len()).then_some(())
    });
    assert_eq!(told(&runner, "not reloaded"), 0, "{:?}", runner.log());
}

#[test]
fn half_a_plugin_is_refused_and_loads_when_it_is_whole() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, QUEUE);
    let whole = fs::read(guest("echo")).unwrap();
    fs::write(setup.path("plugins/it.wasm"), &whole[..whole.len() / 2]).unwrap();
    runner.until_logged("plugin refused");
    until_serves(&redis, "noop", "half a file");
    fs::write(setup.path("plugins/it.wasm"), &whole).unwrap();
    until_serves(&redis, "echo", "the whole file");
}

// Long because it is one story: each switch follows the one before.
#[test]
fn a_volume_of_kubernetes_is_taken_over_when_it_is_switched() {
    const TYPED: &str = include_str!("../guests/wit/typed.wit");
    let redis = Redis::shared();
    let reach = "[queues.reach]\nplugin = \"reach\"\n\
                 [plugins.reach]\nsecrets = { TOKEN = \"file:token\" }\n\
                 [queues.typed]\nplugin = \"echo\"\ncontract = \"test:typed/jobs\"\n";
    let setup = Setup::new(&redis, &format!("{QUEUE}{reach}"))
        .plugin("reach", &guest("reach"))
        .plugin("echo", &guest("echo"));
    let text = fs::read_to_string(setup.path("queues.toml")).unwrap();
    fs::create_dir(setup.path("wit")).unwrap();
    // As the kubelet lays each of the volumes out: the directory, the plugins, the
    // contracts.
    let version = |number: u32, guest_: &str, toml: &str, token: &str, wit: &str| {
        let files = [
            ("", "queues.toml", toml.as_bytes().to_owned()),
            ("", "token", token.as_bytes().to_owned()),
            ("plugins", "it.wasm", fs::read(guest(guest_)).unwrap()),
            ("wit", "typed.wit", wit.as_bytes().to_owned()),
        ];
        for (volume, name, bytes) in files {
            let volume = setup.path(volume);
            let data = volume.join(format!("..2026_{number}"));
            fs::create_dir_all(&data).unwrap();
            fs::write(data.join(name), bytes).unwrap();
            let link = volume.join(name);
            if !link.is_symlink() {
                let _ = fs::remove_file(&link);
                symlink(Path::new("..data").join(name), link).unwrap();
            }
        }
        for volume in ["", "plugins", "wit"] {
            let volume = setup.path(volume);
            symlink(format!("..2026_{number}"), volume.join("..data_tmp")).unwrap();
            fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
            if number > 1 {
                fs::remove_dir_all(volume.join(format!("..2026_{}", number - 1))).unwrap();
            }
        }
    };
    let token = || answer(&redis, "reach", "config", "null");
    let few = || {
        let id = redis.add("typed", "few", r#"{"name":"Ada","count":-1}"#, "{}");
        redis.until_ended("typed", &id)
    };
    version(1, "noop", &text, "four", TYPED);
    let runner = setup.serve();
    until_serves(&redis, "noop", "the start");
    assert!(token().contains(r#""secret":4}"#), "{}", token());
    assert_eq!(few(), "failed");

    let more = format!("{text}[queues.second]\nplugin = \"it\"\n");
    let wider = TYPED.replace("count: u32,", "count: s32,");
    version(2, "echo", &more, "seven77", &wider);
    until_serves(&redis, "echo", "the switch");
    let id = redis.add("second", "any", "{}", "{}");
    assert_eq!(redis.until_ended("second", &id), "completed");
    until("the secret", || {
        token().contains(r#""secret":7}"#).then_some(())
    });
    until("the contract", || (few() == "completed").then_some(()));
    // A secret alone: nothing of queues.toml has changed.
    version(3, "echo", &more, "eleven11111\n", &wider);
    until("the secret", || {
        token().contains(r#""secret":11}"#).then_some(())
    });
    runner.until_logged("changed secrets or contracts were reloaded");
    // Written in place, behind two links.
    fs::write(setup.path("..data/token"), "nine99999").unwrap();
    until("the secret", || {
        token().contains(r#""secret":9}"#).then_some(())
    });
    version(4, "noop", &more, "nine99999", &wider);
    until_serves(&redis, "noop", "another switch");
}

#[test]
fn a_secret_that_comes_after_the_edit_that_names_it_is_waited_for() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, QUEUE);
    setup.install("reach", &guest("reach"));
    let text = fs::read_to_string(setup.path("queues.toml")).unwrap();
    setup.write(&format!(
        "{text}[queues.reach]\nplugin = \"reach\"\n\
         [plugins.reach]\nsecrets = {{ TOKEN = \"file:late/token\" }}\n"
    ));
    runner.until_logged("cannot be read from late/token: there is no such file");
    fs::create_dir(setup.path("late")).unwrap();
    fs::write(setup.path("late/token"), "four").unwrap();
    let config = answer(&redis, "reach", "config", "null");
    assert!(config.contains(r#""secret":4}"#), "{config}");
}

#[test]
fn a_release_is_taken_over_when_its_link_is_switched() {
    let redis = Redis::shared();
    let toml = format!("[runtime]\nplugins = \"current/plugins\"\n{QUEUE}");
    let setup = Setup::new(&redis, &toml);
    for (release, name) in [("1", "noop"), ("2", "echo")] {
        let plugins = setup.path(&format!("releases/{release}/plugins"));
        fs::create_dir_all(&plugins).unwrap();
        fs::copy(guest(name), plugins.join("it.wasm")).unwrap();
    }
    shell(&setup, "ln -s releases/1 current");
    let _runner = setup.serve();
    until_serves(&redis, "noop", "the start");
    shell(&setup, "ln -s releases/2 next; mv -T next current");
    until_serves(&redis, "echo", "the switch");
    fs::copy(guest("noop"), setup.path("current/plugins/it.wasm")).unwrap();
    until_serves(&redis, "noop", "a cp into the release");
    shell(
        &setup,
        "rm -r releases/1; ln -sfn releases/none current; ln -sfn releases/2 current",
    );
    fs::copy(guest("echo"), setup.path("releases/2/plugins/it.wasm")).unwrap();
    until_serves(&redis, "echo", "a link that led nowhere for a moment");
}

#[test]
fn the_directory_of_the_plugins_may_be_exchanged_and_come_later() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE);
    fs::remove_dir(setup.path("plugins")).unwrap();
    fs::copy(guest("echo"), setup.path("echo")).unwrap();
    fs::copy(guest("noop"), setup.path("noop")).unwrap();
    let _runner = setup.spawn(&["serve"]);
    let early = redis.add("work", "any", "{}", "{}");
    shell(
        &setup,
        "mkdir later; cp noop later/it.wasm; mv later plugins",
    );
    assert_eq!(redis.until_ended("work", &early), "completed");
    shell(
        &setup,
        "mkdir new; cp echo new/it.wasm; mv plugins old; mv new plugins",
    );
    until_serves(&redis, "echo", "another directory");
    shell(&setup, "cp noop plugins/it.wasm");
    until_serves(&redis, "noop", "a cp into that");
    shell(
        &setup,
        "mv plugins away; mv away plugins; cp echo plugins/it.wasm",
    );
    until_serves(&redis, "echo", "the same directory moved to and fro");
    shell(
        &setup,
        "rm -r plugins; mkdir plugins; cp noop plugins/it.wasm",
    );
    until_serves(&redis, "noop", "a directory made anew");
}

/// A write through a name in a directory that nobody watches makes no event here,
/// as one from another machine does not.
#[test]
fn a_change_without_an_event_is_found() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, QUEUE);
    shell(
        &setup,
        "mkdir aside; ln plugins/it.wasm aside/; ln queues.toml aside/",
    );
    fs::copy(guest("echo"), setup.path("aside/it.wasm")).unwrap();
    until_serves(&redis, "echo", "a write aside");
    shell(&setup, "echo 'concurrency = 3' >> aside/queues.toml");
    runner.until_logged("queues.toml was reloaded");
}

#[test]
fn without_watches_files_are_looked_at() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("it", &guest("noop"));
    let script = "echo 0 > /proc/sys/user/max_inotify_instances";
    let Some(runner) = setup.spawn_apart(script, &["serve"]) else {
        return;
    };
    runner.until_ready();
    let line = runner.until_logged("no file watches left");
    let expected = "the system has no file watches left (fs.inotify.max_user_watches, \
                    fs.inotify.max_user_instances): Runner checks its files every 2s instead";
    assert!(line.contains(expected), "{line}");
    setup.install("it", &guest("echo"));
    until_serves(&redis, "echo", "a look");
    let text = fs::read_to_string(setup.path("queues.toml")).unwrap();
    setup.write(&format!("{text}concurrency = 3\n"));
    runner.until_logged("queues.toml was reloaded");
    assert_eq!(told(&runner, "no file watches left"), 1);
}

#[test]
fn a_volume_that_is_mounted_over_the_plugins_is_seen() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, QUEUE).plugin("it", &guest("noop"));
    let script = "(while [ -d plugins ] && [ ! -e mount ]; do sleep 0.05; done; \
                  mount --bind other plugins) &";
    let Some(runner) = setup.spawn_apart(script, &["serve"]) else {
        return;
    };
    runner.until_ready();
    fs::create_dir(setup.path("other")).unwrap();
    fs::copy(guest("echo"), setup.path("other/it.wasm")).unwrap();
    fs::write(setup.path("mount"), "").unwrap();
    until_serves(&redis, "echo", "the mount");
    fs::copy(guest("noop"), setup.path("other/it.wasm")).unwrap();
    until_serves(&redis, "noop", "a cp into the volume");
}

const SCHEDULE: &str = "[queues.b]\nplugin = \"it\"\n[[schedules]]\nid = \"s\"\nqueue = \"work\"\nname = \"n\"\n\
     every = \"1h\"\nlimit = 3\n";

#[test]
fn half_a_configuration_removes_nothing() {
    let redis = Redis::shared();
    let (setup, runner) = serve(&redis, &format!("{QUEUE}{SCHEDULE}"));
    let whole = fs::read_to_string(setup.path("queues.toml")).unwrap();
    let first = until("the first run", || {
        let ids: Vec<String> = redis.run(&["ZRANGE", &redis.key("work", "completed"), "0", "-1"]);
        ids.first().cloned()
    });
    let schedule = || -> Vec<String> {
        let [hash, next] = ["repeat:s", "repeat"].map(|key| redis.key("work", key));
        let mut all: Vec<String> = redis.run(&["HGETALL", &hash]);
        all.push(redis.run(&["ZSCORE", &next, "s"]));
        all
    };
    let before = schedule();
    let (half, _) = whole.split_once("[queues.b]").unwrap();
    fs::write(setup.path("queues.toml"), half).unwrap();
    let line = runner.until_logged("no longer configured");
    let expected = "no longer configured: queues.b, schedules; will be removed in 2s unless the \
                    files change";
    assert!(line.contains(expected), "{line}");
    fs::write(setup.path("queues.toml"), &whole).unwrap();
    runner.until_logged("what was missing in the configuration is back: nothing was removed");
    assert_eq!(schedule(), before);
    assert_eq!(told(&runner, "reloaded"), 0, "{:?}", runner.log());
    let id = redis.add("b", "any", "{}", "{}");
    assert_eq!(redis.until_ended("b", &id), "completed");
    assert_eq!(told(&runner, "consuming"), 2, "{:?}", runner.log());
    let ran: Vec<String> = redis.run(&["ZRANGE", &redis.key("work", "completed"), "0", "-1"]);
    assert_eq!(ran, [first]);

    // What is added or changed comes into force at once; an end that is meant, too,
    // a little later.
    fs::write(setup.path("queues.toml"), half).unwrap();
    runner.until_logged(r#""removed":"[\"b\"]""#);
    until("the removal", || {
        let gone: Option<f64> = redis.run(&["ZSCORE", &redis.key("work", "repeat"), "s"]);
        gone.is_none().then_some(())
    });
    assert_eq!(
        told(&runner, "no longer configured"),
        2,
        "{:?}",
        runner.log()
    );
}

#[test]
fn a_grant_that_is_missing_for_a_moment_is_not_withdrawn() {
    let redis = Redis::shared();
    let grants = "[queues.reach]\nplugin = \"reach\"\n[plugins.reach.config]\nsender = \"Ada\"\n\
                  [plugins.reach.secrets]\nTOKEN = \"file:token\"\n";
    let setup = Setup::new(&redis, &format!("{QUEUE}{grants}")).plugin("it", &guest("noop"));
    let setup = setup.plugin("reach", &guest("reach"));
    fs::write(setup.path("token"), "four").unwrap();
    let runner = setup.serve();
    let whole = fs::read_to_string(setup.path("queues.toml")).unwrap();
    fs::write(setup.path("queues.toml"), whole.replace("TOKEN", "# TOKEN")).unwrap();
    runner.until_logged("no longer configured: plugins.reach.secrets.TOKEN; will be");
    fs::write(setup.path("queues.toml"), &whole).unwrap();
    runner.until_logged("nothing was removed");
    assert_eq!(told(&runner, "reloaded"), 0, "{:?}", runner.log());
    // The secret's own file is away as well: a mistake until it is back.
    fs::remove_file(setup.path("token")).unwrap();
    runner.until_logged("cannot be read from token: there is no such file");
    let config = answer(&redis, "reach", "config", "null");
    assert!(config.contains(r#""secret":4}"#), "{config}");
    fs::write(setup.path("token"), "seven77").unwrap();
    until("the secret", || {
        let config = answer(&redis, "reach", "config", "null");
        config.contains(r#""secret":7}"#).then_some(())
    });
}

#[test]
fn a_file_that_is_gone_for_a_moment_is_not_told() {
    let redis = Redis::shared();
    let toml = format!("{QUEUE}contract = \"test:typed/jobs\"\n");
    let setup = Setup::new(&redis, &toml).plugin("it", &guest("noop"));
    fs::create_dir(setup.path("wit")).unwrap();
    let typed = include_str!("../guests/wit/typed.wit");
    fs::write(setup.path("wit/typed.wit"), typed).unwrap();
    let runner = setup.serve();
    let text = fs::read_to_string(setup.path("queues.toml")).unwrap();
    fs::remove_file(setup.path("wit/typed.wit")).unwrap();
    fs::remove_file(setup.path("plugins/it.wasm")).unwrap();
    // Later than a change is told. Read again without the contract, it keeps that.
    setup.write(&format!("{text}concurrency = 2\n"));
    runner.until_logged(
        "no longer configured: the WIT file of \\\"test:typed/jobs\\\"; will be removed in 2s",
    );
    fs::write(setup.path("wit/typed.wit"), typed).unwrap();
    setup.install("it", &guest("echo"));
    runner.until_logged("queues.toml was reloaded");
    runner.until_logged("\"previous\":\"it@");
    assert_eq!(told(&runner, "plugin refused"), 0, "{:?}", runner.log());
    assert_eq!(
        answer(&redis, "work", "few", r#"{"name":"A","count":-1}"#),
        ""
    );
    // What stays away is told, and its last version serves.
    fs::remove_file(setup.path("plugins/it.wasm")).unwrap();
    runner.until_logged("plugin refused");
    let data = json!({ "name": "Ada", "count": 1 }).to_string();
    let id = redis.add("work", "few", data, "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
}
