//! Clients of bad manners: what is no request adds nothing, is told so, and takes
//! nothing from others.

use serde_json::{Value, json};

use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Api, Redis, Runner, Setup};

const POST: &str = "POST /api/jobs/orders HTTP/1.1\r\nhost: localhost\r\n\
    content-type: application/json\r\n";
const LIVE: &str = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

fn start(redis: &Redis) -> (Setup, Runner, Api) {
    let toml = "header_timeout = \"1s\"\nbody_timeout = \"1s\"\nmax_body = \"1KiB\"\n\
        [queues.orders]\ndefault_job = \"order\"\n";
    let setup = served(redis, toml);
    let runner = setup.serve();
    let api = runner.api();
    (setup, runner, api)
}

/// What is answered before the connection is closed.
fn said(api: &Api, text: &str) -> String {
    Wire::to(api.address()).send(text).rest()
}

/// The problem in an answer.
fn problem(answer: &str) -> Value {
    let body = answer.rsplit("\r\n\r\n").next().unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no problem: {answer}"))
}

#[test]
fn a_request_whose_end_is_in_doubt_is_refused_with_its_connection() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    for head in [
        "transfer-encoding: xchunked\r\n\r\n{}",
        "transfer-encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "content-length: -1\r\n\r\n{}",
        "content-length: +2\r\n\r\n{}",
        "content-length: 2, 2\r\n\r\n{}",
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "content-length: 99999999999999999999\r\n\r\n{}",
        "content-length: 2\r\nx: a\r\n folded\r\n\r\n{}",
        "content-length : 2\r\n\r\n{}",
        "content-length: 2\r\nx: a\0b\r\n\r\n{}",
        "content-length: 2\r\nx: a\rb: c\r\n\r\n{}",
    ] {
        // A second request in what may be its body is none.
        let answer = said(
            &api,
            &format!("{POST}{head}{POST}content-length: 2\r\n\r\n{{}}"),
        );
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
    let old = POST.replace("HTTP/1.1", "HTTP/1.0");
    let answer = said(
        &api,
        &format!("{old}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"),
    );
    assert!(
        answer.starts_with("HTTP/1.0 400") || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(redis.count("orders", "wait"), 0);
    // With both lengths the chunks count, and nothing follows them.
    let both = format!(
        "{POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{LIVE}"
    );
    let answer = said(&api, &both);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[test]
fn a_body_that_is_none_adds_nothing() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let chunked = format!("{POST}transfer-encoding: chunked\r\n\r\n");
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n".to_owned(),
        "2\r\n{}\r\nzz\r\n".to_owned(),
        "2\r\n{}xx0\r\n\r\n".to_owned(),
        "fffffffffffffffff\r\n{}".to_owned(),
        format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(100_000)),
        format!("2\r\n{{}}\r\n0\r\n{}\r\n", "x: y\r\n".repeat(5000)),
    ] {
        let answer = said(&api, &format!("{chunked}{body}"));
        let start = &body[..body.len().min(40)];
        assert!(answer.starts_with("HTTP/1.1 400"), "{start:?}: {answer}");
        assert_eq!(
            problem(&answer)["type"],
            "/problems/unreadable-body",
            "{start:?}"
        );
    }
    // One that ends too soon, or never.
    let short = format!("{POST}content-length: 20\r\n\r\n{{}}");
    let ended = Wire::to(api.address()).send(&short).finish().rest();
    assert_eq!(problem(&ended)["type"], "/problems/unreadable-body");
    let late = problem(&said(&api, &short));
    assert_eq!(
        (&late["type"], &late["detail"]),
        (
            &json!("/problems/late-body"),
            &json!("the body did not come in time (`body_timeout` of [server])")
        )
    );
    assert_eq!(redis.count("orders", "wait"), 0);
    assert!(said(&api, LIVE).ends_with("ok\n"));
}

