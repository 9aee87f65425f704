use std::time::Duration;

use runner_sdk::testing::{self, Host, Reply};
use runner_sdk::{Failure, Job, Result};
use serde_json::{Value, json};

use super::{Channel, Prepared, Report, Trade, UserMessage, notifications, send};

const RESEND: &str = "https://api.resend.com/emails";
const TWILIO: &str = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json";
const SLACK: &str = "https://hooks.slack.com/services/T0/B0/x";
const EXPO: &str = "https://exp.host/--/api/v2/push/send";
const ADA: &str = "9b2f6c1e-5d0a-4a3e-8f57-2b1f0c9d7e11";

fn host() -> Host {
    let host = Host::new();
    host.secret("RESEND_API_KEY", "re_key");
    host.secret("TWILIO_ACCOUNT_SID", "AC1");
    host.secret("TWILIO_AUTH_TOKEN", "token");
    host.secret("SLACK_WEBHOOK_URL", SLACK);
    host.setting("sender", "Example <no-reply@example.com>");
    host.setting("sms_from", "+15005550006");
    let directory = json!({
        (ADA): {
            "email": "ada@example.com",
            "phone": "+491701234567",
            "slack": "U012AB3CD",
            "push": "ExponentPushToken[x]",
        },
        "bob": { "email": "bob@example.com" },
        "user@example.com": { "phone": "+491707654321" },
    });
    host.setting("directory", directory.to_string());
    host
}

/// Run a job as its contract does.
fn handle(job: Job) -> Result<Report> {
    send(&job, prepared(&job.data()?)?)
}

fn prepared(data: &Value) -> Result<Prepared> {
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    let wanted = |key: &str| text(key).expect("the contract asks for it");
    if data.get("asset").is_none() {
        let message = notifications::Message {
            user_id: text("userId"),
            type_: match wanted("type").as_str() {
                "email" => Channel::Email,
                "sms" => Channel::Sms,
                "slack" => Channel::Slack,
                "push" => Channel::Push,
                other => panic!("the contract has no channel {other}"),
            },
            subject: text("subject"),
            message: wanted("message"),
            to: text("to"),
        };
        return UserMessage::from(message).prepare();
    }
    let trade = notifications::Trade {
        to: wanted("to"),
        asset: wanted("asset"),
        amount: data["amount"].to_string(),
        quantity: data["quantity"].to_string(),
        order: wanted("order"),
        phone: text("phone"),
    };
    Trade::read(trade)?.prepare()
}

fn job(data: Value) -> Job {
    let mut job = testing::job("send-notification", data.to_string());
    job.queue = "notifications".into();
    job
}

fn message(user_id: &str, channel: &str) -> Job {
    job(json!({
        "userId": user_id,
        "type": channel,
        "subject": "Document Processed",
        "message": "Your document <a.pdf> has been processed",
    }))
}

fn trade() -> Job {
    job(json!({
        "to": "user@example.com",
        "asset": "BTC",
        "amount": 1000,
        "quantity": 0.02,
        "order": "order-id-123",
    }))
}

fn emailed() -> Reply {
    Reply::json(200, json!({ "id": "49a3999c" }))
}

fn texted() -> Reply {
    Reply::json(
        201,
        json!({ "sid": "SM1", "status": "queued", "error_code": null }),
    )
}

fn ids(report: &Report) -> Vec<(&str, Option<&str>)> {
    report
        .channels
        .iter()
        .map(|receipt| (receipt.channel.as_str(), receipt.message_id.as_deref()))
        .collect()
}

fn failure(job: Job) -> Failure {
    handle(job).expect_err("it must fail")
}

#[test]
fn an_e_mail_goes_to_the_user_of_the_directory() {
    let host = host();
    host.reply("POST", RESEND, emailed());
    let report = handle(message(ADA, "email")).expect("it is sent");
    assert_eq!(ids(&report), [("email", Some("49a3999c"))]);
    assert_eq!(report.channels[0].recipient, "a**@example.com");
    let request = &host.requests()[0];
    let key = request.header("idempotency-key").expect("Resend takes one");
    assert!(
        key.starts_with("notifications/1/") && key.ends_with("/email"),
        "{key}"
    );
    let sent = request.json();
    assert_eq!(sent["to"], json!(["ada@example.com"]));
    assert_eq!(sent["subject"], "Document Processed");
    assert_eq!(sent["text"], "Your document <a.pdf> has been processed");
    let html = sent["html"].as_str().expect("there is HTML");
    assert!(
        html.contains("Your document &lt;a.pdf&gt; has been"),
        "{html}"
    );
    assert!(html.contains(">Document Processed</h1>"), "{html}");
    let event = &host.added()[0];
    assert_eq!(
        (event.queue.as_str(), event.name.as_str()),
        ("backend-events", "email-sent")
    );
    assert_eq!(event.data["type"], "email-sent");
    assert_eq!(event.data["data"]["messageId"], "49a3999c");
}

