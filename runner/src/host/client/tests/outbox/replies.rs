//! Who answers what, and what goes wrong on demand.

use super::*;

#[tokio::test]
async fn services_for_messages_answer_in_their_own_form() {
    let desk = Desk::new("");
    let whatsapp = desk
        .json(
            "https://graph.facebook.com/v21.0/123/messages",
            r#"{"to":"+49 \"1\""}"#,
        )
        .await;
    assert!(
        whatsapp["messages"][0]["id"]
            .as_str()
            .unwrap()
            .starts_with("wamid."),
        "{whatsapp}"
    );
    assert_eq!(whatsapp["contacts"][0]["input"], "+49 \"1\"");

    let resend = desk.json("https://api.resend.com/emails", "{}").await;
    assert_eq!(resend["id"].as_str().unwrap().len(), 36, "{resend}");
    let again = desk.json("https://api.resend.com/emails", "{}").await;
    assert_ne!(resend["id"], again["id"]);

    let twilio = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json";
    let response = desk
        .send(post(twilio, "To=%2B4915&From=%2B1&Body=a%22b+c"))
        .await
        .unwrap();
    assert_eq!(response.status, 201);
    let sms: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        (&sms["to"], &sms["body"]),
        (&"+4915".into(), &"a\"b c".into())
    );
    assert_eq!(sms["sid"].as_str().unwrap().len(), 34, "{sms}");

    let slack = post("https://hooks.slack.com/services/T/B/x", "{}");
    assert_eq!(text(&desk.send(slack).await.unwrap()), "ok");
    let slack = desk
        .json(
            "https://slack.com/api/chat.postMessage",
            r#"{"channel":"C1"}"#,
        )
        .await;
    assert_eq!(
        (&slack["ok"], &slack["channel"]),
        (&true.into(), &"C1".into())
    );
}

#[tokio::test]
async fn other_services_answer_in_their_own_form() {
    let desk = Desk::new("");
    let token = desk
        .json("https://oauth2.googleapis.com/token", "a=b")
        .await;
    assert_eq!(token["token_type"], "Bearer");
    let push = desk
        .json(
            "https://fcm.googleapis.com/v1/projects/p/messages:send",
            "{}",
        )
        .await;
    assert!(push["name"].is_string(), "{push}");
    let expo = desk
        .json("https://exp.host/--/api/v2/push/send", "{}")
        .await;
    assert_eq!(expo["data"]["status"], "ok");

    let mail = desk
        .send(post("https://api.sendgrid.com/v3/mail/send", "{}"))
        .await
        .unwrap();
    assert_eq!((mail.status, mail.body.len()), (202, 0));

    let chat = desk
        .json(
            "https://api.openai.com/v1/chat/completions",
            r#"{"model":"m"}"#,
        )
        .await;
    assert_eq!(chat["model"], "m");
    let content = chat["choices"][0]["message"]["content"].as_str().unwrap();
    let content: serde_json::Value = serde_json::from_str(content).unwrap();
    assert_eq!(content["findings"], serde_json::json!([]));

    let other = desk.json("https://api.example.com/anything", "").await;
    assert_eq!(other, serde_json::json!({}));
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_not_recorded() {
    let desk = Desk::new("");
    let Err(HttpError::Denied(text)) = desk.send(post("https://evil.example/", "")).await else {
        panic!("the outbox answered for a host that is not granted");
    };
    assert_eq!(
        text,
        r#"host "evil.example" is not granted to plugin "otp-sender": add "https://evil.example" to [plugins.otp-sender] http"#
    );
    assert_eq!(desk.entries(Filter::default()), []);
}

#[tokio::test]
async fn own_rules_come_first_and_the_first_that_matches_answers() {
    let desk = Desk::new(
        r#"
        [[reply]]
        host = "*.example.com"
        path = "/v1/*"
        method = "post"
        status = 418
        headers = { X-Pot = "tea", content-type = "text/x-tea" }
        body = "{request.kind} {nothing} {"

        [[reply]]
        host = "api.example.com"
        body = "second"
        "#,
    );
    let tea = desk
        .send(post(
            "https://other.example.com/v1/brew",
            r#"{"kind":"oolong"}"#,
        ))
        .await
        .unwrap();
    assert_eq!(
        (tea.status, text(&tea).as_str()),
        (418, "oolong {nothing} {")
    );
    assert!(tea.headers.contains(&("x-pot".into(), "tea".into())));
    assert!(
        tea.headers
            .contains(&("content-type".into(), "text/x-tea".into()))
    );
    let second = desk
        .send(post("https://api.example.com/v2", ""))
        .await
        .unwrap();
    assert_eq!(text(&second), "second");
    assert!(
        second
            .headers
            .contains(&("content-type".into(), "text/plain; charset=utf-8".into()))
    );
    let third = desk
        .send(post("https://other.example.com/v2", ""))
        .await
        .unwrap();
    assert_eq!(text(&third), "{}");
}

#[tokio::test]
async fn the_first_requests_fail_and_the_next_succeed() {
    let desk = Desk::new(
        r#"
        [[reply]]
        host = "api.resend.com"
        fault = "status"
        times = 2

        [[reply]]
        host = "api.resend.com"
        status = 429
        headers = { retry-after = "1" }
        times = 1
        "#,
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let sent = desk.send(post("https://api.resend.com/emails", "{}")).await;
        statuses.push(sent.unwrap().status);
    }
    assert_eq!(statuses, [503, 503, 429, 200]);
}

#[tokio::test]
async fn faults_look_like_the_real_ones() {
    let desk = Desk::new(
        r#"
        [[reply]]
        path = "/timeout"
        fault = "timeout"
        [[reply]]
        path = "/reset"
        fault = "reset"
        [[reply]]
        path = "/slow"
        delay = "120ms"
        "#,
    );
    let timeout = Request {
        timeout: Some(80),
        ..post("https://api.example.com/timeout", "")
    };
    assert!(matches!(
        desk.send(timeout).await,
        Err(HttpError::Timeout(text))
            if text == "https://api.example.com did not answer within 80ms, the timeout of the request"
    ));
    assert!(matches!(
        desk.send(post("https://api.example.com/reset", "")).await,
        Err(HttpError::Protocol(text))
            if text == "the response of api.example.com broke off: connection reset by the outbox"
    ));
    let began = Instant::now();
    desk.send(post("https://api.example.com/slow", ""))
        .await
        .unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120));

    let outcomes: Vec<_> = desk
        .entries(Filter::default())
        .into_iter()
        .map(|entry| (entry.status, entry.fault))
        .collect();
    let fault = |name: &str| (None, Some(name.to_owned()));
    assert_eq!(
        outcomes,
        [fault("timeout"), fault("reset"), (Some(200), None)]
    );
}