#[test]
fn a_body_that_will_be_too_large_or_compressed_is_not_waited_for() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut wire = Wire::to(api.address());
        wire.send(format!("{POST}content-length: 999999999\r\n{expect}\r\n"));
        let answer = wire.until("allows\"}");
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(problem(&answer)["type"], "/problems/large-body");
    }
    // Who asks before sending is told to go on, or is not.
    let small = format!("{POST}content-length: 2\r\nexpect: 100-continue\r\n\r\n");
    let mut wire = Wire::to(api.address());
    wire.send(small).until("HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("{}").until("HTTP/1.1 201");
    let gzip = said(
        &api,
        &format!(
            "{POST}content-encoding: gzip\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        ),
    );
    assert!(gzip.starts_with("HTTP/1.1 415"), "{gzip}");
    assert_eq!(
        problem(&gzip)["detail"],
        "the body is compressed; send it as it is, without Content-Encoding"
    );
    assert_eq!(redis.count("orders", "wait"), 1);
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let mut wire = Wire::to(api.address());
    let add = |n: usize| {
        let body = json!({ "n": n }).to_string();
        let post = POST.replace("orders", &format!("orders?jobId=job-{n}"));
        format!("{post}content-length: {}\r\n\r\n{body}", body.len())
    };
    let all: String = (0..200).map(add).collect();
    let answer = wire.send(all + LIVE).rest();
    let mut at = 0;
    for n in 0..200 {
        let id = format!("\"jobId\":\"job-{n}\"");
        at += answer[at..]
            .find(&id)
            .unwrap_or_else(|| panic!("no {id} after {at}"));
    }
    assert_eq!(redis.count("orders", "wait"), 200);
    // What is behind a request and is none ends the connection, not the request.
    let garbage = said(&api, &format!("{}GARBAGE\r\n\r\n", add(200)));
    assert!(garbage.starts_with("HTTP/1.1 201"), "{garbage}");
    assert!(garbage.contains("HTTP/1.1 400"), "{garbage}");
    // A body that nobody reads is none of the next request.
    let get = "GET /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello";
    let answer = said(&api, &format!("{get}{LIVE}"));
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
}

#[test]
fn each_path_takes_head_and_options_without_a_body() {
    let redis = Redis::shared();
    let (setup, _runner, api) = start(&redis);
    let routes = setup.cli(&["api", "routes", "--json"]);
    let routes: Vec<Value> = serde_json::from_str(&routes.stdout).unwrap();
    assert!(routes.len() > 40);
    for route in routes {
        let path = route["path"].as_str().unwrap().replace("{queue}", "orders");
        let path = path.replace(['{', '}', '*'], "");
        let is_get = route["method"] == "GET";
        for method in ["HEAD", "OPTIONS", "TRACE", "BREW"] {
            let asked = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            // The next answer begins where that of this one ends.
            let answer = Wire::to(api.address()).send(asked + LIVE).rest();
            assert!(
                answer.ends_with("\r\n\r\nok\n"),
                "{method} {path}: {answer}"
            );
            let status = &answer["HTTP/1.1 ".len()..][..3];
            match method {
                "OPTIONS" => assert_eq!(status, "200", "{path}: {answer}"),
                "HEAD" if is_get => {
                    assert!(["200", "400", "404"].contains(&status), "{path}: {answer}")
                }
                "HEAD" => {}
                _ => {
                    assert_eq!(status, "405", "{method} {path}: {answer}");
                    assert!(answer.contains("\r\nallow: "), "{method} {path}: {answer}");
                }
            }
            if method != "TRACE" && method != "BREW" {
                let head = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
                assert!(
                    head.starts_with("HTTP/1.1 200"),
                    "{method} {path}: {answer}"
                );
            }
        }
    }
}

#[test]
fn a_path_or_a_query_that_is_none_is_told_so() {
    let redis = Redis::shared();
    let (_setup, _runner, api) = start(&redis);
    let get = |path: &str| {
        said(
            &api,
            &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        )
    };
    for (path, status, kind, detail) in [
        (
            "/api/queues/%ff",
            "400",
            "invalid-path",
            "a part of the path is not UTF-8",
        ),
        (
            "/api/queues/orders/jobs/%c3%28",
            "400",
            "invalid-path",
            "a part of the path is not UTF-8",
        ),
        (
            "//api/queues",
            "404",
            "unknown-path",
            "nothing is at \"//api/queues\"; GET /openapi.json lists what there is",
        ),
        (
            "/api/../livez",
            "404",
            "unknown-path",
            "nothing is at \"/api/../livez\"; GET /openapi.json lists what there is",
        ),
        (
            "/api/search?limit=1&limit=2",
            "400",
            "invalid-query",
            "Failed to deserialize query string: duplicate field `limit`",
        ),
    ] {
        let answer = get(path);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
        let told = problem(&answer);
        assert_eq!(told["type"], format!("/problems/{kind}"), "{path}");
        assert_eq!(told["detail"], detail, "{path}");
    }
    let long = format!("/api/search?q={}", "%28".repeat(5000));
    assert_eq!(
        problem(&get(&long))["detail"],
        "query, character 4097: the query is longer than 4096 bytes"
    );
    let longer = get(&format!("/{}", "a".repeat(70_000)));
    assert!(longer.starts_with("HTTP/1.1 414"), "{longer}");
    let elsewhere = get("http://evil.example/api/queues");
    assert!(elsewhere.starts_with("HTTP/1.1 421"), "{elsewhere}");
}
