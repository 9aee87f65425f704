//! `runner doctor`: its exit codes, and what it says where.

use serde_json::Value;

use crate::support::server::Server;
use crate::support::{Redis, Setup};

/// A Redis with these options, and a queue in it.
fn over(options: &[&str]) -> (tempfile::TempDir, Server, Setup) {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let server = Server::start(directory.path(), options);
    let toml = format!("[redis]\nurl = {:?}\n[queues.mail]\n", server.url());
    let setup = Setup::new(&Redis::shared(), &toml);
    (directory, server, setup)
}

/// What is said of an area, line by line.
fn area<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| *line != name).skip(1);
    lines.take_while(|line| line.starts_with(' ')).collect()
}

#[test]
fn nothing_to_do_is_0_and_only_warnings_are_4() {
    let (_directory, server, setup) = over(&["--appendonly", "yes"]);
    let ended = setup.cli(&["doctor"]);
    let swaps = ended.stdout.contains("swap is on");
    assert_eq!(ended.code, Some(if swaps { 4 } else { 0 }), "{ended:?}");
    let version: Vec<String> = server
        .run::<String>(&["INFO", "server"])
        .lines()
        .filter_map(|line| {
            line.strip_prefix("redis_version:")
                .map(|of| of.trim().to_owned())
        })
        .collect();
    let redis = area(&ended.stdout, "redis");
    let expected = [
        format!("  ok      connection: 127.0.0.1:{}", server.port),
        format!("  ok      version: {}", version[0]),
        "  ok      maxmemory-policy: noeviction".to_owned(),
        redis[3].to_owned(),
        "  ok      persistence: append-only file".to_owned(),
        "  ok      replication: a master without replicas".to_owned(),
        "  ok      clock: within a second of ours".to_owned(),
        "  ok      rights and topology: its user may do all that Runner needs".to_owned(),
    ];
    assert_eq!(redis, expected);
    assert!(redis[3].starts_with("  ok      memory: uses "), "{redis:?}");
    let queues = [
        "  ok      mail flow: nothing waits",
        "  ok      mail execution: no job has ended in the last 5m",
        "  ok      mail liveness: only declared here; 0 workers",
    ];
    assert_eq!(area(&ended.stdout, "queues"), queues);
    server.run::<()>(&["CONFIG", "SET", "appendonly", "no"]);
    let ended = setup.cli(&["doctor"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let warned = "  warning persistence: no append-only file: what came after its last snapshot is \
                  lost when it crashes\n          → CONFIG SET appendonly yes, and the same in \
                  redis.conf\n";
    assert!(ended.stdout.contains(warned), "{}", ended.stdout);
}

#[test]
fn what_does_not_work_is_1_and_the_way_out_is_named() {
    let (_directory, server, setup) = over(&["--appendonly", "yes"]);
    server.run::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let ended = setup.cli(&["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = "  failing maxmemory-policy: allkeys-lru: when its memory is full it drops keys, and \
                jobs are lost\n          → CONFIG SET maxmemory-policy noeviction, and the same in \
                redis.conf\n";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn mistakes_of_the_configuration_are_2() {
    let setup = Setup::new(&Redis::shared(), "[queues.mail]\nplugin = 7\n");
    let ended = setup.cli(&["doctor"]);
    assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains("`queues.mail.plugin`"), "{ended:?}");
}

#[test]
fn a_redis_that_does_not_answer_is_5_and_all_else_is_still_said() {
    let setup = Setup::new(&Redis::shared(), "[queues.mail]\n");
    let line = ["doctor", "--redis", "redis://127.0.0.1:1"];
    let ended = setup.cli(&line);
    assert_eq!((ended.code, &*ended.stderr), (Some(5), ""), "{ended:?}");
    let expected = [
        "  failing connection: Redis at 127.0.0.1:1 cannot be reached: Connection refused (os error \
         111)",
        "          → start it, or check its URL, password and network: --redis, [redis] url, \
         REDIS_URL",
    ];
    assert_eq!(area(&ended.stdout, "redis"), expected);
    assert_eq!(area(&ended.stdout, "system").len(), 1, "{}", ended.stdout);
    let ended = setup.cli(&[&line[..], &["--json"]].concat());
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(report["state"], "failing");
    let redis = report["checks"].as_array().expect("a list").iter();
    let redis: Vec<&Value> = redis.filter(|check| check["area"] == "redis").collect();
    assert_eq!((redis.len(), &redis[0]["name"]), (1, &"connection".into()));
    assert_eq!(redis[0]["state"], "failing");
    assert!(redis[0]["fix"].is_string(), "{report}");
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let (_directory, server, setup) = over(&["--requirepass", "right"]);
    let url = format!("redis://:wrong@127.0.0.1:{}", server.port);
    let ended = setup.cli(&["doctor", "--redis", &url]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let said = area(&ended.stdout, "redis");
    let refused = format!(
        "  failing connection: Redis at 127.0.0.1:{} cannot be reached: it refuses the password of \
         the user \"default\"",
        server.port
    );
    assert_eq!(said[0], refused);
    assert!(!ended.stdout.contains("wrong@"), "{ended:?}");
}
