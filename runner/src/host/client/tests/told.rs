//! What a guest of `wasi:http` learns by a code only is told in the job's log.

use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpHooks};

use super::super::Hooks;
use super::upstream::{Does, Upstream};
use super::*;
use crate::host::limits::Budget;
use crate::host::output::Log;
use crate::queue::{Attempt, Job};
use crate::redact::Redactor;

/// The hooks of an attempt of a plugin with this grant.
pub(super) fn hooks(grant: Grant, attempt: Arc<Attempt>) -> Hooks {
    let budget = Arc::new(Budget::new(100, 1 << 20));
    let redactor = Arc::new(Redactor::default());
    Hooks {
        grant: Arc::new(grant),
        log: Log::new(attempt.clone(), redactor, None, None, budget),
        attempt,
        request_id: None,
        room: Room::default(),
        logged: Arc::default(),
    }
}

fn attempt() -> Arc<Attempt> {
    let timeout = Duration::from_secs(20);
    Arc::new(Attempt::trial(Job::default(), "otp-queue", timeout))
}

/// Send a request for this URL; the new lines of the log, without their time.
async fn told(hooks: &mut Hooks, url: &str) -> Vec<String> {
    let empty = Empty::new().map_err(|never| match never {});
    let request: http::Request<WasiBody> =
        http::Request::get(url).body(empty.boxed_unsync()).unwrap();
    let options = RequestOptions {
        first_byte_timeout: Some(Duration::from_millis(100)),
        ..RequestOptions::default()
    };
    let done = Box::new(async { Ok(()) });
    let sent = Box::into_pin(hooks.send_request(request, Some(options), done)).await;
    assert!(sent.is_err());
    let lines = hooks.attempt.take_notes().logs;
    let text = |line: String| line.split_once(' ').unwrap().1.to_owned();
    lines.into_iter().map(text).collect()
}

#[tokio::test]
async fn each_reason_is_told_without_the_path() {
    let upstream = Upstream::start(|path| match path {
        "/hangs" => Does::Hangs(Vec::new()),
        "/large" => Does::Hangs(b"HTTP/1.1 200 OK\r\ncontent-length: 10485761\r\n\r\n".to_vec()),
        _ => Does::Closes(b"220 smtp\r\n\r\n".to_vec()),
    })
    .await;
    let origin = upstream.origin();
    let plugin = plugin(&[&origin, "http://private.example"], &[]);
    let http =
        Http::new(Handle::current()).with_resolver(resolving(&["10.0.0.1".parse().unwrap()]));
    let mut hooks = hooks(http.grant(&plugin), attempt());
    for (url, line) in [
        (
            "https://x.example/reset/token?secret=1".to_owned(),
            "WARN http: GET https://x.example/… refused: host \"x.example\" is not granted to \
             plugin \"probe\": add \"https://x.example\" to [plugins.probe] http"
                .to_owned(),
        ),
        (
            "http://private.example/x".to_owned(),
            "WARN http: GET http://private.example/… refused: host \"private.example\" has the \
             address 10.0.0.1 (private use), which is not public: add \"10.0.0.1/32\" to \
             [plugins.probe] http_networks if it is meant"
                .to_owned(),
        ),
        (
            upstream.url("/hangs"),
            format!(
                "WARN http: GET {origin}/… failed: {origin} did not answer within 100ms, the \
                 timeout of the request"
            ),
        ),
        (
            upstream.url("/large"),
            format!(
                "WARN http: GET {origin}/… failed: the response of 127.0.0.1 has 10485761 bytes: \
                 at most 10485760 are read"
            ),
        ),
    ] {
        assert_eq!(told(&mut hooks, &url).await, [line]);
    }
    let broken = told(&mut hooks, &upstream.url("/")).await;
    let start = format!("WARN http: GET {origin}/… failed: 127.0.0.1 does not speak HTTP: ");
    assert!(broken[0].starts_with(&start), "{broken:?}");
}

#[tokio::test]
async fn one_that_repeats_itself_is_told_ten_times() {
    let mut hooks = hooks(grant(&[]), attempt());
    let mut lines = Vec::new();
    for _ in 0..12 {
        lines.extend(told(&mut hooks, "https://x.example/").await);
    }
    assert_eq!(lines.len(), 10);
    let last = "; further ones of this attempt are not logged";
    assert_eq!(lines.iter().filter(|line| line.ends_with(last)).count(), 1);
    assert!(lines[9].ends_with(last), "{}", lines[9]);
}
