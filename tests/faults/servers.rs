//! The servers that BullMQ is run on, and the forms their URLs have: Redis as the
//! distribution has it, and whatever else `tests/setup-servers`
//! has put into `target/servers`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::engine::works;
use crate::support::server::Server;
use crate::support::{Redis, Setup, guest};

/// `redis-server`, and all programs in `target/servers`.
fn programs() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../servers");
    let mut all = vec![PathBuf::from("redis-server")];
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        all.push(entry.path());
    }
    all
}

#[test]
fn each_server_is_served_by_every_form_of_its_url() {
    for program in programs() {
        let directory = TempDir::new().unwrap();
        let server = Server::of(&program, directory.path(), &[]);
        let about: String = server.run(&["INFO", "server"]);
        let version = |of: &str| about.lines().find(|line| line.starts_with(of));
        let version = version("valkey_version:").or(version("redis_version:"));
        println!("{}: {}", program.display(), version.unwrap_or_default());
        let (port, password) = (server.port, "p@s/s:w#rd ä");
        let grant = format!(">{password}");
        server.run::<()>(&["ACL", "SETUSER", "worker", "on", &grant, "~bull:*", "+@all"]);
        server.run::<()>(&["ACL", "SETUSER", "default", "resetpass", &grant]);
        let encoded = "p%40s%2Fs%3Aw%23rd%20%C3%A4";
        for url in [
            format!("redis://worker:{encoded}@127.0.0.1:{port}"),
            format!("valkey://worker:{encoded}@localhost:{port}/2?family=4"),
            format!("redis://:{encoded}@127.0.0.1:{port}/3?family=0"),
            format!("redis://127.0.0.1:{port}?username=worker&password={encoded}&db=4"),
        ] {
            works(&url, "bull");
        }

        // A user with the right to everything is warned of nothing.
        let url = format!("redis://worker:{encoded}@127.0.0.1:{port}");
        let toml = format!("[redis]\nurl = {url:?}\n\n[queues.a]\nplugin = \"noop\"\n");
        let setup = Setup::new(&Redis::shared(), &toml).plugin("noop", &guest("noop"));
        let mut runner = setup.serve();
        let added = setup.cli(&["add", "a", "n", "--wait"]);
        assert_eq!(added.code, Some(0), "{added:?}");
        assert!(runner.stop().success());
        let log = runner.log().join("\n");
        assert!(!log.contains("WARN"), "{log}");
    }
}