#[test]
fn an_sms_is_a_form_with_basic_credentials() {
    let host = host();
    host.reply("POST", TWILIO, texted());
    let report = handle(message(ADA, "sms")).expect("it is sent");
    assert_eq!(ids(&report), [("sms", Some("SM1"))]);
    let request = &host.requests()[0];
    // base64 of AC1:token
    assert_eq!(request.header("authorization"), Some("Basic QUMxOnRva2Vu"));
    let form = request.form();
    assert_eq!(form["To"], "+491701234567");
    assert_eq!(form["From"], "+15005550006");
    assert_eq!(
        form["Body"],
        "Document Processed: Your document <a.pdf> has been processed"
    );
}

#[test]
fn a_slack_message_mentions_the_member_and_escapes_markup() {
    let host = host();
    host.reply("POST", SLACK, Reply::text(200, "ok"));
    let report = handle(message(ADA, "slack")).expect("it is sent");
    assert_eq!(ids(&report), [("slack", None)]);
    assert_eq!(
        host.requests()[0].json(),
        json!({ "text": "<@U012AB3CD>\n*Document Processed*\nYour document &lt;a.pdf&gt; has been processed" })
    );
}

#[test]
fn a_push_goes_to_the_device_and_a_refused_ticket_rejects() {
    let host = host();
    host.secret("EXPO_ACCESS_TOKEN", "expo");
    host.reply(
        "POST",
        EXPO,
        Reply::json(200, json!({ "data": { "status": "ok", "id": "t1" } })),
    );
    let report = handle(message(ADA, "push")).expect("it is sent");
    assert_eq!(ids(&report), [("push", Some("t1"))]);
    let request = &host.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer expo"));
    assert_eq!(
        request.json(),
        json!({
            "to": "ExponentPushToken[x]",
            "title": "Document Processed",
            "body": "Your document <a.pdf> has been processed",
        })
    );
    let ticket = |error: &str| {
        Reply::json(
            200,
            json!({ "data": {
                "status": "error",
                "message": "ExponentPushToken[x] is refused",
                "details": { "error": error },
            }}),
        )
    };
    drop(host);
    let host = self::host();
    host.reply("POST", EXPO, ticket("DeviceNotRegistered"));
    let reason = "push: Expo refused the push: a device is refused";
    assert_eq!(
        failure(message(ADA, "push")),
        Failure::Reject(reason.into())
    );
    host.reply("POST", EXPO, ticket("MessageRateExceeded"));
    assert_eq!(failure(message(ADA, "push")), Failure::Retry(reason.into()));
}

#[test]
fn a_trade_goes_out_by_e_mail_and_sms() {
    let host = host();
    host.reply("POST", RESEND, emailed());
    host.reply("POST", TWILIO, texted());
    let report = handle(trade()).expect("it is sent");
    assert_eq!(
        ids(&report),
        [("email", Some("49a3999c")), ("sms", Some("SM1"))]
    );
    let requests = host.requests();
    let mail = requests[0].json();
    assert_eq!(mail["subject"], "Your trade of BTC");
    let text = mail["text"].as_str().expect("there is text");
    assert!(
        text.contains("Quantity  0.02\nAmount    1000\nOrder     order-id-123"),
        "{text}"
    );
    let sms = requests[1].form();
    assert_eq!(sms["To"], "+491707654321");
    assert_eq!(
        sms["Body"],
        "Trade done: 0.02 BTC for 1000. Order order-id-123."
    );
    let events: Vec<_> = host.added().into_iter().map(|added| added.name).collect();
    assert_eq!(events, ["email-sent", "sms-sent"]);
    assert_eq!(host.progress(), [json!(50.0), json!(100.0)]);
}

#[test]
fn a_trade_without_a_phone_number_skips_the_sms_and_says_so() {
    let host = host();
    host.reply("POST", RESEND, emailed());
    let mut data: Value = trade().data().expect("it is JSON");
    data["to"] = json!("stranger@example.com");
    let report = handle(job(data)).expect("it is sent");
    assert!(matches!(report.skipped[..], [Channel::Sms]));
    assert_eq!(report.channels[0].provider, "resend");
    assert_eq!(report.channels[0].recipient, "st******@example.com");
    assert_eq!(
        host.logs()[0].to_string(),
        "skipped: no address for this channel is known channel=sms"
    );
}

#[test]
fn a_retry_sends_only_what_was_not_sent() {
    let host = host();
    host.reply("POST", RESEND, emailed());
    host.reply(
        "POST",
        TWILIO,
        Reply::text(503, "").header("retry-after", "3"),
    );
    let reason = "sms: api.twilio.com answered 503: no content";
    assert_eq!(
        failure(trade()),
        Failure::RetryAfter(Duration::from_secs(3), reason.into())
    );
    host.reply("POST", TWILIO, texted());
    let mut again = trade();
    again.attempt = 2;
    let report = handle(again).expect("it is sent");
    assert_eq!(
        ids(&report),
        [("email", Some("49a3999c")), ("sms", Some("SM1"))]
    );
    let sent: Vec<_> = host
        .requests()
        .into_iter()
        .map(|request| request.url)
        .collect();
    assert_eq!(sent, [RESEND, TWILIO, TWILIO]);
    let events: Vec<_> = host.added().into_iter().map(|added| added.name).collect();
    assert_eq!(events, ["email-sent", "sms-sent"]);
}

