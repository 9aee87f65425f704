//! How a server ends.

use super::freeze;
use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Redis, until};

#[test]
fn a_request_in_flight_is_answered_and_everybody_else_is_let_go() {
    let redis = Redis::own();
    let setup = served(&redis, "");
    let mut runner = setup.serve();
    let at = runner.api().address().to_owned();
    let mut resting = Wire::to(&at);
    resting.get("/livez");
    let mut silent = Wire::to(&at);
    let frozen = freeze(&redis);
    let mut flying = Wire::to(&at);
    flying.send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    // It is being answered: the next one is, too.
    Wire::to(&at).get("/livez");
    runner.signal("TERM");
    assert_eq!(
        (resting.rest(), silent.rest()),
        (String::new(), String::new())
    );
    until("the address to be free", || {
        std::net::TcpStream::connect(&at).is_err().then_some(())
    });
    drop(frozen);
    let answer = flying.rest();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(runner.stop().success());
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let redis = Redis::own();
    let setup = served(&redis, "");
    let mut runner = setup.serve();
    let at = runner.api().address().to_owned();
    let mut half = Wire::to(&at);
    half.get("/livez");
    half.send("POST /nothing HTTP/1.1\r\nhost: localhost\r\nx: ");
    Wire::to(&at).get("/livez");
    runner.signal("TERM");
    until("the address to be free", || {
        std::net::TcpStream::connect(&at).is_err().then_some(())
    });
    assert!(runner.stop().success());
    assert_eq!(half.rest(), "");
}
