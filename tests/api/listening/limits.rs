//! How much and how often a client may ask.

use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Redis, Setup, until};

fn limited(redis: &Redis, keys: &str) -> Setup {
    Setup::new(
        redis,
        &format!("[server]\nlisten = \"127.0.0.1:0\"\n{keys}\n"),
    )
}

#[test]
fn one_request_too_many_is_told_when_to_come_again() {
    let redis = Redis::shared();
    let setup = limited(&redis, "rate = { max = 3, duration = \"1h\" }");
    let runner = setup.serve();
    let api = runner.api();
    let codes = [(); 4].map(|()| api.get("/nothing").status);
    assert_eq!(codes, [404, 404, 404, 429]);
    let over = api.request("GET", "/nothing").send().unwrap();
    assert_eq!(over.headers()["retry-after"], "1200");
    let problem: serde_json::Value = over.json().unwrap();
    assert_eq!(
        problem["detail"],
        "more than 3 requests in 1h (`rate` of [server]); the next may come in 1200 s"
    );
    // Whoever asks whether the process lives hears it.
    assert_eq!(api.get("/livez").status, 200);
}

#[test]
fn when_there_are_too_many_connections_the_one_that_waits_longest_goes() {
    let redis = Redis::shared();
    let setup = limited(&redis, "max_connections = 3");
    let runner = setup.serve();
    let api = runner.api();
    let mut first = Wire::to(api.address());
    first.get("/livez");
    let mut second = Wire::to(api.address());
    second.get("/livez");
    let mut third = Wire::to(api.address());
    third.get("/livez");
    let mut fourth = Wire::to(api.address());
    assert!(fourth.get("/livez").starts_with("HTTP/1.1 200"));
    assert_eq!(first.rest(), "");
    for kept in [&mut second, &mut third, &mut fourth] {
        assert!(kept.get("/livez").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn when_all_connections_have_a_request_one_more_is_sent_away() {
    let redis = Redis::own();
    let setup = limited(&redis, "max_connections = 2");
    let runner = setup.serve();
    let api = runner.api();
    let frozen = super::freeze(&redis);
    let ask = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // Whoever has not been heard yet when the third comes would give way to it: both are
    // listened to before.
    let mut asked = until("two requests in flight and one refused", || {
        let mut asked = [(); 2].map(|()| Wire::to(api.address()));
        for wire in &mut asked {
            wire.send(ask);
        }
        let mut fly = || asked.iter_mut().all(|wire| wire.soon().is_none());
        if !fly() {
            return None;
        }
        let refused = Wire::to(api.address()).send(ask).soon()?;
        let is_refused = refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1");
        (is_refused && fly()).then_some(asked)
    });
    drop(frozen);
    for wire in &mut asked {
        let answer = wire.rest();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn large_answers_are_compressed_for_those_who_can_read_it() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    let long = format!("/{}", "x".repeat(3000));
    let mut wire = Wire::to(api.address());
    wire.send(format!(
        "GET {long} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n"
    ));
    let head = wire.until("\r\n\r\n");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(head.contains("vary: accept-encoding"), "{head}");
    assert!(Wire::to(api.address()).get(&long).contains(&long));
}

#[test]
fn what_is_no_http_is_refused() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    for (sent, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned(), "400"),
        (
            "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(),
            "400",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200)),
            "431",
        ),
        (
            format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)),
            "431",
        ),
    ] {
        let answer = Wire::to(api.address()).send(&sent).rest();
        let wanted = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&wanted), "{wanted}: {answer}");
    }
    assert_eq!(api.get("/livez").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let redis = Redis::shared();
    let setup = limited(
        &redis,
        "max_body = \"1KiB\"\n[queues.orders]\ndefault_job = \"order\"",
    );
    let runner = setup.serve();
    let api = runner.api();
    let large = serde_json::json!({ "note": "x".repeat(2000) });
    let answer = api.post("/api/jobs/orders", &large);
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.body["detail"],
        "the body is larger than `max_body` of [server] allows"
    );
    assert_eq!(redis.count("orders", "wait"), 0);
}
