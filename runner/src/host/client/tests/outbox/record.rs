//! What is kept of each request, and how it is shown.

use super::*;

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
async fn a_secret_url_is_recorded_in_none_of_its_forms() {
    let desk = Desk::new("");
    let sent = "https://api.example.com/hooks/TEAM/a%20b%22c";
    let form = url::form_urlencoded::byte_serialize(HOOK.as_bytes());
    let request = Request {
        headers: vec![
            ("Referer".into(), sent.into()),
            ("X-Hook".into(), base64(&format!("hook:{HOOK}"))),
        ],
        ..post(
            HOOK,
            &format!(
                "{}\nto={}\n{sent}",
                serde_json::Value::from(HOOK),
                form.collect::<String>()
            ),
        )
    };
    desk.send(request).await.unwrap();
    let entry = &desk.entries(Filter::default())[0];
    assert_eq!(entry.url, "[redacted]");
    assert_eq!(entry.body, "\"[redacted]\"\nto=[redacted]\n[redacted]");
    let header = |name: &str| entry.headers.iter().find(|(known, _)| known == name);
    assert_eq!(header("referer").unwrap().1, "[redacted]");
    assert!(header("x-hook").unwrap().1.contains("[redacted]"));
    let stored = std::fs::read_to_string(desk.file()).unwrap();
    assert!(!stored.contains("TEAM"), "{stored}");
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
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
    let show = |format| render(&entry, format);
    let line = "14:03:02.500  reset    otp-queue/a\\u001b[2J  otp-sender  POST https://api.resend.com/emails";
    assert_eq!(show(Format::Table), line);
    assert_eq!(
        show(Format::Whole),
        format!("{line}\n    x-a: b\\u0007\n\n    one\n    two\\u001b[1m\n")
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
             \"runner outbox --clear\" starts a new record"
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
    #[expect(clippy::disallowed_methods, reason = "a test sends few")]
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

#[tokio::test]
async fn a_record_goes_on_after_a_restart_and_without_an_unfinished_line() {
    let desk = Desk::new("");
    desk.send(post("https://api.example.com/", ""))
        .await
        .unwrap();
    let mut file = std::fs::File::options()
        .append(true)
        .open(desk.file())
        .unwrap();
    std::io::Write::write_all(&mut file, b"{\"id\": 2, \"ti").unwrap();

    let outbox = open(&desk.directory).unwrap();
    let exchange = Exchange {
        plugin: "p",
        queue: "q",
        job: "1",
        method: &Method::GET,
        url: &Url::parse("https://api.example.com/").unwrap(),
        headers: &HeaderMap::new(),
        body: b"",
        redactor: &Redactor::default(),
    };
    outbox.answer(exchange).await;
    let ids: Vec<_> = desk
        .entries(Filter::default())
        .iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, [1, 2]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(desk.file()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}
