//! The outbox as plugins meet it, through a grant, and as people read it.

#![allow(clippy::unwrap_used, reason = "tests fail fast")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::*;
use crate::config::{Origin, Plugin, Secret};
use crate::host::http::{Caller, Error as HttpError, Grant, Http, Request, Response};

/// An outbox in a directory of its own, and a plugin that may call everyone.
struct Desk {
    directory: TempDir,
    grant: Grant,
}

const HOSTS: [&str; 12] = [
    "graph.facebook.com",
    "api.resend.com",
    "api.twilio.com",
    "hooks.slack.com",
    "slack.com",
    "oauth2.googleapis.com",
    "fcm.googleapis.com",
    "exp.host",
    "api.sendgrid.com",
    "api.openai.com",
    "api.example.com",
    "other.example.com",
];

impl Desk {
    fn new(rules: &str) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join(RULES), rules).unwrap();
        let outbox = open(&directory).unwrap();
        let mut plugin = Plugin {
            name: "otp-sender".into(),
            http: HOSTS
                .map(|host| Origin {
                    scheme: "https".into(),
                    host: host.into(),
                    port: 443,
                })
                .into(),
            ..Plugin::default()
        };
        plugin.secrets.insert("KEY".into(), Secret("s3cret".into()));
        let http = Http::new(Handle::current()).with_outbox(Arc::new(outbox));
        Desk {
            grant: http.grant(&plugin),
            directory,
        }
    }

    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.send_for("otp-queue", "7", request).await
    }

    async fn send_for(
        &self,
        queue: &str,
        job: &str,
        request: Request,
    ) -> Result<Response, HttpError> {
        let caller = Caller {
            queue: queue.into(),
            job: job.into(),
            deadline: Instant::now() + Duration::from_secs(10),
            request_id: Some("req-1".into()),
            nth: 1,
        };
        self.grant.send(&caller, request).await
    }

    async fn json(&self, url: &str, body: &str) -> serde_json::Value {
        let response = self.send(post(url, body)).await.unwrap();
        serde_json::from_slice(&response.body)
            .unwrap_or_else(|error| panic!("{url}: {error}: {}", text(&response)))
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("data").join(FILE)
    }

    fn entries(&self, filter: Filter) -> Vec<Entry> {
        read(&self.file(), &filter).unwrap()
    }
}

fn open(directory: &TempDir) -> Result<Outbox, Error> {
    Outbox::new(&directory.path().join("data"), directory.path().join(RULES))
}

