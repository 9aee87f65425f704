//! What is granted, and what a plugin is told that asks for something else.

use runner::config::{BlobStore, Login, Plugin};
use serde_json::json;

use super::{Moto, SECRET, answers, directory, granted, refused, sandbox};
use crate::support::sandbox::Sandbox;
use crate::support::{Redis, Setup, guest};

#[test]
fn a_store_that_is_not_granted_is_named_with_those_that_are() {
    let dir = tempfile::tempdir().unwrap();
    let none = sandbox([]);
    assert_eq!(
        refused(&none, json!(["get", "inbox", "a", {}])),
        "denied: plugin \"work\" is granted no object store: add \"inbox\" to \
         [plugins.work.blobs]"
    );
    let two = sandbox([
        ("inbox", directory(dir.path(), false)),
        ("results", directory(dir.path(), true)),
    ]);
    assert_eq!(
        refused(&two, json!(["get", "inbx", "a", {}])),
        "denied: store \"inbx\" is not granted to plugin \"work\": [plugins.work.blobs] has \
         \"inbox\", \"results\"; did you mean \"inbox\"?"
    );
    for call in [
        json!(["put", "inbox", "a", {}]),
        json!(["delete", "inbox", "a", {}]),
        json!(["upload", "inbox", "a", {}]),
        json!(["presign", "inbox", "a", { "access": "write" }]),
    ] {
        assert_eq!(
            refused(&two, call),
            "denied: store \"inbox\" is granted for reading only: `write = true` in its table \
             of queues.toml grants writing"
        );
    }
}

#[test]
fn another_grant_holds_for_the_next_job() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = sandbox([("docs", directory(dir.path(), false))]);
    let put = json!(["put", "docs", "a", { "text": "x" }]);
    assert!(refused(&sandbox, put.clone()).starts_with("denied: "));
    sandbox.regrant(granted([("docs", directory(dir.path(), true))]));
    let got = answers(&sandbox, json!([put, ["get", "docs", "a", {}]]));
    assert_eq!(got[1]["content"], "x");
    sandbox.regrant(granted([]));
    let gone = refused(&sandbox, json!(["get", "docs", "a", {}]));
    assert!(gone.contains("is granted no object store"), "{gone}");
}

#[test]
fn an_endpoint_that_is_not_public_must_be_allowed() {
    let store = Moto::shared().store("any", "");
    let at = |endpoint: &str| {
        let store = BlobStore {
            endpoint: Some(endpoint.to_owned()),
            ..store.clone()
        };
        let grants = Plugin {
            http_networks: Vec::new(),
            ..granted([("docs", store)])
        };
        let sandbox = Sandbox::granted(&guest("blobs"), grants);
        refused(&sandbox, json!(["get", "docs", "a", {}]))
    };
    let local = at(&Moto::shared().url);
    assert_eq!(
        local,
        "denied: host \"127.0.0.1\" has the address 127.0.0.1 (loopback), which is not public: \
         add \"127.0.0.1/32\" to [plugins.work] http_networks if it is meant"
    );
    for metadata in ["http://169.254.169.254", "http://[fd00:ec2::254]"] {
        let text = at(metadata);
        assert!(text.starts_with("denied: host "), "{text}");
        assert!(text.contains("which is not public"), "{text}");
    }
    let name = at("http://localhost:1");
    assert!(
        name.starts_with("denied: host \"localhost\" has the address"),
        "{name}"
    );
}

#[test]
fn an_anonymous_store_asks_nobody_for_keys() {
    let moto = Moto::shared();
    let bucket = moto.bucket();
    moto.ask("PUT", &format!("/{bucket}/a"), "public");
    let store = BlobStore {
        login: Login::None,
        anonymous: true,
        ..moto.store(&bucket, "")
    };
    let sandbox = sandbox([("docs", store)]);
    let got = answers(&sandbox, json!([["get", "docs", "a", {}]]));
    assert_eq!(got[0]["content"], "public");
    assert_eq!(
        refused(&sandbox, json!(["presign", "docs", "a", {}])),
        "invalid: store \"docs\" has no keys to sign URLs with"
    );
}

#[test]
fn grants_are_checked_explained_and_used_by_run() {
    let redis = Redis::shared();
    let toml = "[queues.docs]\nplugin = \"docs\"\n[plugins.docs.blobs]\ninbox = \"in\"\n";
    let setup = Setup::new(&redis, toml)
        .plugin("docs", &guest("blobs"))
        .env("KEY", SECRET);
    std::fs::create_dir(setup.path("in")).unwrap();
    std::fs::write(setup.path("in/a"), "text").unwrap();
    let data = json!({ "calls": [["get", "inbox", "a", {}]] }).to_string();
    let run = ["run", "docs", &data];
    let ran = setup.cli(&run);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("\"content\":\"text\""), "{ran:?}");
    let more = "[plugins.docs.blobs.results]\nurl = \"s3://results/2026/\"\nwrite = true\n\
                endpoint = \"https://minio.example.com/\"\naccess_key = \"env:KEY\"\n\
                secret_key = \"env:KEY\"\n";
    setup.write(&crate::support::runner::with_redis(
        &redis,
        &format!("{toml}{more}"),
    ));
    let explained = setup.cli(&["explain", "docs"]);
    assert!(
        explained.stdout.contains(
            "  blobs    inbox = in, read-only\n  blobs    results = s3://results/2026 at \
             https://minio.example.com, to read and write\n"
        ),
        "{explained:?}"
    );
    let inspected = setup.cli(&["plugin", "inspect", "docs"]);
    assert!(
        inspected
            .stdout
            .contains("results is s3://results/2026 at https://minio.example.com"),
        "{inspected:?}"
    );
    for shown in [ran, explained, inspected] {
        assert!(!shown.stdout.contains(SECRET) && !shown.stderr.contains(SECRET));
    }
}

#[test]
fn dev_has_a_directory_in_the_place_of_a_store_that_is_not_there() {
    let redis = Redis::shared();
    let toml = "[queues.docs]\nplugin = \"docs\"\n[plugins.docs.blobs]\n\
                inbox = { url = \"s3://inbox\", access_key = \"env:NO_KEY\", \
                secret_key = \"env:NO_KEY\", write = true }\n";
    let setup = Setup::new(&redis, toml).plugin("docs", &guest("blobs"));
    let check = setup.cli(&["check"]);
    assert!(
        check.stderr.contains(
            "`plugins.docs.blobs.inbox.access_key` needs the environment variable NO_KEY, which \
             is unset or empty"
        ),
        "{check:?}"
    );
    let runner = setup.spawn(&["dev", "--redis", &redis.url(), "--listen", "127.0.0.1:0"]);
    let said = runner.until_logged("stands in");
    assert!(
        said.contains(
            "the directory data/blobs/docs/inbox stands in for `plugins.docs.blobs.inbox`"
        ),
        "{said}"
    );
    runner.until_ready();
    let calls = json!({ "calls": [["put", "inbox", "a/b", { "text": "mine" }]] });
    let id = redis.add("docs", "calls", calls.to_string(), "{}");
    assert_eq!(redis.until_ended("docs", &id), "completed");
    let written = std::fs::read(setup.path("data/blobs/docs/inbox/a/b")).unwrap();
    assert_eq!(written, b"mine");
}
