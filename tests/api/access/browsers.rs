//! What pages of others could make a browser do.

use reqwest::blocking::Response;
use serde_json::{Value, json};

use super::{guarded, secret, send, tokens};
use crate::support::wire::Wire;
use crate::support::{Redis, Runner};

fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().unwrap_or_default();
    (
        status,
        body["detail"].as_str().unwrap_or_default().to_owned(),
    )
}

/// POST of a job with these headers.
fn post(runner: &Runner, headers: &[(&str, &str)]) -> u16 {
    let body = Some(json!({}));
    let path = "/api/jobs/my-queue?name=x";
    send(runner, "POST", path, headers, body).status().as_u16()
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let redis = Redis::shared();
    let toml = "origins = [\"https://ops.example.com\"]\n[queues.my-queue]\n";
    let (_setup, runner) = guarded(&redis, toml);
    let own = format!("http://{}", runner.api().address());
    for headers in [
        vec![],
        vec![("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "none")],
        vec![("origin", &*own)],
        vec![
            ("origin", "https://ops.example.com"),
            ("sec-fetch-site", "cross-site"),
        ],
    ] {
        assert_eq!(post(&runner, &headers), 201, "{headers:?}");
    }
    for headers in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", &*own)],
        vec![("origin", "https://evil.example.com")],
        vec![("origin", "null")],
        vec![("origin", "https://ops.example.com.evil.com")],
        vec![("origin", "http://ops.example.com")],
    ] {
        let answer = send(
            &runner,
            "POST",
            "/api/jobs/my-queue?name=x",
            &headers,
            Some(json!({})),
        );
        assert_eq!(
            problem(answer),
            (
                403,
                "a page of another site has sent this; add its origin to `origins` of [server] \
                 if it may"
                    .to_owned()
            ),
            "{headers:?}"
        );
    }
}

#[test]
fn what_only_a_program_sends_needs_no_origin() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &format!("{}[queues.my-queue]\n", tokens()));
    let bearer = format!("Bearer {}", secret("operator"));
    let headers = [
        ("authorization", &*bearer),
        ("origin", "https://app.example.com"),
    ];
    assert_eq!(post(&runner, &headers), 201);
}

#[test]
fn only_listed_origins_may_read() {
    let redis = Redis::shared();
    let toml = format!("origins = [\"https://ops.example.com\"]\n{}", tokens());
    let (_setup, runner) = guarded(&redis, &toml);
    let ask = |method: &str, origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ];
        let response = send(&runner, method, "/api/session", &headers, None);
        let header = |name: &str| {
            let value = response
                .headers()
                .get(format!("access-control-allow-{name}"));
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        (header("origin"), header("credentials"))
    };
    for method in ["GET", "OPTIONS"] {
        let listed = ask(method, "https://ops.example.com");
        let yes = (
            Some("https://ops.example.com".to_owned()),
            Some("true".to_owned()),
        );
        assert_eq!(listed, yes);
        for origin in ["https://evil.com", "null", "http://ops.example.com", "*"] {
            assert_eq!(ask(method, origin), (None, None), "{method} {origin}");
        }
    }
}

// Long because it is a table of names, good and bad.
#[test]
fn a_name_that_is_none_of_ours_is_refused() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(
        &redis,
        "hosts = [\"runner.example.com\", \"auth-service\"]\n",
    );
    let address = runner.api().address().to_owned();
    let status = |request: &str| {
        let mut wire = Wire::to(&address);
        wire.send(request);
        wire.until(" ");
        wire.until(" ")
    };
    let get = |host: &str| status(&format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    for host in [
        "localhost",
        "localhost:3000",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]:80",
        "127.0.0.2:1",
        "runner.example.com",
        "RUNNER.example.com:443",
        "auth-service:3000",
    ] {
        assert_eq!(get(host), "200 ", "{host}");
    }
    for host in [
        "evil.com",
        "localhost.evil.com",
        "10.0.0.1",
        "0.0.0.0",
        "user@localhost",
        "runner.example.com.evil.com",
        "sub.runner.example.com",
        "localhost evil.com",
        "",
    ] {
        let got = get(host);
        assert!(["421 ", "400 "].contains(&&*got), "{host}: {got}");
    }
    let two = "GET /livez HTTP/1.1\r\nhost: localhost\r\nhost: evil.com\r\n\r\n";
    assert_eq!(status(two), "400 ");
    assert_eq!(status("GET /livez HTTP/1.1\r\n\r\n"), "400 ");
    assert_eq!(status("GET /livez HTTP/1.0\r\n\r\n"), "200 ");
    assert_eq!(
        status("GET http://evil.com/livez HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        "421 "
    );
    assert_eq!(
        status("GET http://localhost/livez HTTP/1.1\r\nhost: evil.com\r\n\r\n"),
        "421 "
    );
    assert_eq!(
        status("GET http://localhost/livez HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        "200 "
    );
    let refused = send(&runner, "GET", "/livez", &[("host", "evil.com")], None);
    assert_eq!(
        problem(refused),
        (
            421,
            "the request is for another host; add its name to `hosts` of [server] if it is ours"
                .to_owned()
        )
    );
}

#[test]
fn every_answer_is_for_who_has_asked_and_no_other_page() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &tokens());
    for path in ["/livez", "/api/session", "/nothing"] {
        let answer = send(&runner, "GET", path, &[], None);
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
    }
}
