//! What one attempt may cost its host and its Redis, in the real process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::support::{Redis, Runner, Setup, guest, until};

const MIB: usize = 1 << 20;

/// A server on 127.0.0.1 that answers every request with so many bytes; its
/// address.
fn server(bytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(stream, bytes));
        }
    });
    address
}

/// Answer until the client closes.
fn answer(mut stream: TcpStream, bytes: usize) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    let chunk = vec![b'x'; 64 << 10];
    while request(&mut stream).is_some() {
        let mut left = bytes;
        let mut sent = stream.write_all(head.as_bytes());
        while left > 0 && sent.is_ok() {
            let part = left.min(chunk.len());
            sent = stream.write_all(&chunk[..part]);
            left -= part;
        }
    }
}

/// Read a request with its content; none when the client has closed.
fn request(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    std::io::copy(&mut stream.take(length), &mut std::io::sink()).ok()?;
    Some(())
}

/// A runner of the guest that sends requests to this server.
fn serve(redis: &Redis, server: &str, more: &str) -> (Setup, Runner) {
    let toml = format!(
        "[queues.work]\nplugin = \"fetches\"\n{more}\n\n\
         [plugins.fetches]\nhttp = [\"http://{server}\"]\n"
    );
    let setup = Setup::new(redis, &toml).plugin("fetches", &guest("fetches"));
    let runner = setup.serve();
    (setup, runner)
}

/// The most memory the process ever had, bytes.
fn peak(runner: &Runner) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", runner.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<usize>().unwrap() << 10
}

#[test]
fn requests_without_end_take_a_bounded_part_of_the_hosts_memory() {
    let redis = Redis::shared();
    let server = server(8 * MIB);
    let (_setup, runner) = serve(&redis, &server, "timeout = \"4s\"\nmemory = \"64MiB\"");
    let before = peak(&runner);
    // 1.6 GiB of responses, none of which is read.
    let data = json!({"host": server, "count": 200, "hoard": true});
    let id = redis.add("work", "fetch", data.to_string(), "{}");
    assert_eq!(redis.until_ended("work", &id), "failed");
    let reason = redis.field("work", &id, "failedReason");
    assert_eq!(reason.as_deref(), Some("timed out after 4s"));
    let taken = peak(&runner).saturating_sub(before) / MIB;
    // The 64 MiB that are held, once more while they are read, and the guest's.
    assert!(taken < 300, "{taken} MiB");
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let redis = Redis::shared();
    let server = server(2 * MIB);
    let (_setup, _runner) = serve(&redis, &server, "");
    // This guest writes all contents before it reads the first response.
    for (count, send) in [(50, 0), (20, 400 << 10)] {
        let data = json!({"host": server, "count": count, "send": send});
        let id = redis.add("work", "fetch", data.to_string(), "{}");
        assert_eq!(redis.until_ended("work", &id), "completed");
        let value = redis.field("work", &id, "returnvalue").unwrap();
        let value: Value = serde_json::from_str(&value).unwrap();
        let all = json!({"answered": count, "bytes": count * 2 * MIB, "failures": {}});
        assert_eq!(value, all);
    }
}

#[test]
fn a_response_that_can_never_be_held_is_told_in_the_log() {
    let redis = Redis::shared();
    let server = server(2 * MIB);
    let (_setup, runner) = serve(&redis, &server, "max_held = \"1MiB\"");
    let data = json!({"host": server, "count": 1});
    let id = redis.add("work", "fetch", data.to_string(), "{}");
    assert_eq!(redis.until_ended("work", &id), "completed");
    let told = runner.until_logged("(max_held)");
    let text = format!(
        "http: GET http://{server}/… failed: the response of 127.0.0.1 has 2097177 bytes: at \
         most 1048576 are held for a job (max_held)"
    );
    assert!(told.contains(&text), "{told}");
    let logs: Vec<String> = redis.run(&[
        "LRANGE",
        &redis.key("work", &format!("{id}:logs")),
        "0",
        "-1",
    ]);
    assert!(
        logs.len() == 1 && logs[0].ends_with(&format!("WARN {text}")),
        "{logs:?}"
    );
}

#[test]
fn a_plugin_that_writes_without_end_is_stopped_while_others_go_on() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"reach\"\nmemory = \"128MiB\"\nconcurrency = 2\n\n\
        [queues.other]\n\n[queues.quick]\nplugin = \"scripted\"\n";
    let setup = Setup::new(&redis, toml)
        .plugin("reach", &guest("reach"))
        .plugin("scripted", &guest("scripted"));
    let _runner = setup.serve();
    let data = json!({"queue": "other", "bytes": 9 * MIB}).to_string();
    let heavy = ["add-large", "update-large"].map(|name| redis.add("work", name, &data, "{}"));
    until("both to run", || {
        (redis.count("work", "active") == 2).then_some(())
    });
    for _ in 0..20 {
        let id = redis.add("quick", "any", r#"{"result":1}"#, "{}");
        assert_eq!(redis.until_ended("quick", &id), "completed");
    }
    for id in heavy {
        assert_eq!(redis.until_ended("work", &id), "completed");
        let value = redis.field("work", &id, "returnvalue").unwrap();
        assert!(
            value.contains(r#""written":7"#) && value.contains("it may send 67108864 (max_sent)"),
            "{value}"
        );
    }
    assert_eq!(redis.count("other", "wait"), 7);
}

#[test]
fn a_parent_is_given_no_more_of_its_children_than_it_may_hold() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"flows\"\nmax_held = \"1KiB\"\n";
    let setup = Setup::new(&redis, toml).plugin("flows", &guest("flows"));
    let _runner = setup.serve();
    // The first job's.
    let key = redis.key("work", "1:processed");
    let value = format!("\"{}\"", "x".repeat(600));
    redis.run::<()>(&["HSET", &key, "bull:a:1", &value, "bull:a:2", &value]);
    let id = &redis.add("work", "parent", "{}", "{}");
    assert_eq!(redis.until_ended("work", id), "failed");
    let reason = redis.field("work", id, "failedReason").unwrap();
    assert!(
        reason.contains(
            "what its children left has 1220 bytes: at most 1024 are held for a job (max_held)"
        ),
        "{reason}"
    );
}
