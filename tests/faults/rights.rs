//! A Redis that lacks something Runner needs: rights of its user, memory that is not
//! thrown away, a role in which it takes writes. Each is said once, with the way out,
//! and what can be worked round is.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::engine::{Engine, config, echo, jobs};
use crate::support::server::{Server, cluster};
use crate::support::{Redis, Runner, Setup, guest, until};

/// `runner serve` of one queue at this address.
fn serve(url: &str) -> (Setup, Runner) {
    let toml = format!("[redis]\nurl = {url:?}\n\n[queues.a]\nplugin = \"noop\"\n");
    let setup = Setup::new(&Redis::shared(), &toml).plugin("noop", &guest("noop"));
    let runner = setup.serve();
    (setup, runner)
}

/// What was said of Redis, without its address.
fn remarks(runner: &Runner) -> Vec<String> {
    let lines = runner.log();
    let messages = lines.iter().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let message = line["message"].as_str()?.to_owned();
        let (_, remark) = message
            .strip_prefix("Redis at 127.0.0.1:")?
            .split_once(": ")?;
        (line["level"] == "WARN").then(|| remark.to_owned())
    });
    messages.collect()
}

/// Serving there says this, and nothing else of the kind.
#[track_caller]
fn said(url: &str, expected: &str) {
    let (setup, runner) = serve(url);
    let remark = until("a remark", || remarks(&runner).into_iter().next());
    assert_eq!(remark, expected);
    // Commands are not concerned.
    let listed = setup.cli(&["queue", "list"]);
    assert!(!listed.stderr.contains("WARN"), "{listed:?}");
    assert_eq!(remarks(&runner).len(), 1);
}

/// What managed services give.
const MANAGED: [&str; 4] = ["~bull:*", "+@all", "-@admin", "-@dangerous"];

/// A server with a user `w` with these rights, and the URL of `w`.
fn with_user(directory: &TempDir, rights: &[&str], options: &[&str]) -> (Server, String) {
    let server = Server::start(directory.path(), options);
    server.run::<()>(&[&["ACL", "SETUSER", "w", "on", ">pw"], rights].concat());
    let url = format!("redis://w:pw@127.0.0.1:{}", server.port);
    (server, url)
}

#[test]
fn a_user_who_may_not_unblock_waits_for_work_all_the_same() {
    let directory = TempDir::new().unwrap();
    let (server, url) = with_user(&directory, &MANAGED, &[]);
    let mut engine = Engine::over(&url, "bull", std::time::Duration::from_secs(30), echo);
    for name in ["a", "b"] {
        engine.consume(config(name, 1));
    }
    let rounds = 20;
    for round in 1..=rounds {
        for name in ["a", "b"] {
            let queue = engine.shared.queue(&config(name, 1));
            engine.runtime.block_on(queue.add(&jobs(1))).unwrap();
            until("the job to complete", || {
                let counts = engine.runtime.block_on(queue.counts()).ok()?;
                (counts.of(runner::queue::State::Completed) == round).then_some(())
            });
        }
    }
    // The wait was broken off again and again, and tried in vain only once: a new
    // connection each time, as it was, would be as many refusals.
    let stats: String = server.run(&["INFO", "commandstats"]);
    let unblock = stats
        .lines()
        .find(|line| line.starts_with("cmdstat_client|unblock:"));
    assert!(unblock.unwrap().contains("rejected_calls=1,"), "{stats}");
    // The letters are read, and gone.
    until("the mailbox to be empty", || {
        let keys: Vec<String> = server.run(&["KEYS", "bull:runner:mail:*"]);
        keys.is_empty().then_some(())
    });
    engine.stop(std::time::Duration::from_secs(5));
}

