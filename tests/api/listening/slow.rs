//! Clients that are slow, silent, or gone.

use std::time::{Duration, Instant};

use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Redis, Setup};

#[test]
fn half_a_head_and_silence_end_after_their_time() {
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        "[server]\nlisten = \"127.0.0.1:0\"\nheader_timeout = \"300ms\"\nidle_timeout = \"600ms\"\n",
    );
    let runner = setup.serve();
    let api = runner.api();
    let begun = Instant::now();
    let mut silent = Wire::to(api.address());
    let mut half = Wire::to(api.address());
    half.send("GET /livez HTTP/1.1\r\nhost:");
    let mut resting = Wire::to(api.address());
    resting.get("/livez");
    assert_eq!((silent.rest(), half.rest()), (String::new(), String::new()));
    let first = begun.elapsed();
    assert!(first >= Duration::from_millis(300), "{first:?}");
    // The next head has its own time, which begins with its first byte.
    assert_eq!(resting.rest(), "");
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[test]
fn thousands_of_silent_clients_take_nothing_from_others() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let many = most.current.map_or(3000, |limit| (limit / 2).min(3000));
    let silent: Vec<_> = (0..many).map(|_| Wire::to(api.address())).collect();
    let mut halves: Vec<_> = silent;
    for wire in halves.iter_mut().step_by(2) {
        wire.send("POST /api/jobs/q HTTP/1.1\r\nhost: localhost\r\ncontent-le");
    }
    assert_eq!(api.get("/livez").status, 200);
    assert_eq!(api.get("/readyz").status, 200);
}

#[test]
fn a_client_that_goes_ends_nothing_but_its_own_request() {
    let redis = Redis::own();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let frozen = super::freeze(&redis);
    for _ in 0..50 {
        Wire::to(api.address()).send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    }
    drop(frozen);
    assert_eq!(api.get("/readyz").status, 200);
}

#[test]
fn a_body_that_only_trickles_is_answered_before_it_ends() {
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        "[server]\nlisten = \"127.0.0.1:0\"\nbody_timeout = \"300ms\"\n[queues.orders]\ndefault_job = \"order\"\n",
    );
    let runner = setup.serve();
    let api = runner.api();
    let head = "POST /api/jobs/orders HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let begun = Instant::now();
    let answer = Wire::to(api.address()).send(head).send("{").rest();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let told = "the body did not come in time (`body_timeout` of [server])";
    assert!(answer.contains(told), "{answer}");
    assert_eq!(redis.count("orders", "wait"), 0);
}
