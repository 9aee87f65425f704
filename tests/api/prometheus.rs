//! A real Prometheus scrapes a real Runner: the three alerts of `deploy/prometheus` fire
//! and clear.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::served;
use crate::support::process::Process;
use crate::support::redis::free_port;
use crate::support::{Api, Redis, guest, until};

/// The rules as they are shipped, in the time of a test.
fn rules() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus/alerts.yml");
    let rules = std::fs::read_to_string(file).unwrap();
    let quick = rules
        .replace("for: 5m", "for: 1s")
        .replace("for: 1m", "for: 1s")
        .replace("[1m]", "[5s]");
    assert_eq!(quick.matches("for: 1s").count(), 3, "{rules}");
    quick
}

/// The alerts about these queues that fire.
fn firing(prometheus: &Api) -> Vec<String> {
    let answer = prometheus.get("/api/v1/alerts");
    let alerts = answer.body["data"]["alerts"].as_array().cloned();
    let alerts = alerts.unwrap_or_default().into_iter();
    let fires =
        |alert: &Value| alert["state"] == "firing" && alert["labels"]["queue"] == "scripted";
    let mut names: Vec<String> = alerts
        .filter(fires)
        .map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn until_firing(prometheus: &Api, names: &[&str]) {
    until(&format!("alerts {names:?}"), || {
        (firing(prometheus) == names).then_some(())
    });
}

#[test]
fn the_three_alerts_fire_and_clear() {
    let redis = Redis::shared();
    let setup = served(
        &redis,
        "[queues.scripted]\nplugin = \"scripted\"\ndead_letter = \"dead\"\n[queues.dead]\n",
    );
    let runner = setup.spawn(&["serve"]);
    let api = runner.api();
    let port = free_port();
    std::fs::write(setup.path("alerts.yml"), rules()).unwrap();
    std::fs::write(
        setup.path("prometheus.yml"),
        format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
             rule_files: [alerts.yml]\n\
             scrape_configs:\n  - job_name: happy-bday-app\n    static_configs:\n      \
             - targets: ['{}']\n",
            api.address()
        ),
    )
    .unwrap();
    let mut prometheus = Command::new("prometheus");
    prometheus
        .current_dir(setup.path(""))
        .args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=prometheus",
        ])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let _process = Process::spawn(&mut prometheus);
    let prometheus = Api::at(&format!("127.0.0.1:{port}"));
    let ready = || prometheus.request("GET", "/-/ready").send();
    until("prometheus", || {
        ready().ok().filter(|it| it.status() == 200)
    });

    // The plugin is not there yet.
    until_firing(&prometheus, &["ConsumerDown"]);
    for _ in 0..1001 {
        redis.add("scripted", "work", "{\"reject\":\"no\"}", "{}");
    }
    until_firing(&prometheus, &["ConsumerDown", "QueueDepthHigh"]);
    setup.install("scripted", &guest("scripted"));
    until_firing(&prometheus, &["DLQGrowing"]);
    until_firing(&prometheus, &[]);
}