#[test]
fn what_its_user_may_not_do_is_said_once_with_what_it_costs() {
    let directory = TempDir::new().unwrap();
    let (server, url) = with_user(&directory, &MANAGED, &[]);
    let unblock = "the user \"w\" may not run CLIENT UNBLOCK: a queue that waits for work again \
                   costs two small writes; ACL SETUSER w +client|unblock saves them";
    let (setup, mut runner) = serve(&url);
    runner.until_logged("CLIENT UNBLOCK");
    // Also when the connection is made anew.
    let connections = || {
        let info: String = server.run(&["INFO", "stats"]);
        let count = info
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:"));
        count.unwrap().parse::<u64>().unwrap()
    };
    let before = connections();
    server.run::<()>(&["CLIENT", "KILL", "USER", "w"]);
    until("the connections to be made anew", || {
        (connections() > before + 3).then_some(())
    });
    let added = setup.cli(&["add", "a", "n", "--wait"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(!added.stderr.contains("UNBLOCK"), "{added:?}");
    assert!(runner.stop().success());
    assert_eq!(remarks(&runner), [unblock]);

    server.run::<()>(&["ACL", "SETUSER", "w", "+@all", "-client|setname"]);
    let (_setup, runner) = serve(&url);
    let remark = until("a remark", || remarks(&runner).into_iter().next());
    assert!(
        remark.starts_with("the user \"w\" may not run CLIENT SETNAME (")
            && remark.ends_with(
                "): BullMQ's getWorkers does not see this worker; grant +client|setname, or write \
                 `presence = false` in [redis]"
            ),
        "{remark}"
    );
    drop(runner);

    server.run::<()>(&["ACL", "SETUSER", "w", "+@all", "-zadd", "-xadd"]);
    said(
        &url,
        "the user \"w\" may not run XADD, ZADD on keys that begin with \"bull:\": jobs will not \
         start or not end; ACL SETUSER w +xadd +zadd",
    );
    server.run::<()>(&["ACL", "SETUSER", "w", "+@all", "resetkeys", "~queues:*"]);
    said(
        &url,
        "the user \"w\" may not use keys that begin with \"bull:\": no job starts; ACL SETUSER w \
         ~bull:*",
    );
    server.run::<()>(&["ACL", "SETUSER", "w", "allkeys", "-evalsha"]);
    let (_setup, runner) = serve(&url);
    let remark = until("a remark", || remarks(&runner).into_iter().next());
    assert!(
        remark.starts_with("the user \"w\" may not run scripts, without which no job starts (")
            && remark.ends_with("); ACL SETUSER w +evalsha +script|load"),
        "{remark}"
    );
}

#[test]
fn the_user_of_the_documentation_is_warned_of_nothing() {
    let page = include_str!("../../docs/configuration.md");
    let (_, rest) = page.split_once("`ACL SETUSER runner ").unwrap();
    let (rights, _) = rest.split_once('`').unwrap();
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &[]);
    let words: Vec<&str> = rights.split_whitespace().collect();
    server.run::<()>(&[&["ACL", "SETUSER", "runner"], &words[..]].concat());
    let (setup, mut runner) = serve(&format!(
        "redis://runner:password@127.0.0.1:{}",
        server.port
    ));
    let added = setup.cli(&["add", "a", "n", "--wait"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let listed = setup.cli(&["queue", "list", "--json"]);
    assert!(listed.stdout.contains("\"workers\": 1"), "{listed:?}");
    assert!(runner.stop().success());
    let log = runner.log().join("\n");
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn memory_that_is_thrown_away_is_said_by_whichever_command_tells() {
    let expected = "its maxmemory-policy is \"volatile-lru\": when its memory is full it drops \
                    keys, and jobs are lost or stuck without a word; set it to \"noeviction\"";
    let directory = TempDir::new().unwrap();
    let options = ["--maxmemory-policy", "volatile-lru"];
    let (server, url) = with_user(&directory, &["~bull:*", "+@all"], &options);
    said(&url, expected);
    let (setup, _runner) = serve(&url);
    let check = setup.cli(&["check", "--against-redis"]);
    let at = server.port;
    assert_eq!(
        check.stderr,
        format!("warning: Redis at 127.0.0.1:{at}: {expected}\n")
    );
    server.run::<()>(&["ACL", "SETUSER", "w", "-info"]);
    said(&url, expected);
    server.run::<()>(&["ACL", "SETUSER", "w", "+info", "-config"]);
    said(&url, expected);
}

#[test]
fn servers_that_cannot_be_what_the_url_says_are_named() {
    let directory = TempDir::new().unwrap();
    let master = Server::start(directory.path(), &[]);
    let port = master.port.to_string();
    let replica = Server::start(directory.path(), &["--replicaof", "127.0.0.1", &port]);
    said(
        &replica.url(),
        "it is a replica, which takes no writes: no job starts until it is the master; name the \
         master, or let Sentinels name it (redis+sentinel://host:26379/mymaster)",
    );

    let directory = TempDir::new().unwrap();
    let nodes = cluster(directory.path(), &[]);
    said(
        &nodes[0].url(),
        "it is a node of a Cluster, and dialled as one server: queues in slots of other nodes are \
         out of reach and a failover is not followed; write redis+cluster:// in its URL",
    );
}

#[test]
fn addresses_that_do_not_let_us_in_say_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let server = Server::start(directory.path(), &["--requirepass", "pw"]);
    let at = format!("127.0.0.1:{}", server.port);
    let refused = |url: &str| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let redis = runner::queue::Redis::new(url, "{b}").unwrap();
        let error = runtime.block_on(redis.ping()).unwrap_err().to_string();
        let (_, reason) = error.split_once(" cannot be reached: ").unwrap();
        reason.to_owned()
    };
    assert_eq!(
        refused(&format!("redis://{at}")),
        "it wants a password: write it into the URL, or set REDIS_PASSWORD"
    );
    for url in [
        format!("redis://w:pw@{at}"),
        format!("redis+cluster://w:no@{at}"),
    ] {
        assert_eq!(refused(&url), "it refuses the password of the user \"w\"");
    }
    assert_eq!(
        refused(&format!("redis+cluster://:pw@{at}")),
        "it is no node of a Cluster: write redis:// in its URL"
    );
    assert_eq!(
        refused(&format!("redis+sentinel://:pw@{at}/mymaster")),
        "it is no Sentinel: write redis:// in its URL, without the name of the master"
    );
    assert_eq!(
        refused(&format!("redis://:pw@{at}/99")),
        "it has no database of the number in its URL"
    );
    assert_eq!(
        refused(&format!("rediss://:pw@{at}")),
        "it does not answer to TLS; if it speaks none, write redis://"
    );
    assert_eq!(
        refused(&format!("redis://:pw@{at}?family=6")),
        "the host has no address of this family"
    );
}
