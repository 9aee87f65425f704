//! Object stores, as a guest meets them: directories, and S3 by moto, which speaks it.
//! The finer points of a directory are tested beside it, in `runner/blobs`.

mod directory;
mod granted;
mod large;
mod s3;
mod stopped;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use runner::config::{BlobStore, Cloud, Login, Place, Plugin, Secret};
use runner::outcome::Outcome;
use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::redis::free_port;
use crate::support::sandbox::Sandbox;
use crate::support::{Api, guest, tool, until};

/// A secret that must not be seen anywhere.
const SECRET: &str = "hunter2-the-secret-key";

/// A server that speaks S3.
struct Moto {
    _process: Process,
    url: String,
}

impl Moto {
    fn start() -> Moto {
        Api::prepare();
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let process = Process::spawn(
            Command::new(tool("moto_server"))
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let moto = Moto {
            _process: process,
            url,
        };
        until("moto to answer", || {
            let asked = reqwest::blocking::get(format!("{}/moto-api/data.json", moto.url));
            asked.ok().filter(|answer| answer.status().is_success())
        });
        moto
    }

    /// That of all tests, which goes with the process.
    fn shared() -> &'static Moto {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(Moto::start)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let client = reqwest::blocking::Client::new();
        let method = method.parse().unwrap();
        let request = client.request(method, format!("{}{path}", self.url));
        // What is put here anybody may read.
        let request = request.header("x-amz-acl", "public-read");
        let answer = request.body(body.to_owned()).send().unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status}");
        answer.text().unwrap()
    }

    /// A new bucket, by its name.
    fn bucket(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.ask("PUT", &format!("/{name}"), "");
        name
    }

    /// Uploads that were begun and neither finished nor given up.
    fn uploads(&self, bucket: &str) -> usize {
        let answer = self.ask("GET", &format!("/{bucket}?uploads"), "");
        answer.matches("<UploadId>").count()
    }

    /// The store of a bucket there.
    fn store(&self, bucket: &str, prefix: &str) -> BlobStore {
        BlobStore {
            place: Place::Bucket {
                cloud: Cloud::S3,
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            },
            write: true,
            endpoint: Some(self.url.clone()),
            login: Login::Keys {
                access: Secret("AKIAEXAMPLE".to_owned()),
                secret: Secret(SECRET.to_owned()),
                session: None,
            },
            ..BlobStore::default()
        }
    }
}

/// The store of a directory.
fn directory(path: &Path, write: bool) -> BlobStore {
    BlobStore {
        place: Place::Directory {
            path: path.to_owned(),
            stands_in: false,
        },
        write,
        ..BlobStore::default()
    }
}

/// What a plugin with these stores is granted; they may be on this machine.
fn granted<const N: usize>(stores: [(&str, BlobStore); N]) -> Plugin {
    let stores = stores.map(|(name, store)| (name.to_owned(), store));
    Plugin {
        blobs: stores.into(),
        http_networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..Plugin::default()
    }
}

fn sandbox<const N: usize>(stores: [(&str, BlobStore); N]) -> Sandbox {
    Sandbox::granted(&guest("blobs"), granted(stores))
}

/// The answers to these calls.
#[track_caller]
fn answers(sandbox: &Sandbox, calls: Value) -> Vec<Value> {
    match sandbox.run("calls", &json!({ "calls": calls }).to_string()) {
        Outcome::Completed(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Why this call was refused, as `denied: …`.
#[track_caller]
fn refused(sandbox: &Sandbox, call: Value) -> String {
    let answers = answers(sandbox, json!([call]));
    let answer = &answers[0];
    assert!(answer["why"].is_string(), "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    format!("{}: {}", text("why"), text("error"))
}