fn post(url: &str, body: &str) -> Request {
    Request {
        method: "POST".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Some(body.into()),
        timeout: None,
        redirects: 0,
        idempotent: false,
    }
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

#[tokio::test]
async fn well_known_services_answer_in_their_own_form() {
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

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let desk = Desk::new("");
    let request = Request {
        headers: vec![
            ("Authorization".into(), "Basic dXNlcjpwYXNz".into()),
            ("X-Token".into(), "t-s3cret".into()),
            ("Content-Type".into(), "application/json".into()),
        ],
        ..post(
            "https://api.example.com/s3cret/a?key=s3cret",
            r#"{"code":"123456","key":"s3cret"}"#,
        )
    };
    desk.send(request).await.unwrap();
    let stored = std::fs::read_to_string(desk.file()).unwrap();
    assert!(
        !stored.contains("s3cret") && !stored.contains("dXNlcjpwYXNz"),
        "{stored}"
    );

    let entry = &desk.entries(Filter::default())[0];
    assert_eq!(
        (
            entry.plugin.as_str(),
            entry.queue.as_str(),
            entry.job.as_str()
        ),
        ("otp-sender", "otp-queue", "7")
    );
    assert_eq!(
        entry.url,
        "https://api.example.com/[redacted]/a?key=[redacted]"
    );
    assert_eq!(entry.body, r#"{"code":"123456","key":"[redacted]"}"#);
    assert_eq!((entry.bytes, entry.status), (32, Some(200)));
    for (name, value) in [
        ("authorization", "[redacted]"),
        ("x-token", "t-[redacted]"),
        ("content-type", "application/json"),
        ("x-request-id", "req-1"),
    ] {
        assert!(
            entry.headers.contains(&(name.into(), value.into())),
            "{name}: {entry:?}"
        );
    }
}

#[tokio::test]
async fn long_content_is_kept_to_four_kibibytes() {
    let desk = Desk::new("");
    let body = "ü".repeat(5000);
    desk.send(post("https://api.example.com/", &body))
        .await
        .unwrap();
    let entry = &desk.entries(Filter::default())[0];
    assert_eq!(entry.bytes, 10_000);
    assert_eq!(entry.body, format!("{}…", "ü".repeat(2048)));
}

#[tokio::test]
async fn entries_are_filtered_and_the_last_are_the_last_that_match() {
    let desk = Desk::new("");
    for (queue, job, url) in [
        ("otp-queue", "1", "https://api.resend.com/emails"),
        ("otp-queue", "2", "https://api.example.com/a"),
        ("notifications", "1", "https://api.resend.com/emails"),
        ("otp-queue", "3", "https://api.resend.com/emails"),
        ("otp-queue", "4", "https://api.example.com/b"),
    ] {
        desk.send_for(queue, job, post(url, "")).await.unwrap();
    }
    let ids = |filter| {
        desk.entries(filter)
            .into_iter()
            .map(|entry| entry.id)
            .collect::<Vec<_>>()
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(ids(Filter::default()), [1, 2, 3, 4, 5]);
    assert_eq!(
        ids(Filter {
            host: is("api.resend.com"),
            ..Filter::default()
        }),
        [1, 3, 4]
    );
    assert_eq!(
        ids(Filter {
            queue: is("otp-queue"),
            ..Filter::default()
        }),
        [1, 2, 4, 5]
    );
    assert_eq!(
        ids(Filter {
            job: is("1"),
            ..Filter::default()
        }),
        [1, 3]
    );
    let filter = Filter {
        host: is("api.resend.com"),
        last: Some(2),
        ..Filter::default()
    };
    assert_eq!(ids(filter), [3, 4]);
    assert_eq!(
        ids(Filter {
            job: is("9"),
            ..Filter::default()
        }),
        Vec::<u64>::new()
    );
}

#[test]
fn entries_are_shown_as_lines_as_whole_requests_and_as_json() {
    let entry = Entry {
        id: 3,
        time: "2026-11-23T14:03:02.5Z".parse().unwrap(),
        plugin: "otp-sender".into(),
        queue: "otp-queue".into(),
        job: "a\u{1b}[2J".into(),
        method: "POST".into(),
        url: "https://api.resend.com/emails".into(),
        host: "api.resend.com".into(),
        headers: vec![("x-a".into(), "b\u{7}".into())],
        body: "one\ntwo\u{1b}[1m".into(),
        bytes: 7,
        status: None,
        fault: Some("reset".into()),
    };
    let show = |format| {
        let mut out = Vec::new();
        render(std::slice::from_ref(&entry), format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let line = "14:03:02.500  reset    otp-queue/a\u{fffd}[2J  otp-sender  POST https://api.resend.com/emails\n";
    assert_eq!(show(Format::Table), line);
    assert_eq!(
        show(Format::Whole),
        format!("{line}    x-a: b\u{fffd}\n\n    one\n    two\u{fffd}[1m\n\n")
    );
    let parsed: Entry = serde_json::from_str(&show(Format::Json)).unwrap();
    assert_eq!(parsed, entry);
}

#[tokio::test]
async fn a_record_is_cleared_and_goes_on() {
    let desk = Desk::new("");
    desk.send(post("https://api.example.com/", ""))
        .await
        .unwrap();
    clear(&desk.file()).unwrap();
    assert_eq!(desk.entries(Filter::default()), []);
    desk.send(post("https://api.example.com/", ""))
        .await
        .unwrap();
    assert_eq!(desk.entries(Filter::default()).len(), 1);
    clear(&desk.directory.path().join("absent")).unwrap();
}

#[test]
fn a_record_that_is_absent_or_broken_says_so() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(FILE);
    assert_eq!(
        read(&path, &Filter::default()).unwrap_err().to_string(),
        format!("there is no outbox at {path:?}: start \"runner dev --outbox\" and run a job")
    );
    std::fs::write(&path, "{}\n").unwrap();
    assert_eq!(
        read(&path, &Filter::default()).unwrap_err().to_string(),
        format!(
            "line 1 of {path:?} is not an entry: missing field `id` at line 1 column 2: \
             \"runner outbox --clear\" begins anew"
        )
    );
    // A line that is being written is not there yet.
    std::fs::write(&path, "{\"id\"").unwrap();
    assert_eq!(read(&path, &Filter::default()).unwrap(), []);
}

#[tokio::test]
async fn following_sees_old_and_new_entries_and_survives_a_clear() {
    let desk = Arc::new(Desk::new(""));
    for _ in 0..3 {
        desk.send(post("https://api.example.com/", ""))
            .await
            .unwrap();
    }
    let (seen, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let path = desk.file();
    let following = tokio::spawn(async move {
        let filter = Filter {
            last: Some(1),
            ..Filter::default()
        };
        follow(&path, &filter, |entry| {
            seen.send(entry.id).map_err(std::io::Error::other)
        })
        .await
    });
    let mut next = async || {
        let wait = Duration::from_secs(5);
        tokio::time::timeout(wait, entries.recv())
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(next().await, 3);
    desk.send(post("https://api.example.com/", ""))
        .await
        .unwrap();
    assert_eq!(next().await, 4);
    clear(&desk.file()).unwrap();
    desk.send(post("https://api.example.com/", ""))
        .await
        .unwrap();
    assert_eq!(next().await, 5);
    following.abort();
}
