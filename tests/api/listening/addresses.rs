//! Where a server listens, and what is said when it cannot.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;

use super::address;
use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Redis, Setup, until};

#[track_caller]
fn refused(setup: &Setup, arguments: &[&str]) -> String {
    let ended = setup.cli(arguments);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended.stderr
}

#[test]
fn a_unix_socket_has_its_mode_and_goes_with_the_server() {
    let redis = Redis::shared();
    let toml = "[server]\nlisten = \"unix:api.sock\"\nsocket_mode = \"0600\"\n";
    let setup = Setup::new(&redis, toml);
    let mut runner = setup.serve();
    let path = setup.path("api.sock");
    let found = std::fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert!(Wire::at(&path).get("/livez").starts_with("HTTP/1.1 200"));
    assert!(runner.stop().success());
    assert!(!path.exists());
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[server]\nlisten = \"unix:api.sock\"\n");
    let path = setup.path("api.sock");
    // Closed, but not removed, as by a process that was killed.
    drop(UnixListener::bind(&path).unwrap());
    let mut runner = setup.serve();
    assert!(Wire::at(&path).get("/livez").starts_with("HTTP/1.1 200"));
    let told = refused(&setup, &["serve"]);
    assert!(
        told.contains(
            "the HTTP API cannot listen at unix:api.sock: another process listens there; choose \
             another path with --listen, or `listen` in [server]"
        ),
        "{told}"
    );
    // The second has not taken it away from the first.
    assert!(Wire::at(&path).get("/livez").starts_with("HTTP/1.1 200"));
    runner.kill();
    let mut runner = setup.serve();
    assert!(Wire::at(&path).get("/livez").starts_with("HTTP/1.1 200"));
    assert!(runner.stop().success());
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[server]\nlisten = \"unix:queues.toml\"\n");
    let told = refused(&setup, &["serve"]);
    assert!(
        told.contains(
            "at unix:queues.toml: a file that is no socket is there; remove it, or choose \
             another path"
        ),
        "{told}"
    );
    assert!(setup.path("queues.toml").is_file());
}

#[test]
fn an_address_that_cannot_be_had_is_named_with_the_way_out() {
    let redis = Redis::shared();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let setup = Setup::new(&redis, "");
    let told = refused(&setup, &["serve", "--listen", &format!("127.0.0.1:{port}")]);
    assert!(
        told.contains(&format!(
            "the HTTP API cannot listen at 127.0.0.1:{port}: another process has that port (`ss \
             -ltnp 'sport = :{port}'` names it); choose another with --listen 127.0.0.1:{}, or \
             `listen` in [server]",
            port + 1
        )),
        "{told}"
    );
    let told = refused(&setup, &["serve", "--listen", "unix:none/api.sock"]);
    assert!(
        told.contains("at unix:none/api.sock: its directory does not exist"),
        "{told}"
    );
    let long = format!("unix:{}", "x".repeat(120));
    let told = refused(&setup, &["serve", "--listen", &long]);
    assert!(
        told.contains("the path of a socket has at most 107 bytes"),
        "{told}"
    );
}

#[test]
fn beyond_this_machine_nobody_listens_who_asks_for_no_credentials() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "[server]\nlisten = \"0.0.0.0:0\"\n");
    let ended = setup.cli(&["check"]);
    let why = "is 0.0.0.0:0, where other machines can connect, and nothing says who may do what";
    assert!(
        ended.stderr.contains(&format!("`server.listen` {why}")),
        "{ended:?}"
    );
    let setup = Setup::new(&redis, "");
    let ended = setup.cli(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(
        ended.stderr.contains(&format!("--listen {why}")),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains(
            "add a token to [server.tokens] (see docs/security.md), or listen on 127.0.0.1"
        ),
        "{ended:?}"
    );
}

#[test]
fn what_is_no_address_is_shown_as_it_should_be_written() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    for wrong in ["3000", "example.com:80", "unix:", "127.0.0.1:99999"] {
        let ended = setup.cli(&["serve", "--listen", wrong]);
        let told = format!(
            "--listen must be an address with a port, or unix: and a path, found {wrong:?}"
        );
        assert!(ended.stderr.contains(&told), "{ended:?}");
        let hint = "write \"127.0.0.1:3000\", \"[::1]:3000\" or \"unix:/run/runner.sock\"";
        assert!(ended.stderr.contains(hint), "{ended:?}");
    }
}

#[test]
fn without_a_word_about_it_nothing_listens_and_a_flag_is_enough() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let runner = setup.serve();
    assert!(!runner.log().join("\n").contains("the HTTP API listens"));
    let flagged = setup.spawn(&["serve", "--listen", "localhost:0"]);
    assert!(
        Wire::to(&address(&flagged, 0))
            .get("/livez")
            .starts_with("HTTP/1.1 200")
    );
}

#[test]
fn dev_listens_at_another_port_when_nobody_asked_for_the_one_that_is_taken() {
    // Whether this test gets the port or somebody else has it: it is taken.
    let _taken = TcpListener::bind("127.0.0.1:3000");
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let mut runner = setup.spawn(&["dev"]);
    let at = address(&runner, 0);
    assert_ne!(at, "127.0.0.1:3000");
    assert!(Wire::to(&at).get("/livez").starts_with("HTTP/1.1 200"));
    runner.until_logged("127.0.0.1:3000 is taken; the HTTP API takes another port");
    // Who asks for an address gets that one or none.
    let ended = setup;
    let setup = served(&redis, "");
    let told = refused(&setup, &["dev", "--listen", &at]);
    assert!(told.contains("another process has that port"), "{told}");
    // Nor does a Redis stay that was started for it, or for one that has ended.
    runner.stop();
    for dir in [&setup, &ended] {
        let port = std::fs::read_to_string(dir.path("data/redis/port"));
        let address = format!("127.0.0.1:{}", port.expect("dev has a Redis").trim());
        until("its Redis to end", || {
            TcpStream::connect(&address).is_err().then_some(())
        });
    }
}
