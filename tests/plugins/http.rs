//! HTTP as a guest meets it: what it is refused, where it is cut off, and what
//! goes out in the name of its job. The finer points of the client are tested
//! beside it, in `runner/src/host/client/tests`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use runner::config::{Origin, Plugin};
use runner::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;
use crate::support::{PATIENCE, Redis, Setup, guest};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A server on 127.0.0.1 that treats every connection alike.
struct Server {
    port: u16,
    requests: Receiver<String>,
}

impl Server {
    /// `answer` gets the connection after the head of the request was read.
    fn start(answer: impl Fn(TcpStream) + Send + Clone + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, answer) = (sender.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let head = head(&mut stream);
                    // The test may have ended.
                    let _ = sender.send(head);
                    answer(stream);
                });
            }
        });
        Server { port, requests }
    }

    fn says(text: impl Into<String>) -> Server {
        let text = text.into();
        Server::start(move |mut stream| drop(stream.write_all(text.as_bytes())))
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The head of the next request.
    #[track_caller]
    fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// Fetch this with grants for these hosts of `http`; `{"Ok": status}` or
/// `{"Err": text}`.
#[track_caller]
fn fetch(granted: &[(&str, u16)], data: Value) -> Value {
    let origin = |(host, port): &(&str, u16)| Origin {
        scheme: "http".into(),
        host: (*host).to_owned(),
        port: *port,
    };
    let grants = Plugin {
        http: granted.iter().map(origin).collect(),
        ..Plugin::default()
    };
    match Sandbox::granted(&guest("reach"), grants).run("fetch", &data.to_string()) {
        Outcome::Completed(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The text of a refusal.
#[track_caller]
fn refused(granted: &[(&str, u16)], data: Value) -> String {
    let answer = fetch(granted, data);
    let text = answer["Err"].as_str();
    text.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_forbidden_host_is_denied_with_the_way_out() {
    let text = refused(
        &[("api.example.com", 80)],
        json!({ "url": "https://evil.example/x" }),
    );
    assert_eq!(
        text,
        "the request was denied: host \"evil.example\" is not granted to plugin \"work\": \
         add \"https://evil.example\" to [plugins.work] http"
    );
}

#[test]
fn private_loopback_and_metadata_addresses_are_denied_though_something_listens() {
    let server = Server::says(OK);
    let port = server.port;
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
    ] {
        let text = refused(&[("api.example.com", 80)], json!({ "url": url }));
        assert!(
            text.starts_with("the request was denied: host ")
                && text.contains(" is not granted to plugin"),
            "{url}: {text}"
        );
    }
    assert!(server.requests.try_recv().is_err());
}

#[test]
fn a_granted_name_that_resolves_to_a_private_address_is_denied() {
    let server = Server::says(OK);
    let text = refused(
        &[("localhost", server.port)],
        json!({ "url": format!("http://localhost:{}/", server.port) }),
    );
    assert!(
        text.starts_with("the request was denied: host \"localhost\" has the address ")
            && text.contains(" (loopback), which is not public: add \"")
            && text.ends_with("to [plugins.work] http_networks if it is meant"),
        "{text}"
    );
    assert!(server.requests.try_recv().is_err());
}

#[test]
fn a_granted_address_is_reached_in_the_name_of_the_job() {
    let server = Server::says(OK);
    let data = json!({ "url": server.origin(), "requestId": "r-1" });
    assert_eq!(
        fetch(&[("127.0.0.1", server.port)], data),
        json!({ "Ok": 200 })
    );
    let request = server.request();
    assert!(request.contains("\r\nx-request-id: r-1\r\n"), "{request}");
}

#[test]
fn a_slow_server_is_left_at_the_timeout() {
    let server = Server::start(|mut stream| {
        // Until the other side closes.
        let _ = stream.read(&mut [0]);
    });
    let began = Instant::now();
    let text = refused(
        &[("127.0.0.1", server.port)],
        json!({ "url": server.origin(), "timeout": 200 }),
    );
    let origin = server.origin();
    assert_eq!(
        text,
        format!(
            "no answer in time: {origin} did not answer within 200ms, the timeout of the request"
        )
    );
    // The rest is starting the sandbox on a busy machine.
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}

#[test]
fn an_endless_body_is_cut_at_the_limit() {
    let server = Server::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 64 << 10]).is_ok() {}
    });
    let text = refused(
        &[("127.0.0.1", server.port)],
        json!({ "url": server.origin() }),
    );
    assert_eq!(
        text,
        "the answer is too large: the response of 127.0.0.1 does not end: at most 10485760 bytes are read"
    );
}

#[test]
fn a_redirect_to_a_forbidden_host_is_denied() {
    let target = Server::says(OK);
    let location = format!("http://127.0.0.1:{}/", target.port);
    let server = Server::says(format!(
        "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ));
    let data = json!({ "url": server.origin(), "redirects": 3 });
    assert_eq!(
        refused(&[("127.0.0.1", server.port)], data.clone()),
        format!(
            "the request was denied: redirected by {}: host \"127.0.0.1\" is not granted to plugin \"work\": \
             add \"http://127.0.0.1:{}\" to [plugins.work] http",
            server.origin(),
            target.port
        )
    );
    assert!(target.requests.try_recv().is_err());
    let both = [("127.0.0.1", server.port), ("127.0.0.1", target.port)];
    assert_eq!(fetch(&both, data), json!({ "Ok": 200 }));
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let (server, proxy) = (Server::says(OK), Server::says(OK));
    let redis = Redis::shared();
    let toml = format!(
        "[queues.work]\nplugin = \"reach\"\n\n[plugins.reach]\nhttp = [{:?}]\n",
        server.origin()
    );
    let mut setup = Setup::new(&redis, &toml).plugin("reach", &guest("reach"));
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        setup = setup.env(name, &proxy.origin());
    }
    let _runner = setup.serve();
    let data = json!({ "url": server.origin() }).to_string();
    let id = redis.add("work", "fetch", data, "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    assert_eq!(
        redis.field("work", &id, "returnvalue").as_deref(),
        Some(r#"{"Ok":200}"#)
    );
    server.request();
    assert!(
        proxy.requests.recv_timeout(Duration::ZERO).is_err(),
        "the proxy was asked"
    );
}

#[test]
fn the_log_of_a_request_names_origin_and_outcome_and_nothing_private() {
    let server = Server::says(OK);
    let redis = Redis::shared();
    let toml = format!(
        "[queues.work]\nplugin = \"reach\"\n\n[plugins.reach]\nhttp = [{:?}]\n",
        server.origin()
    );
    let runner = Setup::new(&redis, &toml)
        .plugin("reach", &guest("reach"))
        .env("RUST_LOG", "info,runner=debug")
        .serve();
    let sent = format!("{}/private?key=private", server.origin());
    for url in [sent.as_str(), "https://evil.example/private"] {
        let id = redis.add("work", "fetch", json!({ "url": url }).to_string(), "{}");
        assert_eq!(redis.until_ended("work", &id), "completed");
    }

    let line: Value = serde_json::from_str(&runner.until_logged("\"http request\"")).unwrap();
    for (field, value) in [
        ("plugin", json!("reach")),
        ("method", json!("GET")),
        ("origin", json!(server.origin())),
        ("status", json!(200)),
        ("bytes", json!(0)),
    ] {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert!(line["ms"].is_u64(), "{line}");
    let refused = runner.until_logged("\"http request refused\"");
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!(refused["error"], "denied", "{refused}");
    let lines = runner.log();
    let requests = lines.iter().filter(|line| line.contains("http request"));
    assert!(!requests.cloned().collect::<String>().contains("private"));
}
