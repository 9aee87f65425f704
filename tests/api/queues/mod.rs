//! Queues and their jobs: what is told of them, what is done to them, what is refused.

mod bulk;
mod one;
mod pages;
mod whole;

use serde_json::{Value, json};

use super::served;
use crate::support::api::{Answer, Api, answer};
use crate::support::{Redis, Runner, Setup, guest};

/// A server; the queue `q` is one that only Redis knows, `held` has a worker.
struct Served {
    redis: Redis,
    setup: Setup,
    _runner: Runner,
    api: Api,
}

fn serve() -> Served {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let toml = format!(
        "[runtime]\ncontracts = {wit:?}\n\
         [queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n\
         [queues.held]\nplugin = \"scripted\"\n"
    );
    let redis = Redis::shared();
    let setup = served(&redis, &toml).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    Served {
        redis,
        setup,
        _runner: runner,
        api,
    }
}

impl Served {
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        answer(self.api.request(method, path).json(body))
    }

    fn call(&self, method: &str, path: &str) -> Answer {
        answer(self.api.request(method, path))
    }
}

/// The answer is this problem.
#[track_caller]
fn refuses(answer: &Answer, status: u16, kind: &str, detail: &str) {
    let said = (answer.status, &answer.body["type"], &answer.body["detail"]);
    let kind = json!(format!("/problems/{kind}"));
    assert_eq!(said, (status, &kind, &json!(detail)));
}
