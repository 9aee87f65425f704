//! Plugins are binaries in other people's hands: what the host API had when it was
//! released, it has for ever. `tests/guests/wit-0.1.0` is the API of 0.1.0.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use wit_parser::{Handle, Resolve, Type, TypeDefKind, TypeId, WorldItem};

use crate::support::{Redis, Setup, guest, until};

/// A part of an API, such as `queue: add`, and how it is written without its docs.
type Api = BTreeMap<String, String>;

/// The API in the files of a directory.
fn api(directory: &Path) -> Api {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(directory).unwrap();
    let package = &resolve.packages[package];
    let mut api = Api::new();
    for (name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        for (of, id) in &interface.types {
            api.insert(format!("{name}: {of}"), definition(&resolve, *id));
        }
        for (of, function) in &interface.functions {
            let parameters = function.params.iter();
            let parameters: Vec<String> = parameters
                .map(|of| format!("{}: {}", of.name, ty(&resolve, &of.ty)))
                .collect();
            let result = function.result.as_ref();
            let result = result.map(|of| format!(" -> {}", ty(&resolve, of)));
            api.insert(
                format!("{name}: {of}"),
                format!(
                    "func({}){}",
                    parameters.join(", "),
                    result.unwrap_or_default()
                ),
            );
        }
    }
    for (name, id) in &package.worlds {
        let exports = resolve.worlds[*id].exports.values();
        let exports: Vec<&str> = exports
            .filter_map(|of| match of {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref(),
                _ => None,
            })
            .collect();
        api.insert(
            format!("world {name}"),
            format!("exports {}", exports.join(", ")),
        );
    }
    api
}

fn definition(resolve: &Resolve, id: TypeId) -> String {
    let list = |of: Vec<String>| of.join(", ");
    let case = |name: &str, of: &Option<Type>| match of {
        Some(of) => format!("{name}({})", ty(resolve, of)),
        None => name.to_owned(),
    };
    let or = |of: &Option<Type>| of.as_ref().map_or("_".to_owned(), |of| ty(resolve, of));
    match &resolve.types[id].kind {
        TypeDefKind::Record(of) => {
            let fields = of.fields.iter();
            let fields = fields.map(|of| format!("{}: {}", of.name, ty(resolve, &of.ty)));
            format!("record {{ {} }}", list(fields.collect()))
        }
        TypeDefKind::Variant(of) => {
            let cases = of.cases.iter().map(|of| case(&of.name, &of.ty));
            format!("variant {{ {} }}", list(cases.collect()))
        }
        TypeDefKind::Enum(of) => {
            let cases = of.cases.iter().map(|of| of.name.clone());
            format!("enum {{ {} }}", list(cases.collect()))
        }
        TypeDefKind::Tuple(of) => {
            let types = of.types.iter().map(|of| ty(resolve, of));
            format!("tuple<{}>", list(types.collect()))
        }
        TypeDefKind::Option(of) => format!("option<{}>", ty(resolve, of)),
        TypeDefKind::List(of) => format!("list<{}>", ty(resolve, of)),
        TypeDefKind::Result(of) => format!("result<{}, {}>", or(&of.ok), or(&of.err)),
        TypeDefKind::Type(of) => ty(resolve, of),
        TypeDefKind::Resource => "resource".to_owned(),
        TypeDefKind::Handle(Handle::Own(of) | Handle::Borrow(of)) => ty(resolve, &Type::Id(*of)),
        other => panic!("the API of 0.1.0 has no {}", other.as_str()),
    }
}

fn ty(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => match &resolve.types[*id].name {
            Some(name) => name.clone(),
            None => definition(resolve, *id),
        },
        simple => format!("{simple:?}").to_lowercase(),
    }
}

/// What of a released API is no longer as it was.
fn changes(released: &Api, now: &Api) -> Vec<String> {
    let changed = released
        .iter()
        .filter_map(|(part, was)| match now.get(part) {
            Some(is) if is == was => None,
            Some(is) => Some(format!("{part} was `{was}` and is `{is}`")),
            None => Some(format!("{part} was `{was}` and is gone")),
        });
    changed.collect()
}

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/wit-0.1.0")
}

#[test]
fn the_host_api_only_grows() {
    let now = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/runner");
    let changes = changes(&api(&released()), &api(&now));
    assert!(
        changes.is_empty(),
        "plugins that were built for 0.1.0 would no longer load; leave as it is what was \
         released, and add beside it:\n{}",
        changes.join("\n")
    );
}

