use std::time::Duration;

use runner_sdk::testing::Reply;
use runner_sdk::{Failure, http};
use serde_json::json;

use super::{CARD, Fixture, handle};

const URL: &str = "https://api.openai.com/v1/chat/completions";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture
        .host
        .setting("model_url", "https://api.openai.com/v1");
    fixture.host.setting("model", "gpt-5-mini");
    fixture.host.secret("MODEL_API_KEY", "sk-key");
    fixture
}

fn answer() -> Reply {
    Reply::json(
        200,
        json!({ "choices": [{ "message": { "role": "assistant", "content": " Remove the card. " } }] }),
    )
}

fn overloaded(status: u16) -> Reply {
    Reply::json(status, json!({ "error": { "message": "slow down" } })).header("retry-after", "7")
}

#[test]
fn the_summary_comes_from_covered_findings() {
    let fixture = fixture();
    fixture.host.reply("POST", URL, answer());
    let job = fixture.job(format!("{CARD} ssn 123-45-6789"), &["PCI", "HIPAA"]);
    let report = handle(job.clone()).expect("it is analysed");
    assert_eq!(report.summary.as_deref(), Some("Remove the card."));
    let request = &fixture.host.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer sk-key"));
    assert_eq!(request.json()["model"], "gpt-5-mini");
    let text = request.text();
    assert!(text.contains("4111 **** **** 1111"), "{text}");
    for private in ["4111 1111", "123-45", "Invoice", "ada", "doc.txt", "doc-7"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    let again = handle(job).expect("it is analysed again");
    assert_eq!(again.summary, report.summary);
    assert_eq!(
        fixture.host.requests().len(),
        1,
        "a retry does not ask again"
    );
}

#[test]
fn a_model_without_a_key_is_asked_without_one() {
    let fixture = Fixture::new();
    fixture
        .host
        .setting("model_url", "http://127.0.0.1:11434/v1/");
    fixture.host.setting("model", "llama3");
    fixture.host.reply(
        "POST",
        "http://127.0.0.1:11434/v1/chat/completions",
        answer(),
    );
    fixture.analyse(CARD, &["PCI"]);
    assert_eq!(fixture.host.requests()[0].header("authorization"), None);
}

#[test]
fn a_model_that_fails_costs_the_summary_only() {
    for (reply, warning) in [
        (
            Reply::text(500, "oops"),
            "there is no summary: api.openai.com answered 500: oops",
        ),
        (
            Reply::text(401, "bad key"),
            "there is no summary: api.openai.com answered 401: bad key",
        ),
        (
            Reply::error(http::Error::Timeout("30s".into())),
            "there is no summary: no answer in time: 30s",
        ),
        (
            Reply::json(200, json!({ "choices": [] })),
            "there is no summary: the model answered nothing",
        ),
    ] {
        let fixture = fixture();
        fixture.host.reply("POST", URL, reply);
        let report = fixture.analyse(CARD, &["PCI"]);
        assert_eq!(report["summary"], json!(null));
        assert_eq!(report["warnings"], json!([warning]));
        assert_eq!(report["severity"], "critical");
    }
}

#[test]
fn a_model_that_asks_for_time_gets_it_while_attempts_are_left() {
    for status in [429, 503] {
        let fixture = fixture();
        fixture.host.reply("POST", URL, overloaded(status));
        fixture.host.reply("POST", URL, overloaded(status));
        let mut job = fixture.job(CARD, &["PCI"]);
        match handle(job.clone()) {
            Err(Failure::RetryAfter(delay, reason)) => {
                assert_eq!(delay, Duration::from_secs(7));
                assert!(
                    reason.starts_with(&format!("api.openai.com answered {status}")),
                    "{reason}"
                );
            }
            other => panic!("{other:?}"),
        }
        job.attempt = job.max_attempts;
        let report = handle(job).expect("it goes without a summary");
        assert_eq!(report.summary, None);
        assert_eq!(report.warnings.len(), 1);
        assert_eq!(fixture.host.added().len(), 1, "the user was told once");
    }
}

#[test]
fn a_model_that_is_required_fails_the_attempt() {
    let fixture = fixture();
    fixture.host.setting("model_required", "true");
    fixture.host.reply("POST", URL, Reply::text(500, "oops"));
    fixture.host.reply("POST", URL, Reply::text(401, "bad key"));
    fixture.host.reply("POST", URL, overloaded(429));
    let mut job = fixture.job(CARD, &["PCI"]);
    assert!(matches!(handle(job.clone()), Err(Failure::Retry(_))));
    assert!(matches!(handle(job.clone()), Err(Failure::Reject(_))));
    job.attempt = job.max_attempts;
    assert!(matches!(handle(job), Err(Failure::RetryAfter(..))));
}

#[test]
fn a_model_url_needs_a_model() {
    let fixture = Fixture::new();
    fixture
        .host
        .setting("model_url", "https://api.openai.com/v1");
    let failure = handle(fixture.job("x", &["PCI"])).expect_err("it is not known which");
    assert_eq!(
        failure.reason(),
        "the setting \"model\" is missing; add it to config under [plugins.<name>] in queues.toml"
    );
}