#[tokio::test]
async fn a_rate_fails_about_that_share() {
    let desk = Desk::new("[[reply]]\nfault = \"status\"\nrate = 0.25\n");
    let mut failed = 0;
    for _ in 0..400 {
        let sent = desk.send(post("https://api.example.com/", "")).await;
        failed += usize::from(sent.unwrap().status == 503);
    }
    // 100 expected, deviation 8.7: outside once in 10^11 runs.
    assert!((40..=160).contains(&failed), "{failed} of 400");
}

#[tokio::test]
async fn saved_rules_take_effect_at_once_and_bad_ones_do_not() {
    let desk = Desk::new("");
    let rules = desk.directory.path().join(RULES);
    let later = |seconds| {
        #[expect(
            clippy::disallowed_methods,
            reason = "a file has the time of its machine"
        )]
        let time = std::time::SystemTime::now() + Duration::from_secs(seconds);
        let file = std::fs::File::options().write(true).open(&rules).unwrap();
        file.set_modified(time).unwrap();
    };
    let status = async || {
        let sent = desk.send(post("https://api.example.com/", "")).await;
        sent.unwrap().status
    };
    assert_eq!(status().await, 200);
    std::fs::write(&rules, "[[reply]]\nstatus = 500\n").unwrap();
    later(1);
    assert_eq!(status().await, 500);
    std::fs::write(&rules, "[[reply]]\nstatus = 7\n").unwrap();
    later(2);
    assert_eq!(status().await, 500);
    std::fs::remove_file(&rules).unwrap();
    assert_eq!(status().await, 200);
}

#[test]
fn mistakes_in_the_rules_are_shown_with_their_line() {
    for (rules, reason) in [
        (
            "[[reply]]\nhosts = \"a\"\n",
            "TOML parse error at line 2, column 1\n  |\n2 | hosts = \"a\"\n  | ^^^^^\nunknown field `hosts`, expected one of `host`, `path`, `method`, `status`, `headers`, `body`, `delay`, `fault`, `times`, `rate`\n",
        ),
        (
            "[[replies]]\n",
            "TOML parse error at line 1, column 3\n  |\n1 | [[replies]]\n  |   ^^^^^^^\nunknown field `replies`, expected `reply`\n",
        ),
        (
            "[[reply]]\nfault = \"fire\"\n",
            "TOML parse error at line 2, column 9\n  |\n2 | fault = \"fire\"\n  |         ^^^^^^\nunknown variant `fire`, expected one of `timeout`, `reset`, `status`\n",
        ),
        (
            "[[reply]]\nstatus = 99\n",
            "TOML parse error at line 2, column 10\n  |\n2 | status = 99\n  |          ^^\n99 is not a status: use 200 to 599\n",
        ),
        (
            "[[reply]]\nrate = 1.5\n",
            "TOML parse error at line 2, column 8\n  |\n2 | rate = 1.5\n  |        ^^^\n1.5 is not a share: use 0 to 1\n",
        ),
        (
            "[[reply]]\ndelay = \"soon\"\n",
            "TOML parse error at line 2, column 9\n  |\n2 | delay = \"soon\"\n  |         ^^^^^^\n\"soon\" is not a duration: write \"250ms\" or \"2s\"\n",
        ),
    ] {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join(RULES), rules).unwrap();
        let error = open(&directory).unwrap_err().to_string();
        let path = directory.path().join(RULES);
        assert_eq!(error, format!("{}: {reason}", path.display()));
    }
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let page = include_str!("../../../../../../docs/outbox.md");
    let examples: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join(RULES), example).unwrap();
        open(&directory).unwrap();
    }
}
