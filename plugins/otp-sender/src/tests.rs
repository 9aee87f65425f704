use std::time::Duration;

use runner_sdk::testing::{self, Host, Reply};
use runner_sdk::typed::Failure;
use runner_sdk::{Job, http, queue};
use serde_json::{Value, json};

use super::{Guest, Otp, OtpRequest, Sent};

const META: &str = "https://graph.facebook.com/v23.0/106540352242922/messages";
const RESEND: &str = "https://api.resend.com/emails";
const CODE: &str = "123456";

fn host() -> Host {
    let host = Host::new();
    host.secret("WHATSAPP_TOKEN", "meta-token");
    host.secret("RESEND_API_KEY", "re_key");
    host.setting("whatsapp_phone_id", "106540352242922");
    host.setting("sender", "FundifyHub <no-reply@fundifyhub.example>");
    host.setting("app_name", "FundifyHub");
    host
}

/// The job of the seed's own test.
fn whatsapp() -> Job {
    job(
        "whatsapp-otp",
        json!({ "recipient": "+1234567890", "otp": CODE, "userName": "Test User" }),
    )
}

fn email() -> Job {
    job(
        "email-otp",
        json!({ "recipient": "user@example.com", "otp": CODE, "userName": "Test <b>" }),
    )
}

fn job(name: &str, data: Value) -> Job {
    let mut job = testing::job(name, data.to_string());
    job.queue = "otp-queue".into();
    job
}

fn accepted_by_meta() -> Reply {
    Reply::json(
        200,
        json!({ "messaging_product": "whatsapp", "messages": [{ "id": "wamid.1" }] }),
    )
}

fn accepted_by_resend() -> Reply {
    Reply::json(200, json!({ "id": "49a3999c" }))
}

/// Run a job as its contract does.
fn handle(host: &Host, job: Job) -> Result<Sent, Failure> {
    let data: Value = serde_json::from_str(&job.json).expect("JSON");
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    let request = OtpRequest {
        recipient: text("recipient").expect("the contract asks for it"),
        otp: text("otp").expect("the contract asks for it"),
        user_name: text("userName"),
        expires_at: data.get("expiresAt").map(Value::to_string),
    };
    let name = job.name.clone();
    host.current(job);
    match name.as_str() {
        "whatsapp-otp" => Otp::whatsapp_otp(request),
        "email-otp" => Otp::email_otp(request),
        other => panic!("the contract has no job {other}"),
    }
}

fn failure(host: &Host, job: Job) -> Failure {
    handle(host, job).expect_err("it must fail")
}

/// The code and the recipient are nowhere but in the requests.
fn assert_discreet(host: &Host, failure: Option<&Failure>) {
    let mut said: Vec<String> = host.logs().iter().map(ToString::to_string).collect();
    said.extend(host.added().iter().map(|added| added.data.to_string()));
    said.extend(host.checkpoints().values().map(ToString::to_string));
    said.extend(failure.map(|failure| failure.reason().to_owned()));
    for text in said {
        for private in [CODE, "1234567890", "user@example.com"] {
            assert!(!text.contains(private), "{private} was let out: {text}");
        }
    }
}

#[test]
fn a_whatsapp_code_goes_out_as_an_authentication_template() {
    let host = host();
    host.reply("POST", META, accepted_by_meta());
    let receipt = handle(&host, whatsapp()).expect("it is sent");
    let said = (receipt.channel, receipt.provider, receipt.recipient);
    let expected = ("whatsapp", "meta", "+12******90");
    assert_eq!(
        said,
        (expected.0.into(), expected.1.into(), expected.2.into())
    );
    assert_eq!(receipt.message_id.as_deref(), Some("wamid.1"));
    let request = &host.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer meta-token"));
    let code = json!([{ "type": "text", "text": CODE }]);
    assert_eq!(
        request.json(),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "1234567890",
            "type": "template",
            "template": {
                "name": "otp",
                "language": { "code": "en_US" },
                "components": [
                    { "type": "body", "parameters": code },
                    { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
                ],
            },
        })
    );
    assert_discreet(&host, None);
}

#[test]
fn template_language_and_version_are_settings() {
    let host = host();
    host.setting("whatsapp_template", "login_code");
    host.setting("whatsapp_language", "de");
    host.setting("graph_version", "v24.0");
    host.reply("POST", &META.replace("v23.0", "v24.0"), accepted_by_meta());
    handle(&host, whatsapp()).expect("it is sent");
    let sent = host.requests()[0].json();
    assert_eq!(sent["template"]["name"], "login_code");
    assert_eq!(sent["template"]["language"]["code"], "de");
}