#[test]
fn one_failed_channel_keeps_no_other_from_being_tried() {
    let host = host();
    host.reply(
        "POST",
        RESEND,
        Reply::json(422, json!({ "message": "user@example.com bounced" })),
    );
    host.reply("POST", TWILIO, texted());
    let refused = "email: Resend answered 422: us**@example.com bounced";
    assert_eq!(failure(trade()), Failure::Reject(refused.into()));
    assert_eq!(host.added()[0].name, "sms-sent");
    // With another failure that is worth a retry, the job is.
    drop(host);
    let host = self::host();
    host.reply(
        "POST",
        RESEND,
        Reply::json(422, json!({ "message": "user@example.com bounced" })),
    );
    host.reply(
        "POST",
        TWILIO,
        Reply::json(500, json!({ "message": "internal" })),
    );
    let both = format!("{refused}; sms: Twilio answered 500: internal");
    assert_eq!(failure(trade()), Failure::Retry(both));
}

#[test]
fn who_is_not_in_the_directory_is_asked_for() {
    let host = host();
    host.setting("users_url", "https://users.example.com/{userId}/contact");
    host.secret("USERS_TOKEN", "users");
    let url = "https://users.example.com/a%2Fb/contact";
    let contact = json!({ "name": "Cy", "email": "cy@example.com" });
    host.reply("GET", url, Reply::json(200, contact));
    host.reply("POST", RESEND, emailed());
    handle(message("a/b", "email")).expect("it is sent");
    assert_eq!(
        host.requests()[0].header("authorization"),
        Some("Bearer users")
    );
    host.reply("GET", url, Reply::text(404, ""));
    assert!(
        failure(message("a/b", "sms"))
            .reason()
            .starts_with("the user \"a/b\" is not known")
    );
    host.reply("GET", url, Reply::text(500, ""));
    assert!(matches!(failure(message("a/b", "sms")), Failure::Retry(_)));
}

#[test]
fn the_payload_can_name_the_address() {
    let host = host();
    host.reply("POST", TWILIO, texted());
    let data = json!({ "type": "sms", "message": "hi", "to": "+49 170 111 2222" });
    handle(job(data)).expect("it is sent");
    assert_eq!(host.requests()[0].form()["To"], "+491701112222");
    assert_eq!(host.requests()[0].form()["Body"], "hi");
}

#[test]
fn templates_are_settings() {
    let host = host();
    host.setting("trade_sms", "{{ asset | lower }}!");
    host.reply("POST", RESEND, emailed());
    host.reply("POST", TWILIO, texted());
    handle(trade()).expect("it is sent");
    assert_eq!(host.requests()[1].form()["Body"], "btc!");
}

#[test]
fn what_types_cannot_say_is_checked() {
    let _host = host();
    for (data, reason) in [
        (
            json!({ "type": "email", "message": "hi" }),
            "data: neither `userId` nor `to` says who",
        ),
        (
            json!({ "userId": "bob", "type": "sms", "message": "hi" }),
            "for the user \"bob\" no address for sms",
        ),
        (
            json!({ "userId": "eve", "type": "sms", "message": "hi" }),
            "the user \"eve\" is not known; add them",
        ),
        (
            json!({ "type": "sms", "message": "hi", "to": "0170" }),
            "the recipient is not a phone number",
        ),
        (
            json!({ "to": "u@example.com", "asset": "BTC", "amount": [], "quantity": 1, "order": "1" }),
            "data.amount: an amount is a number or a string, not []",
        ),
    ] {
        let failure = failure(job(data));
        assert!(
            matches!(&failure, Failure::Reject(text) if text.starts_with(reason)),
            "{failure:?}"
        );
    }
}

#[test]
fn a_missing_credential_is_named_with_the_way_to_grant_it() {
    let host = Host::new();
    host.setting("sender", "Example <no-reply@example.com>");
    for (channel, to, secret) in [
        ("email", "ada@example.com", "RESEND_API_KEY"),
        ("sms", "+491701234567", "TWILIO_ACCOUNT_SID"),
        ("slack", "U012AB3CD", "SLACK_WEBHOOK_URL"),
    ] {
        let failure = failure(job(json!({ "type": channel, "message": "hi", "to": to })));
        assert_eq!(
            failure,
            Failure::Reject(format!(
                "{channel}: the secret \"{secret}\" is not granted; add `secrets = {{ {secret} = \
                 \"env:{secret}\" }}` under [plugins.<name>] in queues.toml"
            ))
        );
    }
}
