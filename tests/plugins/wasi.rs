//! What of WASI a component can import, and what it is told when it imports more.

use std::collections::BTreeSet;
use std::time::Duration;

use runner::config::{Plugin, Secret};
use runner::host::wasi::offered::{PACKAGES, drafts, offers};
use runner::outcome::Outcome;
use serde_json::{Value, json};
use wasmtime::component::Component;

use crate::support::guest;
use crate::support::sandbox::{NAME, Sandbox, config, host, job, plugins, timeout};

macro_rules! create {
    ($name:literal) => {
        concat!(
            r#"(type $f (enum "ipv4" "ipv6")) (export "ip-address-family" (type $family (eq $f)))
            (type $c (enum "unknown" "access-denied" "not-supported" "invalid-argument"
              "out-of-memory" "timeout" "concurrency-conflict" "not-in-progress" "would-block"
              "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use"
              "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
              "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
              "permanent-resolver-failure"))
            (export "error-code" (type $code (eq $c)))
            (export ""#,
            $name,
            r#"" (func (param "address-family" $family) (result (result (own $r) (error $code)))))"#
        )
    };
}
const CREATE_TCP: &str = create!("create-tcp-socket");
const CREATE_UDP: &str = create!("create-udp-socket");

/// Of each interface one thing, in the text format: a resource, or a function. It may
/// name a resource of another interface, which is `$r` then.
const INTERFACES: &[(&str, &str, &str)] = &[
    (
        "cli/environment",
        "",
        r#"(export "get-arguments" (func (result (list string))))"#,
    ),
    (
        "cli/exit",
        "",
        r#"(export "exit" (func (param "status" (result))))"#,
    ),
    (
        "cli/stdin",
        "io/streams input-stream",
        r#"(export "get-stdin" (func (result (own $r))))"#,
    ),
    (
        "cli/stdout",
        "io/streams output-stream",
        r#"(export "get-stdout" (func (result (own $r))))"#,
    ),
    (
        "cli/stderr",
        "io/streams output-stream",
        r#"(export "get-stderr" (func (result (own $r))))"#,
    ),
    (
        "cli/terminal-input",
        "",
        r#"(export "terminal-input" (type (sub resource)))"#,
    ),
    (
        "cli/terminal-output",
        "",
        r#"(export "terminal-output" (type (sub resource)))"#,
    ),
    (
        "cli/terminal-stdin",
        "cli/terminal-input terminal-input",
        r#"(export "get-terminal-stdin" (func (result (option (own $r)))))"#,
    ),
    (
        "cli/terminal-stdout",
        "cli/terminal-output terminal-output",
        r#"(export "get-terminal-stdout" (func (result (option (own $r)))))"#,
    ),
    (
        "cli/terminal-stderr",
        "cli/terminal-output terminal-output",
        r#"(export "get-terminal-stderr" (func (result (option (own $r)))))"#,
    ),
    (
        "clocks/monotonic-clock",
        "",
        r#"(export "now" (func (result u64)))"#,
    ),
    (
        "clocks/wall-clock",
        "",
        r#"(type $t (record (field "seconds" u64) (field "nanoseconds" u32)))
           (export "datetime" (type $d (eq $t)))
           (export "now" (func (result $d)))"#,
    ),
    (
        "filesystem/types",
        "",
        r#"(export "descriptor" (type (sub resource)))"#,
    ),
    (
        "filesystem/preopens",
        "filesystem/types descriptor",
        r#"(export "get-directories" (func (result (list (tuple (own $r) string)))))"#,
    ),
    (
        "http/types",
        "",
        r#"(export "outgoing-request" (type (sub resource)))"#,
    ),
    ("io/error", "", r#"(export "error" (type (sub resource)))"#),
    (
        "io/poll",
        "",
        r#"(export "pollable" (type (sub resource)))"#,
    ),
    (
        "io/streams",
        "",
        r#"(export "input-stream" (type (sub resource)))"#,
    ),
    (
        "random/random",
        "",
        r#"(export "get-random-u64" (func (result u64)))"#,
    ),
    (
        "random/insecure",
        "",
        r#"(export "get-insecure-random-u64" (func (result u64)))"#,
    ),
    (
        "random/insecure-seed",
        "",
        r#"(export "insecure-seed" (func (result (tuple u64 u64))))"#,
    ),
    (
        "sockets/network",
        "",
        r#"(export "network" (type (sub resource)))"#,
    ),
    (
        "sockets/instance-network",
        "sockets/network network",
        r#"(export "instance-network" (func (result (own $r))))"#,
    ),
    (
        "sockets/ip-name-lookup",
        "",
        r#"(export "resolve-address-stream" (type (sub resource)))"#,
    ),
    (
        "sockets/tcp",
        "",
        r#"(export "tcp-socket" (type (sub resource)))"#,
    ),
    (
        "sockets/udp",
        "",
        r#"(export "udp-socket" (type (sub resource)))"#,
    ),
    (
        "sockets/tcp-create-socket",
        "sockets/tcp tcp-socket",
        CREATE_TCP,
    ),
    (
        "sockets/udp-create-socket",
        "sockets/udp udp-socket",
        CREATE_UDP,
    ),
];

/// A component that imports this of an interface in this version.
fn importing(interface: &str, uses: &str, what: &str, version: &str) -> String {
    let Some((from, resource)) = uses.split_once(' ') else {
        return format!("(component (import \"wasi:{interface}@{version}\" (instance {what})))");
    };
    format!(
        "(component
            (import \"wasi:{from}@{version}\"
                (instance $from (export \"{resource}\" (type (sub resource)))))
            (alias export $from \"{resource}\" (type $of))
            (import \"wasi:{interface}@{version}\" (instance
                (alias outer 1 $of (type $o))
                (export \"{resource}\" (type $r (eq $o)))
                {what})))"
    )
}

/// A component of this text finds all that it imports.
#[track_caller]
fn links(text: &str) {
    let host = host();
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let component = Component::new(host.engine(), bytes).unwrap();
    if let Err(error) = host.linker().instantiate_pre(&component) {
        panic!("{error:#}\n{text}");
    }
}

#[test]
fn every_interface_of_every_version_of_wasi_0_2_is_linked() {
    for patch in 0..=12 {
        for (interface, uses, what) in INTERFACES {
            links(&importing(interface, uses, what, &format!("0.2.{patch}")));
        }
    }
    // The guest `fetches` sends requests, and one of each import of Runner's own API is
    // called by `tests/plugins/compatible.rs`.
    let proved = INTERFACES
        .iter()
        .map(|(interface, ..)| format!("wasi:{interface}"));
    let proved: BTreeSet<String> = proved
        .chain(["wasi:http/outgoing-handler".to_owned()])
        .collect();
    let wasi = PACKAGES.iter().filter(|of| of.name.starts_with("wasi:"));
    let named = wasi.flat_map(|package| {
        let name = |of| format!("{}/{of}", package.name);
        package.interfaces.iter().map(name)
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), proved);
}

/// The plugin that speaks as others do, with a setting and a secret.
fn public() -> Sandbox {
    let granted = Plugin {
        config: [("word".to_owned(), "old".to_owned())].into(),
        secrets: [("TOKEN".to_owned(), Secret("t0ken".into()))].into(),
        ..Plugin::default()
    };
    Sandbox::granted(&guest("public"), granted)
}

fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Completed(value) => serde_json::from_str(&value).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// wit-component raises all imports of an interface to the newest; components that are
/// linked into one keep theirs.
#[test]
fn one_component_may_import_several_versions() {
    let imports = ["0.2.0", "0.2.3", "0.2.12", "0.2.40"].map(|version| {
        format!(
            "(import \"wasi:random/random@{version}\" (instance
                (export \"get-random-u64\" (func (result u64)))))"
        )
    });
    links(&format!("(component {})", imports.concat()));
}

#[test]
fn lines_of_wasi_logging_are_log_lines_with_their_context() {
    let sandbox = public();
    let running = sandbox.start(job("log", "null"), timeout(Duration::from_secs(30)));
    assert_eq!(running.outcome(), Outcome::Completed("null".into()));
    assert_eq!(
        running.logs(),
        [
            "TRACE no context",
            "DEBUG at debug context=a",
            "INFO at info context=a",
            "WARN at warn context=a",
            "ERROR at error context=a",
            "ERROR [redacted] at critical context=a b level=critical",
        ]
    );
}

#[test]
fn wasi_config_has_settings_and_by_their_names_the_secrets_that_are_granted() {
    let sandbox = public();
    let get = |key: &str| value(sandbox.run("config", &json!(key).to_string()));
    let settings = json!([["word", "old"]]);
    assert_eq!(
        get("word"),
        json!({ "one": ["old", "old", "old"], "all": [settings, settings, settings] })
    );
    // It is granted, and it is redacted in what comes out.
    assert_eq!(
        get("TOKEN")["one"],
        json!(["[redacted]", "[redacted]", "[redacted]"])
    );
    assert_eq!(get("OTHER")["one"], json!([null, null, null]));
}

/// Why a component that has this import does not serve.
fn refusal(import: &str) -> String {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("work.wasm");
    std::fs::write(
        &file,
        wat::parse_str(format!("(component {import})")).unwrap(),
    )
    .unwrap();
    let plugins = plugins(host(), directory.path());
    plugins.configure(&config(
        directory.path(),
        [Plugin {
            name: NAME.into(),
            file,
            ..Plugin::default()
        }],
    ));
    let status = plugins.list().pop().unwrap();
    status.refusal.unwrap().to_string()
}

#[test]
fn what_is_not_offered_is_named_with_its_nearest_relative() {
    let refused = |import: &str| {
        refusal(&format!(
            "(import {import:?} (instance (export \"of\" (func))))"
        ))
    };
    for (import, nearest) in [
        (
            "wasi:keyvalue/store@0.2.0-draft",
            "nearest here: \"runner:plugin/kv@0.1.0\" keeps values that outlive the job",
        ),
        (
            "wasi:clocks/monotonic-clock@0.3.0",
            "this Runner has version 0.2.12: build it for WASI 0.2",
        ),
        (
            "wasi:logging/logging@0.2.0",
            "this Runner has version 0.1.0-draft: build it with a toolchain of that version",
        ),
        (
            "runner:plugin/queue@0.2.0",
            "this Runner has version 0.1.0: build it with the SDK of this Runner, or run a newer \
             one",
        ),
        (
            "runner:plugin/htpp@0.1.0",
            "did you mean \"runner:plugin/http@0.1.0\"?",
        ),
    ] {
        assert_eq!(
            refused(import),
            format!("it imports {import:?}, which is not offered; {nearest}")
        );
        assert!(!offers(import));
    }
    assert_eq!(
        refused("runner:plugin/queue@0.1.3"),
        "it imports \"of\" of \"runner:plugin/queue@0.1.3\", which this Runner does not have; a \
         newer one may"
    );
    let other = "(import \"wasi:random/random@0.2.3\" (instance
        (export \"get-random-u64\" (func (result u32)))))";
    assert_eq!(
        refusal(other),
        "its imports do not fit this host: \"get-random-u64\" of \"wasi:random/random@0.2.3\": \
         expected `u64` found `u32`; rebuild it with this version's runner-sdk or wit/runner"
    );
}

/// The page has a row for each package, with all of its interfaces.
#[test]
fn the_page_about_wasi_lists_what_is_offered() {
    let page = include_str!("../../docs/wasi.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let offered = rows.filter(|row| row.split('|').count() == 6);
    let shown: BTreeSet<String> = offered
        .map(|row| row.split('|').take(4).collect::<Vec<_>>().join("|"))
        .collect();
    let row = |name: &str, interfaces: &[&str], versions: &str| {
        let interfaces: Vec<String> = interfaces.iter().map(|of| format!("`{of}`")).collect();
        format!("| `{name}` | {versions} | {} ", interfaces.join(", "))
    };
    let wasi = PACKAGES.iter().map(|package| {
        let versions = match package.name {
            "runner:plugin" => "0.1.0",
            _ => "0.2.0 to 0.2.12",
        };
        row(package.name, package.interfaces, versions)
    });
    let drafts = drafts().map(|draft| {
        let (name, version) = draft.split_once('@').unwrap_or((draft, "none"));
        let (package, interface) = name.split_once('/').unwrap();
        row(package, &[interface], version)
    });
    assert_eq!(shown, wasi.chain(drafts).collect::<BTreeSet<String>>());
}
