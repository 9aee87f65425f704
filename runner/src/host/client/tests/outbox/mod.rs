//! The outbox as plugins meet it, through a grant, and as people read it.

#![allow(clippy::unwrap_used, reason = "tests fail fast")]

mod record;
mod replies;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};
use tempfile::TempDir;
use tokio::runtime::Handle;
use url::Url;

use crate::config::{Origin, Plugin, Secret};
use crate::host::client::{Caller, Error as HttpError, Grant, Http, Request, Response, Room};
use crate::outbox::*;
use crate::redact::Redactor;

/// An outbox in a directory of its own, and a plugin that may call everyone.
struct Desk {
    directory: TempDir,
    grant: Grant,
}

/// A secret URL, not as a URL parser writes it.
const HOOK: &str = "https://API.example.com:443/hooks/./TEAM/a%20b\"c";

const HOSTS: [&str; 12] = [
    "graph.facebook.com",
    "api.resend.com",
    "api.twilio.com",
    "hooks.slack.com",
    "slack.com",
    "oauth2.googleapis.com",
    "fcm.googleapis.com",
    "exp.host",
    "api.sendgrid.com",
    "api.openai.com",
    "api.example.com",
    "other.example.com",
];

impl Desk {
    fn new(rules: &str) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join(RULES), rules).unwrap();
        let outbox = open(&directory).unwrap();
        let mut plugin = Plugin {
            name: "otp-sender".into(),
            http: HOSTS
                .map(|host| Origin {
                    scheme: "https".into(),
                    host: host.into(),
                    port: 443,
                })
                .into(),
            ..Plugin::default()
        };
        for (name, value) in [("KEY", "s3cret"), ("HOOK", HOOK)] {
            plugin.secrets.insert(name.into(), Secret(value.into()));
        }
        let http = Http::new(Handle::current()).with_outbox(Arc::new(outbox));
        Desk {
            grant: http.grant(&plugin),
            directory,
        }
    }

    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.send_for("otp-queue", "7", request).await
    }

    async fn send_for(
        &self,
        queue: &str,
        job: &str,
        request: Request,
    ) -> Result<Response, HttpError> {
        let caller = Caller {
            queue: queue.into(),
            job: job.into(),
            deadline: Instant::now() + Duration::from_secs(10),
            request_id: Some("req-1".into()),
            nth: 1,
            trace: None,
            room: Room::default(),
            cost: Arc::default(),
        };
        self.grant.send(&caller, request).await
    }

    async fn json(&self, url: &str, body: &str) -> serde_json::Value {
        let response = self.send(post(url, body)).await.unwrap();
        serde_json::from_slice(&response.body)
            .unwrap_or_else(|error| panic!("{url}: {error}: {}", text(&response)))
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("data").join(FILE)
    }

    fn entries(&self, filter: Filter) -> Vec<Entry> {
        read(&self.file(), &filter).unwrap()
    }
}

fn open(directory: &TempDir) -> Result<Outbox, Error> {
    Outbox::new(&directory.path().join("data"), directory.path().join(RULES))
}

fn post(url: &str, body: &str) -> Request {
    Request {
        method: "POST".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Some(body.into()),
        timeout: None,
        redirects: 0,
        idempotent: false,
    }
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}
