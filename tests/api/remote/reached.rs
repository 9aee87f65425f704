//! `runner --server`: over TLS and a Unix socket, with and without a token, and `doctor`.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;

use super::{Far, words};
use crate::api::access::{secret, tokens};
use crate::api::served;
use crate::support::{Ended, Redis, Runner, Setup, guest, until};

const JOB: &str = "add held a {} --json";

#[test]
fn a_server_is_reached_over_tls_by_who_knows_its_authority() {
    let redis = Redis::shared();
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\n\
        tls = { certificate = \"cert.pem\", key = \"key.pem\" }\n[queues.held]\n";
    let setup = Setup::new(&redis, toml);
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let write = |name: &str, text: String| {
        std::fs::write(setup.path(name), text).expect("a writable directory");
    };
    write("cert.pem", cert.pem());
    write("key.pem", signing_key.serialize_pem());
    let runner = setup.serve();
    let url = format!("https://{}", runner.api().address());
    let far = Setup::new(&redis, "[queues]\n");
    std::fs::write(far.path("ca.pem"), cert.pem()).expect("a writable directory");
    let line = ["--server", &url, "--ca", "ca.pem"];
    let ended = far.cli(&[&line[..], &words(JOB)].concat());
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
    let ended = far.cli(&[&line[..], &words("job wait held 1 --timeout 50ms")].concat());
    assert_eq!(ended.code, Some(124), "{ended:?}");
    let ended = far.cli(&[&["--server", &url][..], &words("job get held 1")].concat());
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let said = "error: the Runner at https://127.0.0.1:";
    assert!(ended.stderr.starts_with(said), "{ended:?}");
    let hint = "; name its authority with --ca FILE, if it is one of your own\n";
    assert!(ended.stderr.ends_with(hint), "{ended:?}");
    let plain = url.replace("https", "http");
    let ended = far.cli(&["--server", &plain, "job", "get", "held", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said =
        "is not the API of a Runner: to GET /api/queues/held/jobs/1 it sent 400 with \"text/plain";
    assert!(ended.stderr.contains(said), "{ended:?}");
}

#[test]
fn a_server_is_reached_over_a_unix_socket() {
    let redis = Redis::shared();
    let setup = Setup::new(
        &redis,
        "[server]\nlisten = \"unix:api.sock\"\n[queues.held]\n",
    );
    let runner = setup.serve();
    runner.until_logged("the HTTP API listens");
    let far = Far {
        setup: Setup::new(&redis, "[queues]\n"),
        url: format!("unix:{}", setup.path("api.sock").display()),
    };
    assert_eq!(far.cli(&words(JOB)).code, Some(0));
    for line in [
        "job get held 1",
        "job list held",
        "job search * name:a",
        "queue list",
    ] {
        let (here, there) = (setup.cli(&words(line)), far.cli(&words(line)));
        assert_eq!(
            (there.code, there.stdout),
            (here.code, here.stdout),
            "{line}"
        );
    }
    std::fs::write(far.setup.path("jobs"), "{\"data\":1}\n").expect("a writable directory");
    let ended = far.cli(&words("add held a --from jobs"));
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "2\n"), "{ended:?}");
    assert_eq!(
        far.cli(&words("job wait held 2 --timeout 50ms")).code,
        Some(124)
    );
}

#[test]
fn who_asks_too_often_waits_until_there_is_room() {
    let redis = Redis::shared();
    let setup = served(
        &redis,
        "rate = { max = 2, duration = \"1s\" }\n[queues.held]\n",
    );
    let runner = setup.serve();
    let far = Far::to(&redis, &runner);
    for n in 1..=5 {
        let ended = far.cli(&words("add held a"));
        let seen = (ended.code, ended.stdout, ended.stderr);
        assert_eq!(seen, (Some(0), format!("{n}\n"), String::new()));
    }
}

/// A server that knows tokens.
fn guarded(redis: &Redis) -> (Runner, Far) {
    let runner = served(
        redis,
        &format!("{}[queues.held]\n[queues.my-own]\n", tokens()),
    );
    let runner = (runner.serve(), runner);
    let far = Far::to(redis, &runner.0);
    (runner.0, far)
}

/// Asked with the token of this name.
fn with(far: &Far, token: &str, line: &str) -> Ended {
    std::fs::write(far.setup.path("token"), secret(token)).expect("a writable directory");
    far.cli(&[&["--token", "file:token"][..], &words(line)].concat())
}

// Long because it is one table of refusals.
#[test]
fn who_may_not_is_told_so_by_every_command() {
    let redis = Redis::shared();
    let (_runner, far) = guarded(&redis);
    std::fs::write(far.setup.path("jobs"), "{\"data\":1}\n").expect("a writable directory");
    let url = far.url.clone();
    let reading = [
        "job get held 1",
        "job list held",
        "job logs held 1",
        "job wait held 1",
    ];
    let writing = [
        "add held a",
        "add held a {} --wait",
        "add held a --from jobs",
        "job rm held 1",
        "job cancel held --all --yes",
        "job edit held 1 --priority 1",
        "job duplicate held 1",
    ];
    let says = |ended: Ended, code: i32, text: &str| {
        let seen = (ended.code, ended.stdout.as_str(), ended.stderr.as_str());
        assert_eq!(seen, (Some(code), "", format!("error: {text}\n").as_str()));
    };
    let none = format!(
        "the Runner at {url} wants a token: give one with --token env:NAME, --token file:PATH or \
         RUNNER_TOKEN"
    );
    let wrong = format!("the Runner at {url} does not take the token: this token is not accepted");
    let old =
        format!("the Runner at {url} does not take the token: these credentials have expired");
    for line in reading.iter().chain(&writing) {
        says(far.cli(&words(line)), 4, &none);
        says(with(&far, "nobody", line), 4, &wrong);
        says(with(&far, "old", line), 4, &old);
        let foreign = format!(
            "the Runner at {url} refuses: the queue \"held\" is none of those of these credentials"
        );
        says(with(&far, "mine", line), 4, &foreign);
    }
    for line in writing {
        let low = format!("the Runner at {url} refuses: this needs the role operator");
        says(with(&far, "viewer", line), 4, &low);
    }
    // Not to be taken for warnings.
    says(far.cli(&["doctor"]), 2, &none);
    let ended = with(&far, "operator", "add held a");
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "1\n"), "{ended:?}");
    assert_eq!(with(&far, "viewer", "job get held 1").code, Some(0));
}

