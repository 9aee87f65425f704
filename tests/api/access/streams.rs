//! Event streams end with what lets their callers in, and nobody waits for who does not
//! read.

use std::io::{BufRead, BufReader, Read};

use reqwest::blocking::Response;

use super::people::{ann, cookie, login};
use super::{ask, guarded, secret, send, text, token};
use crate::api::served;
use crate::support::wire::Wire;
use crate::support::{Redis, Runner, now, until};

const PASSWORD: &str = super::people::PASSWORD;
const EVENTS: &str = "/api/events?queue=q";

fn known(redis: &Redis) {
    let _: u32 = redis.run(&["HSET", &redis.key("q", "meta"), "version", "bullmq:6"]);
}

/// An event stream that has begun.
fn open(runner: &Runner, headers: &[(&str, &str)]) -> BufReader<Response> {
    let answer = send(runner, "GET", EVENTS, headers, None);
    assert_eq!(answer.status(), 200);
    let mut stream = BufReader::new(answer);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "retry: 2000\n");
    stream
}

/// All that comes until the server ends it.
fn rest(mut stream: BufReader<Response>) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("a whole answer");
    rest
}

/// What the next event is.
fn event(stream: &mut BufReader<Response>) -> String {
    let lines = stream.lines().map_while(Result::ok);
    let mut events = lines.filter_map(|line| line.strip_prefix("event: ").map(str::to_owned));
    events.next().expect("an event")
}

#[test]
fn a_stream_ends_when_its_token_is_removed_and_others_go_on() {
    let redis = Redis::shared();
    known(&redis);
    let (gone, kept) = (token("gone", ""), token("kept", ""));
    let (setup, runner) = guarded(&redis, &format!("{gone}{kept}"));
    let bearer = |name: &str| format!("Bearer {}", secret(name));
    let of_gone = open(&runner, &[("authorization", &bearer("gone"))]);
    let mut of_kept = open(&runner, &[("authorization", &bearer("kept"))]);
    let toml = text(&setup);
    setup.write(&toml.replace(&gone, ""));
    rest(of_gone);
    let key = redis.key("q", "events");
    let _: String = redis.run(&["XADD", &key, "*", "event", "paused"]);
    assert_eq!(event(&mut of_kept), "paused");
    // Less may be done with it, and so it ends as well.
    setup.write(
        &toml
            .replace(&gone, "")
            .replace(&kept, &token("kept", "queues = [\"x\"]")),
    );
    rest(of_kept);
    assert_eq!(ask(&runner, "kept", "GET", EVENTS).status, 403);
}

#[test]
fn a_stream_ends_when_its_token_expires() {
    let redis = Redis::shared();
    known(&redis);
    let soon = jiff::Timestamp::from_millisecond(now().cast_signed() + 3000).unwrap();
    let soon = token("soon", &format!("expires = {soon:.3}"));
    let (_setup, runner) = guarded(&redis, &soon);
    let bearer = format!("Bearer {}", secret("soon"));
    rest(open(&runner, &[("authorization", &bearer)]));
    let late = ask(&runner, "soon", "GET", EVENTS);
    assert_eq!(
        (late.status, super::detail(&late)),
        (401, "these credentials have expired")
    );
}

#[test]
fn a_stream_ends_with_its_session_here_and_at_another_runner() {
    let redis = Redis::own();
    known(&redis);
    let (setup, runner) = guarded(&redis, &ann(&redis, ""));
    let other = setup.serve();
    let sessions = [(); 3].map(|()| cookie(&login(&runner, PASSWORD, &[])).0);
    let streams = sessions
        .each_ref()
        .map(|id| open(&runner, &[("cookie", id)]));
    let [first, second, mut third] = streams;
    let log_out = |at: &Runner, id: &str| {
        let out = send(at, "DELETE", "/api/session", &[("cookie", id)], None);
        assert_eq!(out.status(), 204);
    };
    log_out(&runner, &sessions[0]);
    rest(first);
    log_out(&other, &sessions[1]);
    rest(second);
    let key = redis.key("q", "events");
    let _: String = redis.run(&["XADD", &key, "*", "event", "paused"]);
    assert_eq!(event(&mut third), "paused");
}

/// Bytes of the process that are in memory.
fn memory(runner: &Runner) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", runner.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap().trim();
    kib.parse::<u64>().unwrap() << 10
}

#[test]
fn who_never_reads_costs_little_and_is_let_go() {
    let redis = Redis::shared();
    known(&redis);
    let setup = served(&redis, "send_timeout = \"1s\"\n");
    let runner = setup.serve();
    let api = runner.api();
    let ask = format!("GET {EVENTS} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut deaf: Vec<Wire> = (0..20).map(|_| Wire::to(api.address())).collect();
    for wire in &mut deaf {
        wire.send(&ask).until("retry: 2000");
    }
    let mut hears = open(&runner, &[]);
    let before = memory(&runner);
    let script = "for i = 1, 300 do
          redis.call('XADD', KEYS[1], 'MAXLEN', 400, '*', 'event', 'completed', 'jobId', i,
            'returnvalue', '\"' .. string.rep('x', 15000) .. '\"')
        end
        redis.call('XADD', KEYS[1], '*', 'event', 'resumed')
        return 1";
    let key = redis.key("q", "events");
    let open_files = || {
        std::fs::read_dir(format!("/proc/{}/fd", runner.id()))
            .unwrap()
            .count()
    };
    let listening = open_files();
    // 90 MB for each of them, which the system does not hold.
    for _ in 0..20 {
        let _: u32 = redis.run(&["EVAL", script, "1", &key]);
        while event(&mut hears) != "resumed" {}
    }
    let grown = memory(&runner).saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    until("those who do not read to be let go", || {
        (open_files() + 20 <= listening).then_some(())
    });
    for mut wire in deaf {
        // Cut off, not ended: they know that something is missing.
        let got = wire.rest();
        assert!(!got.ends_with("0\r\n\r\n"), "{} bytes", got.len());
    }
    let _: String = redis.run(&["XADD", &key, "*", "event", "paused"]);
    assert_eq!(event(&mut hears), "paused");
}