#[test]
fn an_e_mail_code_goes_out_as_html_and_text() {
    let host = host();
    host.reply("POST", RESEND, accepted_by_resend());
    let job = email();
    let key = job.idempotency_key("email");
    let receipt = handle(&host, job).expect("it is sent");
    assert_eq!(receipt.message_id.as_deref(), Some("49a3999c"));
    assert_eq!(receipt.recipient, "us**@example.com");
    let request = &host.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer re_key"));
    assert_eq!(request.header("idempotency-key"), Some(key.as_str()));
    let sent = request.json();
    assert_eq!(sent["from"], "FundifyHub <no-reply@fundifyhub.example>");
    assert_eq!(sent["to"], json!(["user@example.com"]));
    assert_eq!(sent["subject"], "Your code for FundifyHub");
    let text = sent["text"].as_str().expect("there is text");
    assert!(text.starts_with("Hello Test <b>,\n"), "{text}");
    assert!(
        text.contains("is: 123456\n") && text.contains("good for 5 minutes"),
        "{text}"
    );
    let html = sent["html"].as_str().expect("there is HTML");
    assert!(
        html.contains("Hello Test &lt;b&gt;,") && html.contains(">123456</p>"),
        "{html}"
    );
    assert_discreet(&host, None);
}

#[test]
fn the_backend_is_told_in_the_shape_its_consumer_reads() {
    let host = host();
    host.reply("POST", RESEND, accepted_by_resend());
    host.reply("POST", META, accepted_by_meta());
    handle(&host, email()).expect("it is sent");
    let added = &host.added()[0];
    assert_eq!(
        (added.queue.as_str(), added.name.as_str()),
        ("backend-events", "email-sent")
    );
    assert_eq!(
        added.data,
        json!({
            "type": "email-sent",
            "data": {
                "channel": "email",
                "provider": "resend",
                "messageId": "49a3999c",
                "recipient": "us**@example.com",
                "queue": "otp-queue",
                "jobId": "1",
                "name": "email-otp",
            },
        })
    );
    let id = added
        .options
        .id
        .as_deref()
        .expect("an id keeps it from being added twice");
    assert!(
        id.starts_with("otp-queue/1/") && id.ends_with("/email-sent"),
        "{id}"
    );
    let mut scheduled = whatsapp();
    scheduled.id = "repeat:daily:1700000000000".into();
    handle(&host, scheduled).expect("it is sent");
    let added = &host.added()[1];
    assert_eq!(added.name, "whatsapp-sent");
    assert_eq!(added.data["type"], "whatsapp-sent");
    let id = added.options.id.as_deref().expect("it has an id");
    assert!(!id.contains(':'), "BullMQ refuses {id}");
}

#[test]
fn a_code_is_not_sent_again_when_only_the_event_failed() {
    let host = host();
    host.reply("POST", META, accepted_by_meta());
    host.refuse_adds(queue::Error::Unavailable("connection refused".into()));
    let first = failure(&host, whatsapp());
    assert_eq!(
        first,
        Failure::Retry("the job may not have been added: connection refused".into())
    );
    host.accept_adds();
    let mut second = whatsapp();
    second.attempt = 2;
    // Late, but the code went out in time.
    second.started_at += Duration::from_secs(3600);
    assert_eq!(
        handle(&host, second)
            .expect("it is told")
            .message_id
            .as_deref(),
        Some("wamid.1")
    );
    assert_eq!(host.requests().len(), 1);
    assert_eq!(host.added().len(), 1);
}

#[test]
fn without_a_queue_for_events_a_code_is_sent_all_the_same() {
    let host = host();
    host.reply("POST", META, accepted_by_meta());
    host.refuse_adds(queue::Error::UnknownQueue(
        "no queue \"backend-events\"".into(),
    ));
    handle(&host, whatsapp()).expect("it is sent");
    let warning = host.logs().pop().expect("it warns");
    assert_eq!(
        warning.to_string(),
        "nobody is told that the message was sent: no queue \"backend-events\" queue=backend-events"
    );
}

#[test]
fn an_expired_code_is_rejected_and_not_sent() {
    let host = host();
    let mut late = whatsapp();
    late.started_at = late.added_at + Duration::from_secs(5 * 60 + 90);
    let expired = |late: &str| {
        Failure::Reject(format!(
            "the code expired {late} before this attempt began; it was not sent"
        ))
    };
    assert_eq!(failure(&host, late.clone()), expired("1m 30s"));
    host.setting("max_age", "10s");
    assert_eq!(failure(&host, late.clone()), expired("6m 20s"));
    host.setting("max_age", "10m");
    host.reply("POST", META, accepted_by_meta());
    handle(&host, late).expect("it is still good");
}