#[test]
fn doctor_says_of_a_server_what_it_says_beside_it() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"scripted\"\n[queues.held]\n";
    let setup = served(&redis, toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let far = Far::to(&redis, &runner);
    // Others use the same Redis meanwhile.
    let steady = |ended: Ended| {
        let lines = ended.stdout.lines().filter(|line| !line.contains("uses "));
        (
            ended.code,
            lines.collect::<Vec<_>>().join("\n"),
            ended.stderr,
        )
    };
    for line in [&["doctor"][..], &["doctor", "--json"]] {
        let (here, there) = (steady(setup.cli(line)), steady(far.cli(line)));
        assert_eq!(there, here);
        assert_eq!(there.0, Some(4), "{there:?}");
    }
    assert_eq!(setup.cli(&["queue", "pause", "held"]).code, Some(0));
    let told = far.cli(&["doctor"]).stdout;
    assert!(
        told.contains("  warning held flow: paused by operator since "),
        "{told}"
    );
}

#[test]
fn doctor_shows_what_the_token_may_see_and_ends_with_5_without_redis() {
    let mut redis = Redis::own();
    let (_runner, far) = guarded(&redis);
    let areas = |token: &str| {
        let report: Value =
            serde_json::from_str(&with(&far, token, "doctor --json").stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("a list").clone();
        let mut names: Vec<String> = checks
            .iter()
            .map(|check| match check["area"].as_str().expect("a text") {
                "queues" => check["name"].as_str().expect("a text").to_owned(),
                area => area.to_owned(),
            })
            .collect();
        names.dedup();
        (names, report["leftOut"].clone())
    };
    let parts =
        |queue: &str| ["flow", "execution", "liveness"].map(|part| format!("{queue} {part}"));
    let queues = [parts("held"), parts("my-own")].concat();
    let whole = [
        ["configuration", "system", "redis"]
            .map(str::to_owned)
            .to_vec(),
        queues.clone(),
    ]
    .concat();
    let left_out = serde_json::json!(["configuration", "system", "plugins", "redis"]);
    assert_eq!(areas("operator"), (whole, Value::Null));
    assert_eq!(areas("viewer"), (queues, left_out.clone()));
    assert_eq!(areas("mine"), (parts("my-own").to_vec(), left_out));
    let said = "these credentials do not show: configuration, system, plugins, redis; ask with \
                those of an operator for all queues\n";
    assert_eq!(with(&far, "viewer", "doctor").stderr, said);
    redis.kill();
    let ended = until("the report without Redis", || {
        let ended = with(&far, "viewer", "doctor");
        (ended.code == Some(5)).then_some(ended)
    });
    let start = format!(
        "redis\n  failing connection: Redis at 127.0.0.1:{} cannot be reached: ",
        redis.port()
    );
    assert!(ended.stdout.starts_with(&start), "{ended:?}");
}
