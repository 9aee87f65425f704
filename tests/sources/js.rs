//! Plugins in TypeScript and JavaScript, from `runner new` on. Their npm packages are those
//! of the guest of the conformance suite, which `make setup` installs.

use std::path::Path;
use std::process::Command;

use super::{done, refused, setup, shown};
use crate::support::Setup;

/// Where the packages are.
const PACKAGES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/languages/guests/ts/node_modules"
);

/// A new project with its packages.
fn project(setup: &Setup, arguments: &[&str]) {
    done(setup, &[&["new", "greeter", "--lang"], arguments].concat());
    let packages = setup.path("greeter/node_modules");
    std::os::unix::fs::symlink(Path::new(PACKAGES), packages).unwrap();
}

fn write(setup: &Setup, path: &str, text: &str) {
    std::fs::write(setup.path(&format!("greeter/{path}")), text).unwrap();
}

/// The unit tests of a package, in Node.
#[track_caller]
fn tested(directory: &Path) {
    let mut npm = Command::new("npm");
    let ended = npm.arg("test").current_dir(directory).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn a_new_project_builds_runs_and_passes_its_tests() {
    for (language, title) in [("ts", "TypeScript"), ("js", "JavaScript")] {
        let setup = setup("");
        project(&setup, &[language]);
        let told = done(&setup, &["build", "greeter"]);
        assert!(
            told.starts_with(&format!("built greeter: {title}, ")),
            "{told}"
        );
        assert!(
            told.contains("QuickJS: nothing needs StarlingMonkey"),
            "{told}"
        );
        let run = ["run", "greeter", "@greeter/job.json", "--name", "hello"];
        assert_eq!(done(&setup, &run), "{\"greeting\":\"hello Ada\"}\n");
        done(&setup, &["test", "greeter/cases.toml"]);
        tested(&setup.path("greeter"));
    }
}

const CONTRACT: &str = "package acme:mail@1.0.0;\n\ninterface mails {\n  \
    use runner:plugin/outcome@0.1.0.{failure};\n  record mail { to: string, id: u64 }\n  \
    /// Send it.\n  send: func(mail: mail) -> result<u64, failure>;\n}\n";

#[test]
fn a_contract_gives_types_that_must_fit() {
    let setup = setup("");
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/mail.wit"), CONTRACT).unwrap();
    project(&setup, &["ts", "--contract", "acme:mail/mails"]);
    done(&setup, &["build", "greeter"]);
    done(&setup, &["test", "greeter/cases.toml"]);
    tested(&setup.path("greeter"));
    let handler = "import { defineHandlers } from '@runner/sdk';\n\
        import type { Jobs } from '@runner/types';\n\
        export default defineHandlers<Jobs>({ send: job => job.data.id });\n";
    write(&setup, "src/index.ts", handler);
    done(&setup, &["build", "greeter"]);
    let payload = "{\"to\":\"Ada\",\"id\":18446744073709551615}";
    let sent = done(&setup, &["run", "greeter", payload, "--name", "send"]);
    assert_eq!(sent, "18446744073709551615\n");
    write(
        &setup,
        "src/index.ts",
        &handler.replace("data.id", "data.to"),
    );
    let ended = setup.cli(&["build", "greeter"]);
    assert!(
        ended.stderr.contains("src/index.ts(3,"),
        "{}",
        shown(&ended)
    );
    let message = "error: the types do not fit (tsc)";
    assert!(ended.stderr.contains(message), "{}", shown(&ended));
}

#[test]
fn frames_name_the_sources_and_random_numbers_differ() {
    let setup = setup("");
    project(&setup, &["ts"]);
    write(
        &setup,
        "src/index.ts",
        "import { defineHandlers } from '@runner/sdk';\n\
         interface Unused {\n  a: string;\n}\n\
         function fall(): never {\n  throw new TypeError('the sky is falling');\n}\n\
         export default defineHandlers({\n  fall: async () => {\n    await null;\n    fall();\n  },\n  \
         draw: () => `${Math.random()} ${crypto.randomUUID()} ${crypto.getRandomValues(new Uint32Array(4))}`,\n});\n\
         export type { Unused };\n",
    );
    done(&setup, &["build", "greeter"]);
    let fallen = setup.cli(&["run", "greeter", "{}", "--name", "fall"]);
    for part in ["TypeError: the sky is falling", "src/index.ts:6:"] {
        assert!(fallen.stderr.contains(part), "{}", shown(&fallen));
    }
    let draw = || done(&setup, &["run", "greeter", "{}", "--name", "draw"]);
    let (first, second) = (draw(), draw());
    for (one, other) in first.split_whitespace().zip(second.split_whitespace()) {
        assert_ne!(one, other);
    }
}

#[test]
fn the_engine_follows_what_the_source_uses() {
    let setup = setup("");
    project(&setup, &["js"]);
    let warned = |source: &str| {
        write(&setup, "src/index.js", source);
        let ended = setup.cli(&["build", "greeter"]);
        assert_eq!(ended.code, Some(0), "{}", shown(&ended));
        shown(&ended)
    };
    let told = warned(
        "export default job => {\n  new Intl.NumberFormat('de');\n  \
         return [new Date().toLocaleString(), new Date().getHours(), typeof Buffer, process.env.X];\n};\n",
    );
    for part in [
        "src/index.js:2: Intl is not there: no engine has the data of languages and time zones",
        "src/index.js:3: toLocaleString knows no language and no time zone",
        "src/index.js:3: local time is UTC in a plugin",
        "src/index.js:3: process is not there: settings are in config, secrets in secret",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(!told.contains("Buffer"), "{told}");
    let quickjs = "engine = \"quickjs\"\n";
    std::fs::write(setup.path("greeter/plugin.toml"), quickjs).unwrap();
    let told = warned("export default () => new ReadableStream().locked;\n");
    let part = "src/index.js:1: QuickJS has no ReadableStream; StarlingMonkey has";
    assert!(told.contains(part), "{told}");
}

#[test]
fn mistakes_are_told_with_the_way_out() {
    let setup = setup("");
    done(&setup, &["new", "greeter", "--lang", "js"]);
    let wrong = |message: &str| {
        let message = format!("error: {message}");
        refused(&setup, &["build", "greeter"], 2, &message);
    };
    wrong("the packages of this project are not installed; run `npm install` here");
    std::os::unix::fs::symlink(Path::new(PACKAGES), setup.path("greeter/node_modules")).unwrap();
    let source = |text: &str| write(&setup, "src/index.js", text);

    source("export const handler = 1;\n");
    wrong(
        "src/index.js has no default export, so there is no handler; write `export default \
         defineHandler(job => …)`",
    );
    source("export default 7;\n");
    wrong(
        "the plugin cannot be built for quickjs: the default export is no handler; write `export \
         default defineHandler(job => …)`",
    );
    source("import fs from 'node:fs';\nexport default () => fs.readFileSync('x');\n");
    wrong(
        "modules of Node are not there in a plugin: src/index.js imports \"node:fs\"; use what the \
         SDK and the web have (fetch, crypto, URL), or a package for browsers and edge runtimes",
    );
    source("import x from 'left-pad';\nexport default () => x;\n");
    wrong("src/index.js:1:15: Could not resolve \"left-pad\"; install it: npm install left-pad");
    source("export default async job => import(job.data.name);\n");
    wrong(
        "src/index.js:1: import() of a computed name cannot be bundled; import each module by its \
         name; all of them are in the bundle anyway",
    );
    source(
        "import { config } from '@runner/sdk';\nconst a = config.get('a');\nexport default () => a;\n",
    );
    wrong(
        "the plugin cannot be built for quickjs: config.get was called while the plugin was built, \
         at the top of a module; there is no job yet, so call it in the handler (src/index.js:2)",
    );
}

/// The blocks of the guide that begin with the name of a file.
fn files(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    let named = blocks.filter_map(|block| {
        let (_, text) = block.split_once('\n')?;
        let (name, _) = text.split_once('\n')?;
        let name = name.trim_start_matches(['/', '#', ' ']);
        let is_file = name.contains('.') && !name.contains([' ', '[']);
        is_file.then(|| (name.to_owned(), format!("{text}\n")))
    });
    named.collect()
}

#[test]
fn the_guide_leads_to_a_running_job() {
    let page = include_str!("../../docs/plugins-javascript.md");
    let setup = setup("");
    done(&setup, &["new", "weather", "--lang", "ts"]);
    let packages = setup.path("weather/node_modules");
    std::os::unix::fs::symlink(Path::new(PACKAGES), packages).unwrap();
    let files = files(page);
    assert_eq!(files.len(), 9, "{files:?}");
    for (name, text) in files {
        std::fs::write(setup.path(&name), text).unwrap();
    }
    done(&setup, &["build", "weather"]);
    tested(&setup.path("weather"));
    let forecast = "{ \"city\": \"Oslo\" }";
    let run = ["run", "weather", forecast, "--name", "forecast", "--outbox"];
    assert_eq!(done(&setup, &run), "\"{}\"\n");
}

/// A directory of the repository.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn the_sdk_passes_its_own_tests() {
    tested(&repository("sdk/js"));
}

#[test]
fn the_events_router_passes_its_cases_and_tests() {
    let wit = repository("wit/queues").display().to_string();
    let setup = setup(&format!(
        "[runtime]\ncontracts = {wit:?}\n\n[queues.events]\nplugin = \"events-router\"\n\
         contract = \"smsblossom:queues/events\"\nnames = {{ \"*\" = \"event\" }}\n\n\
         [queues.automations]\ncontract = \"smsblossom:queues/automations\"\n"
    ));
    let from = repository("plugins/events-router");
    for folder in ["", "src", "test"] {
        let to = setup.path("events-router").join(folder);
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let manifest = format!("contract = \"smsblossom:queues/events\"\nwit = {wit:?}\n");
    std::fs::write(setup.path("events-router/plugin.toml"), manifest).unwrap();
    let packages = setup.path("events-router/node_modules");
    std::os::unix::fs::symlink(Path::new(PACKAGES), packages).unwrap();
    done(&setup, &["build", "events-router"]);
    done(&setup, &["test", "events-router/cases.toml"]);
    tested(&setup.path("events-router"));
}