#[test]
fn the_payload_can_say_when_a_code_expires() {
    let host = host();
    for expires_at in [
        json!("2001-09-09T01:46:40.000Z"),
        json!(1_000_000_000_000_u64),
    ] {
        let expired = job(
            "email-otp",
            json!({ "recipient": "user@example.com", "otp": CODE, "expiresAt": expires_at }),
        );
        let reason = failure(&host, expired).reason().to_owned();
        assert!(reason.starts_with("the code expired 2"), "{reason}");
    }
    let wrong = json!({ "recipient": "user@example.com", "otp": CODE, "expiresAt": "soon" });
    let reason = failure(&host, job("email-otp", wrong)).reason().to_owned();
    assert_eq!(
        reason,
        "data.expiresAt: \"soon\" is no instant; write milliseconds since 1970 or \
         \"2026-01-31T12:00:00Z\""
    );
}

#[test]
fn a_payload_that_does_not_fit_is_rejected_without_the_code() {
    let host = host();
    for (data, reason) in [
        (
            json!({ "recipient": "+1234567890", "otp": "12" }),
            "data.otp: a code is a string of",
        ),
        (
            json!({ "recipient": "+1234567890", "otp": "123456 now" }),
            "data.otp: a code is",
        ),
        (
            json!({ "recipient": "1234567890", "otp": CODE }),
            "the recipient is not a phone number",
        ),
        (
            json!({ "recipient": "user@example.com", "otp": CODE }),
            "the recipient is not a phone",
        ),
    ] {
        let failure = failure(&host, job("whatsapp-otp", data));
        assert!(
            matches!(&failure, Failure::Reject(text) if text.contains(reason)),
            "{failure:?}"
        );
        assert_discreet(&host, Some(&failure));
    }
    let failure = failure(
        &host,
        job(
            "email-otp",
            json!({ "recipient": "+1234567890", "otp": CODE }),
        ),
    );
    assert!(
        failure
            .reason()
            .starts_with("the recipient is not an e-mail address"),
        "{failure:?}"
    );
}

#[test]
fn what_the_provider_refuses_is_rejected_in_its_words() {
    let host = host();
    let refused = json!({ "error": {
        "message": "(#131026) 1234567890 cannot receive 123456", "code": 131_026, "type": "OAuthException",
    }});
    host.reply("POST", META, Reply::json(400, refused));
    let by_meta = failure(&host, whatsapp());
    assert_eq!(
        by_meta,
        Failure::Reject("WhatsApp answered 400: (#131026) 12******90 cannot receive [code]".into())
    );
    let refused =
        json!({ "statusCode": 422, "name": "validation_error", "message": "Invalid `from` field" });
    host.reply("POST", RESEND, Reply::json(422, refused));
    assert_eq!(
        failure(&host, email()),
        Failure::Reject("Resend answered 422: Invalid `from` field".into())
    );
    assert!(host.added().is_empty());
    assert_discreet(&host, Some(&by_meta));
}

#[test]
fn what_may_work_later_is_retried() {
    let host = host();
    let limited = Reply::json(429, json!({ "message": "Too many requests" }));
    host.reply("POST", RESEND, limited.header("retry-after", "2"));
    assert_eq!(
        failure(&host, email()),
        Failure::RateLimit((2_000, "Resend answered 429: Too many requests".into()))
    );
    host.reply("POST", RESEND, Reply::text(502, "<html>bad gateway</html>"));
    assert_eq!(
        failure(&host, email()),
        Failure::Retry("api.resend.com answered 502: <html>bad gateway</html>".into())
    );
    let busy = json!({ "name": "concurrent_idempotent_requests", "message": "in progress" });
    host.reply("POST", RESEND, Reply::json(409, busy));
    assert_eq!(
        failure(&host, email()),
        Failure::Retry("Resend answered 409: in progress".into())
    );
    let pair = json!({ "error": { "message": "(#131056) pair rate limit", "code": 131_056 } });
    host.reply("POST", META, Reply::json(400, pair));
    assert_eq!(
        failure(&host, whatsapp()),
        Failure::RetryAfter((
            6_000,
            "WhatsApp answered 400: (#131056) pair rate limit".into()
        ))
    );
    host.reply(
        "POST",
        META,
        Reply::error(http::Error::Timeout("30 seconds".into())),
    );
    assert_eq!(
        failure(&host, whatsapp()),
        Failure::Retry("no answer in time: 30 seconds".into())
    );
    // After all of these the next attempt still sends.
    host.reply("POST", META, accepted_by_meta());
    handle(&host, whatsapp()).expect("it is sent");
}

#[test]
fn what_is_not_configured_is_named() {
    let host = Host::new();
    let missing = |job| failure(&host, job).reason().to_owned();
    assert!(missing(whatsapp()).starts_with("the setting \"whatsapp_phone_id\" is missing"));
    assert!(missing(email()).starts_with("the secret \"RESEND_API_KEY\" is not granted"));
    host.setting("max_age", "soon");
    let reason = missing(email());
    assert!(
        reason.starts_with("the setting \"max_age\" is \"soon\", which is no duration: ")
            && reason.ends_with("; write it like \"5m\""),
        "{reason}"
    );
}