#[test]
fn a_change_of_what_was_released_is_named() {
    let directory = TempDir::new().unwrap();
    for file in std::fs::read_dir(released()).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = text
            .replace("    wait-children,", "    wait-children,\n    wait-signal,")
            .replace("percent: f64", "percent: f32")
            .replace("put: func(step", "record-step: func(step")
            .replace(
                "    started-at: u64,",
                "    started-at: u64,\n    lane: string,",
            );
        std::fs::write(directory.path().join(file.file_name()), text).unwrap();
    }
    let failure = "retry(string), retry-after(tuple<u64, string>), reject(string), \
                   snooze(tuple<u64, string>), wait-children, ";
    let job = "record { id: string, queue: string, name: string, data: json, attempt: u32, \
               max-attempts: u32, added-at: u64, started-at: u64, ";
    let rest = "priority: u32, delay: u64, request-id: option<string>, parent: option<parent> }";
    assert_eq!(
        changes(&api(&released()), &api(directory.path())),
        [
            "checkpoint: put was `func(step: string, value: json) -> result<_, string>` and is gone"
                .to_owned(),
            format!("job: job was `{job}{rest}` and is `{job}lane: string, {rest}`"),
            format!(
                "outcome: failure was `variant {{ {failure}rate-limit(tuple<u64, string>) }}` and \
                 is `variant {{ {failure}wait-signal, rate-limit(tuple<u64, string>) }}`"
            ),
            "progress: set was `func(percent: f64, message: option<string>)` and is \
             `func(percent: f32, message: option<string>)`"
                .to_owned(),
        ]
    );
}

// Long because the job calls every import, and each answer is looked at.
#[test]
fn a_plugin_built_for_the_released_api_gets_all_of_it() {
    let redis = Redis::shared();
    let toml = "[queues.work]\nplugin = \"released\"\n[queues.other]\n\
                [plugins.released]\nconfig = { word = \"old\" }\nsecrets = { TOKEN = \"env:TOKEN\" }\n";
    let setup = Setup::new(&redis, toml)
        .plugin("released", &guest("released"))
        .env("TOKEN", "t0ken");
    let _runner = setup.serve();
    let run = |name: &str| {
        let id = redis.add("work", name, "{\"requestId\":\"r-1\"}", "{\"attempts\":1}");
        let ended = redis.until_ended("work", &id);
        (id, ended)
    };
    let (id, ended) = run("everything");
    assert_eq!(
        ended,
        "completed",
        "{:?}",
        redis.field("work", &id, "failedReason")
    );
    let got = redis.field("work", &id, "returnvalue").unwrap();
    let got: Value = serde_json::from_str(&got).unwrap();
    assert_eq!(
        got,
        json!({
            "job": [true, "work", "{\"requestId\":\"r-1\"}", 1, 1, true, 0, 0, "r-1", null],
            "update-data": { "Ok": null },
            "children-values": { "Ok": [] },
            "ignored-failures": { "Ok": [] },
            "failed-children": { "Ok": [] },
            "dependencies": { "Ok": [0, 0, 0, 0] },
            "remove-unprocessed-children": { "Ok": null },
            "time-left": true,
            "log": [null, null, null, null, null],
            "progress": [null, null],
            "http": got["http"],
            "config": ["old", [["word", "old"]], "[redacted]"],
            "checkpoint": [{ "Ok": null }, "7"],
            "add": "\"one\"",
            "add-bulk": "[\"two\", \"three\"]",
            "add-flow": "[\"four\", \"five\"]",
            "add-children": "[\"six\"]",
            "unknown": got["unknown"],
        })
    );
    assert!(
        got["http"].as_str().unwrap().starts_with("Error::Denied("),
        "{got}"
    );
    assert!(
        got["unknown"]
            .as_str()
            .unwrap()
            .starts_with("Error::UnknownQueue("),
        "{got}"
    );
    let data = redis.field("work", &id, "data");
    assert_eq!(data.as_deref(), Some("{\"new\":true}"));
    assert_eq!(run("nothing").1, "completed");
    for (name, reason) in [
        ("retry", "again"),
        ("retry-after", "later"),
        ("reject", "never"),
    ] {
        let (id, ended) = run(name);
        let failed = redis.field("work", &id, "failedReason");
        assert_eq!(
            (ended, failed.as_deref()),
            ("failed", Some(reason)),
            "{name}"
        );
    }
    redis.add("work", "snooze", "{}", "{}");
    redis.until_count("work", "delayed", 1);
    redis.add("work", "rate-limit", "{}", "{}");
    until("the limit", || {
        redis.run::<Option<String>>(&["GET", &redis.key("work", "limiter")])
    });
}
