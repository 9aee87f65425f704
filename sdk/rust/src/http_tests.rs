use std::time::{Duration, SystemTime};

use serde_json::json;

use super::{Error, get, post};
use crate::testing::{Host, Reply};
use crate::{Failure, reject, retry, retry_after};

const URL: &str = "https://api.example.com/orders?key=hidden";

fn verdict(reply: Reply) -> Failure {
    let host = Host::new();
    host.reply("GET", URL, reply);
    let response = get(URL).send().expect("the host replies");
    response
        .error_for_status()
        .expect_err("the status is an error")
        .into()
}

#[test]
fn a_request_carries_method_credentials_and_json() {
    let host = Host::new();
    host.reply("POST", URL, Reply::json(201, json!({ "id": 7 })));
    let response = post(URL)
        .bearer("t0ken")
        .json(&json!({ "sku": "B-7" }))
        .idempotency_key("order/7")
        .timeout(Duration::from_secs(5))
        .send()
        .expect("the host replies");
    assert_eq!(response.status(), 201);
    assert!(response.is_success());
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(
        response.json::<serde_json::Value>().expect("it is JSON")["id"],
        7
    );
    let request = &host.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(request.header("idempotency-key"), Some("order/7"));
    assert_eq!(request.json(), json!({ "sku": "B-7" }));
    assert_eq!(request.timeout, Some(5000));
}

#[test]
fn a_form_is_encoded_and_basic_credentials_too() {
    let host = Host::new();
    host.reply("POST", URL, Reply::text(200, "ok"));
    post(URL)
        .basic("Aladdin", "open sesame")
        .form([("To", "+1 234"), ("Body", "a&b=ü")])
        .send()
        .expect("the host replies");
    let request = &host.requests()[0];
    // The pair of RFC 7617, section 2.
    assert_eq!(
        request.header("authorization"),
        Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    );
    assert_eq!(request.text(), "To=%2B1+234&Body=a%26b%3D%C3%BC");
}

#[test]
fn retry_after_of_429_and_503_is_obeyed() {
    let limited = Reply::text(429, "slow down").header("retry-after", "7");
    assert_eq!(
        verdict(limited),
        retry_after(
            Duration::from_secs(7),
            "api.example.com answered 429: slow down"
        )
    );
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let Failure::RetryAfter(delay, _) = verdict(Reply::text(503, "").header("retry-after", date))
    else {
        panic!("a date is a delay too");
    };
    assert!((90..=100).contains(&delay.as_secs()), "{delay:?}");
}

#[test]
fn the_status_decides_between_retry_and_reject() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let failure = verdict(Reply::text(status, ""));
        assert_eq!(
            failure,
            retry(format!("api.example.com answered {status}: no content"))
        );
    }
    for status in [400, 401, 403, 404, 409, 422] {
        let failure = verdict(Reply::text(status, "no such sku"));
        assert_eq!(
            failure,
            reject(format!("api.example.com answered {status}: no such sku"))
        );
    }
}

#[test]
fn an_error_quotes_only_the_beginning_of_the_content() {
    let failure = verdict(Reply::text(500, "ü".repeat(1000)));
    assert_eq!(failure.reason().matches('ü').count(), 300);
}

#[test]
fn without_an_answer_only_what_cannot_help_is_rejected() {
    for (error, rejected) in [
        (Error::Denied("not granted".into()), true),
        (Error::Invalid("no scheme".into()), true),
        (Error::TooLarge("10 MiB".into()), true),
        (Error::Dns("no such name".into()), false),
        (Error::Connect("refused".into()), false),
        (Error::Tls("expired".into()), false),
        (Error::Timeout("30 s".into()), false),
        (Error::Protocol("closed".into()), false),
    ] {
        let host = Host::new();
        host.reply("GET", URL, Reply::error(error.clone()));
        let failure = Failure::from(get(URL).send().expect_err("the host fails"));
        assert_eq!(failure.reason(), error.to_string());
        assert_eq!(
            matches!(failure, Failure::Reject(_)),
            rejected,
            "{failure:?}"
        );
    }
}

#[test]
fn an_answer_that_does_not_fit_names_the_place() {
    #[derive(Debug, serde::Deserialize)]
    struct Order {
        #[expect(dead_code, reason = "only its fault matters")]
        id: u32,
    }
    let host = Host::new();
    host.reply("GET", URL, Reply::json(200, json!({ "id": "seven" })));
    let response = get(URL).send().expect("the host replies");
    assert_eq!(
        response.json::<Order>().expect_err("no number").to_string(),
        "an unexpected answer of api.example.com: id: invalid type: string \"seven\", expected u32 \
         at line 1 column 13"
    );
}

#[test]
fn content_that_cannot_be_written_is_not_sent() {
    let host = Host::new();
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    let error = post(URL)
        .json(&unwritable)
        .send()
        .expect_err("keys must be strings");
    assert_eq!(
        error.to_string(),
        "the request is wrong: the content cannot be written as JSON: key must be a string"
    );
    assert!(host.requests().is_empty());
}
