//! Spans: from a traced producer in Node, through a plugin, to the server that the plugin
//! asks, as a real collector receives them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::redis::free_port;
use crate::support::{Redis, Setup, guest, packaged, until};

/// A collector, and what it has printed.
struct Collector {
    _process: Process,
    url: String,
    printed: Arc<Mutex<String>>,
}

impl Collector {
    fn start() -> Collector {
        let [http, grpc] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let mut process = Process::spawn(
            Command::new(packaged("rotel/rotel-agent"))
                .args(["start", "--exporter", "blackhole"])
                .args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
                .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let pipe = process.child().stdout.take().unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let lines = printed.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        until("the collector to listen", || TcpStream::connect(&http).ok());
        Collector {
            _process: process,
            url: format!("http://{http}/v1/traces"),
            printed,
        }
    }

    /// The span of this name, once it is there: everything that is printed of it.
    #[track_caller]
    fn span(&self, name: &str) -> String {
        until(&format!("the span {name:?}"), || {
            let printed = self.printed.lock().unwrap().clone();
            let mut spans = printed.split("\nSpan #");
            let found = spans.find(|span| field(span, "Name") == Some(name))?;
            // It is printed line by line, the attributes last.
            found
                .contains("runner.outcome")
                .then_some(())
                .or_else(|| found.contains("http.response.status_code").then_some(()))?;
            Some(found.to_owned())
        })
    }
}

/// `    Trace ID       : 0af7…`
fn field<'a>(span: &'a str, name: &str) -> Option<&'a str> {
    let line = span
        .lines()
        .find(|line| line.trim_start().starts_with(name))?;
    line.split_once(": ").map(|(_, value)| value.trim())
}

/// A server that answers one request, and its head.
fn asked() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let head = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(head).unwrap()
    });
    (address, head)
}

/// What a job of a traced producer leaves with the collector: the producer's context, the
/// head of the plugin's request, and the collector.
fn traced(relation: &str) -> (String, String, Collector) {
    let redis = Redis::shared();
    let collector = Collector::start();
    let (address, head) = asked();
    let url = &collector.url;
    let setup = Setup::new(
        &redis,
        &format!(
            "[traces]\nendpoint = {url:?}\nrelation = {relation:?}\n\
             [queues.orders]\nplugin = \"fetches\"\n\
             [plugins.fetches]\nhttp = [\"http://{address}\"]\n"
        ),
    );
    let setup = setup.plugin("fetches", &guest("fetches"));
    // Not the five seconds after which spans are sent otherwise.
    let setup = setup.env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let _runner = setup.serve();
    let data = json!({ "host": address, "count": 1 }).to_string();
    let added = Command::new("node")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/node"))
        .args(["traced.mjs", &redis.port().to_string(), redis.prefix(), url])
        .args(["orders", "invoice", &data])
        .output()
        .unwrap();
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let carrier: Value = serde_json::from_slice(&added.stdout).unwrap();
    let producer = carrier["traceparent"].as_str().unwrap().to_owned();
    let head = head.join().unwrap();
    collector.span("process orders");
    collector.span("GET");
    (producer, head, collector)
}

#[test]
fn a_producers_trace_goes_on_through_a_plugin_to_the_server_it_asks() {
    let (producer, head, collector) = traced("parent");
    let producer: Vec<&str> = producer.split('-').collect();
    let (process, get) = (collector.span("process orders"), collector.span("GET"));
    let of = |span, name| field(span, name).unwrap().to_owned();

    assert_eq!(of(&process, "Trace ID"), producer[1]);
    assert_eq!(of(&process, "Parent ID"), producer[2]);
    assert_eq!(of(&process, "Kind"), "SPAN_KIND_CONSUMER");
    for attribute in [
        "messaging.system: Str(bullmq)",
        "messaging.destination.name: Str(orders)",
        "bullmq.job.name: Str(invoice)",
        "faas.name: Str(fetches)",
        "runner.outcome: Str(completed)",
    ] {
        assert!(process.contains(attribute), "{attribute} in {process}");
    }
    assert_eq!(of(&get, "Trace ID"), producer[1]);
    assert_eq!(of(&get, "Parent ID"), of(&process, "ID  "));
    assert!(get.contains("http.response.status_code: Int(200)"), "{get}");
    // The server's own spans go below that of the request.
    let sent = format!("traceparent: 00-{}-{}-01", producer[1], of(&get, "ID  "));
    assert!(head.contains(&sent), "{sent} in {head}");
}

#[test]
fn by_default_an_attempt_has_a_trace_of_its_own_with_a_link_to_its_producer() {
    let (producer, _, collector) = traced("link");
    let producer: Vec<&str> = producer.split('-').collect();
    let process = collector.span("process orders");
    let own = field(&process, "Trace ID").unwrap();
    assert_ne!(own, producer[1]);
    assert!(process.contains(producer[1]), "{process}");
    assert!(process.contains(producer[2]), "{process}");
}

#[test]
fn without_a_collector_the_producers_trace_goes_on_with_the_jobs_of_a_plugin() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        "[queues.work]\nplugin = \"reach\"\n[queues.other]\n",
    );
    let setup = setup.plugin("reach", &guest("reach"));
    let _runner = setup.serve();
    let data = json!({ "queue": "other", "name": "next", "data": {} }).to_string();
    let options = json!({ "tm": format!("{{\"traceparent\":\"{PARENT}\"}}") }).to_string();
    let id = redis.add("work", "add", &data, &options);
    assert_eq!(redis.until_ended("work", &id), "completed");
    let stored = redis.field("other", "1", "opts").unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let carrier: Value = serde_json::from_str(stored["tm"].as_str().unwrap()).unwrap();
    let parts: Vec<&str> = carrier["traceparent"]
        .as_str()
        .unwrap()
        .split('-')
        .collect();
    let producer: Vec<&str> = PARENT.split('-').collect();
    assert_eq!((parts[1], parts[3]), (producer[1], producer[3]));
    assert_ne!(parts[2], producer[2], "the call has a span of its own");
}

#[test]
fn a_collector_that_is_gone_is_told_in_the_log_and_stops_no_job() {
    let redis = Redis::shared();
    let url = format!("http://127.0.0.1:{}/v1/traces", free_port());
    let setup = Setup::new(
        &redis,
        &format!("[traces]\nendpoint = {url:?}\n[queues.work]\nplugin = \"noop\"\n"),
    );
    let setup = setup.plugin("noop", &guest("noop"));
    let setup = setup.env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let runner = setup.serve();
    let id = redis.add("work", "n", "{}", "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    let line = runner.until_logged("spans were not sent to");
    assert!(line.contains(&url), "{line}");
}
