//! Jobs that are added over HTTP, in lists, in flows, or run at once.

mod adding;
mod flows;
mod ids;
mod invoked;
mod lists;
mod refused;

use serde_json::{Value, json};

use super::served;
use crate::support::api::{Answer, Api, answer};
use crate::support::{Redis, Runner, Setup, guest};

const DOCUMENT: &str = r#"{"documentId":"d-1","userId":"u-1","filename":"document.pdf","mimeType":"application/pdf","fileSize":1024000}"#;

/// The sample queues of documents, which nobody consumes, and a few others.
fn toml() -> String {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    format!(
        "[runtime]\ncontracts = {wit:?}\n\
         [queues.document-processing]\ncontract = \"docs:jobs/document-processing\"\n\
         [queues.notifications]\ncontract = \"docs:jobs/notifications\"\n\
         default_job = \"send-notification\"\n\
         [queues.compliance-analysis]\ncontract = \"docs:jobs/compliance-analysis\"\n\
         [queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n\
         [queues.free]\ndefault_job = \"work\"\n\
         [queues.scripted]\nplugin = \"scripted\"\n"
    )
}

struct Served {
    redis: Redis,
    _setup: Setup,
    _runner: Runner,
    api: Api,
}

fn serve() -> Served {
    serve_on(Redis::shared())
}

fn serve_on(redis: Redis) -> Served {
    let setup = served(&redis, &toml()).plugin("scripted", &guest("scripted"));
    let runner = setup.serve();
    let api = runner.api();
    Served {
        redis,
        _setup: setup,
        _runner: runner,
        api,
    }
}

impl Served {
    /// POST of this text as JSON.
    fn send(&self, path: &str, body: &str) -> Answer {
        let request = self.api.request("POST", path);
        answer(
            request
                .header("Content-Type", "application/json")
                .body(body.to_owned()),
        )
    }

    /// The text of a problem, with its status and place.
    #[track_caller]
    fn refuses(&self, path: &str, body: &str, status: u16, detail: &str, pointer: Option<&str>) {
        let answer = self.send(path, body);
        let pointer = pointer.map_or(Value::Null, Value::from);
        assert_eq!(
            (
                answer.status,
                &answer.body["detail"],
                &answer.body["pointer"]
            ),
            (status, &json!(detail), &pointer),
            "{path} {body}: {}",
            answer.body
        );
    }
}
