//! An edited `[server]` is in force at once.

use std::net::TcpListener;

use super::{address, freeze};
use crate::support::redis::free_port;
use crate::support::wire::Wire;
use crate::support::{Redis, Runner, Setup};

fn at(redis: &Redis, listen: &str, more: &str) -> String {
    let (url, prefix) = (redis.url(), redis.prefix());
    format!("[redis]\nurl = {url:?}\nprefix = {prefix:?}\n[server]\nlisten = {listen:?}\n{more}\n")
}

/// A server at some port, and a client that it has answered and that stays.
fn served_once(redis: &Redis) -> (Setup, Runner, String, Wire) {
    let setup = Setup::new(redis, "");
    setup.write(&at(redis, "127.0.0.1:0", ""));
    let runner = setup.serve();
    let old = address(&runner, 0);
    let mut resting = Wire::to(&old);
    resting.get("/livez");
    (setup, runner, old, resting)
}

#[test]
fn requests_in_flight_end_at_the_old_address_while_the_new_one_serves() {
    let redis = Redis::own();
    let (setup, runner, old, mut resting) = served_once(&redis);
    let frozen = freeze(&redis);
    let mut flying = Wire::to(&old);
    flying.send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let new = format!("127.0.0.1:{}", free_port());
    setup.write(&at(&redis, &new, ""));
    assert_eq!(address(&runner, 1), new);
    assert!(Wire::to(&new).get("/livez").starts_with("HTTP/1.1 200"));
    assert_eq!(resting.rest(), "");
    drop(frozen);
    let answer = flying.rest();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(std::net::TcpStream::connect(&old).is_err());
}

#[test]
fn an_address_that_cannot_be_had_leaves_the_old_one() {
    let redis = Redis::shared();
    let (setup, runner, old, mut resting) = served_once(&redis);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    setup.write(&at(&redis, &format!("127.0.0.1:{port}"), ""));
    let line = runner.until_logged("it stays at");
    assert!(
        line.contains(&format!("it stays at http://{old}")),
        "{line}"
    );
    assert!(line.contains("another process has that port"), "{line}");
    assert!(resting.get("/livez").starts_with("HTTP/1.1 200"));
    assert!(Wire::to(&old).get("/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn from_one_address_to_all_and_back_the_port_stays() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let port = free_port();
    let one = format!("127.0.0.1:{port}");
    setup.write(&at(&redis, &one, ""));
    let runner = setup.serve();
    let mut resting = Wire::to(&one);
    resting.get("/livez");
    let all = format!("[::ffff:127.0.0.1]:{port}");
    setup.write(&at(&redis, &all, ""));
    assert_eq!(address(&runner, 1), all);
    assert!(Wire::to(&one).get("/livez").starts_with("HTTP/1.1 200"));
    assert_eq!(resting.rest(), "");
}

#[test]
fn limits_are_in_force_for_the_next_connection_and_a_server_can_come_and_go() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let listen = format!("127.0.0.1:{}", free_port());
    let runner = setup.serve();
    setup.write(&at(&redis, &listen, ""));
    assert_eq!(address(&runner, 0), listen);
    setup.write(&at(&redis, &listen, "header_timeout = \"100ms\""));
    runner.until_logged("queues.toml was reloaded");
    let mut resting = Wire::to(&listen);
    assert_eq!(resting.rest(), "");
    setup.write(&at(&redis, &listen, "").replace(&format!("[server]\nlisten = {listen:?}\n"), ""));
    runner.until_logged("the HTTP API no longer listens");
    assert!(std::net::TcpStream::connect(&listen).is_err());
}
