//! The README's five minutes, as they stand.

use std::os::unix::fs::symlink;

use super::{done, setup};
use crate::support::{Redis, Setup};

/// The text between two marks of the README.
fn readme(from: &str, to: &str) -> String {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

/// Make the project as the README does, with the code that it shows, and take a job to
/// its end.
fn follow(setup: &Setup, code: &str, file: &str) {
    let written = std::fs::read_to_string(setup.path(file)).unwrap();
    assert!(
        written.ends_with(code),
        "{file} is not what the README shows:\n{written}"
    );
    let file = setup.path("queues.toml");
    let redis = std::fs::read_to_string(file).unwrap();
    setup.write(&format!("{redis}\n{}", readme("```toml\n", "```")));
    // `dev` would build it first; how long that takes is for nobody to say.
    done(setup, &["build"]);
    let dev = setup.spawn(&["dev", "--redis", &Redis::shared().url()]);
    dev.until_ready();
    let add = readme("```console\n$ runner add greetings", "```");
    let (arguments, output) = add.split_once('\n').unwrap();
    let command = format!("{} add greetings{arguments}", env!("CARGO_BIN_EXE_runner"));
    let shell = std::process::Command::new("sh")
        .current_dir(setup.path("."))
        .args(["-c", &command])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout), output, "{shell:?}");
}

#[test]
fn the_five_minutes_work_in_python() {
    let setup = setup("");
    assert!(
        readme("## Five minutes", "```python").contains("$ runner new greeter --lang python\n")
    );
    done(&setup, &["new", "greeter", "--lang", "python"]);
    let code = readme("```python\n# greeter/app.py\n", "```");
    follow(&setup, &code, "greeter/app.py");
}

#[test]
fn the_five_minutes_work_in_typescript() {
    let setup = setup("");
    assert!(readme("## Five minutes", "```ts").contains("$ runner new greeter --lang ts\n"));
    done(&setup, &["new", "greeter", "--lang", "ts"]);
    // What `npm install` would fetch.
    let packages = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/languages/guests/ts/node_modules"
    );
    symlink(packages, setup.path("greeter/node_modules")).unwrap();
    let code = readme("```ts\n// greeter/src/index.ts\n", "```");
    follow(&setup, &code, "greeter/src/index.ts");
}

#[test]
fn the_five_minutes_begin_with_the_command() {
    assert!(readme("## Five minutes", "<table>").contains("$ make install\n"));
    // What it would do; to compile for a release takes minutes.
    let make = std::process::Command::new("make")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["--dry-run", "install", "BIN=/some/where"])
        .env_remove("MAKEFLAGS")
        .output()
        .unwrap();
    let steps = String::from_utf8_lossy(&make.stdout).into_owned();
    let installs = "install -D target/dist/runner \"/some/where/runner\"";
    assert!(
        make.status.success() && steps.contains(installs),
        "{make:?}"
    );
}
