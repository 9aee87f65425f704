//! A plugin in Python, from `runner new` on; its mistakes; and docs/plugins-python.md.

use std::path::Path;
use std::process::Command;

use super::{done, refused, setup, shown};
use crate::support::Setup;

/// Write a project of one module.
fn project(setup: &Setup, name: &str, dependencies: &str, app: &str) {
    let directory = setup.path(name);
    std::fs::create_dir_all(&directory).unwrap();
    let toml = format!("[project]\nname = {name:?}\ndependencies = [{dependencies}]\n");
    std::fs::write(directory.join("pyproject.toml"), toml).unwrap();
    std::fs::write(directory.join("app.py"), app).unwrap();
}

#[track_caller]
fn unittest(setup: &Setup, directory: &str) {
    let tested = Command::new("python3")
        .current_dir(setup.path(directory))
        .args(["-B", "-W", "error", "-m", "unittest", "--quiet"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success(), "{told}");
    assert!(told.contains("\nOK"), "{told}");
}

#[test]
fn a_new_package_builds_runs_and_passes_its_tests() {
    let setup = setup("");
    done(&setup, &["new", "py-greeter", "--lang", "python"]);
    let told = done(&setup, &["build", "py-greeter"]);
    assert!(told.starts_with("built py-greeter: Python, "), "{told}");
    let run = [
        "run",
        "py-greeter",
        "@py-greeter/job.json",
        "--name",
        "hello",
    ];
    assert_eq!(done(&setup, &run), "{\"greeting\":\"hello Ada\"}\n");
    let told = done(&setup, &["test", "py-greeter/cases.toml"]);
    assert_eq!(told.lines().count(), 2, "{told}");
    unittest(&setup, "py-greeter");
}

#[test]
fn a_package_with_a_contract_takes_its_jobs_as_dataclasses() {
    let setup = setup("");
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/mail.wit"), super::rust::CONTRACT).unwrap();
    let contract = ["--contract", "acme:mail/mails"];
    let new = ["new", "py-mailer", "--lang", "python"];
    done(&setup, &[&new[..], &contract[..]].concat());
    done(&setup, &["build", "py-mailer"]);
    let told = done(&setup, &["test", "py-mailer/cases.toml"]);
    assert!(told.starts_with("ok a job is refused"), "{told}");
    unittest(&setup, "py-mailer");
}

/// Nothing of it needs a component: the project is looked at first.
#[test]
fn what_would_fail_in_a_job_is_told_when_it_is_built() {
    let setup = setup("");
    let mistake = |app: &str, message: &str| {
        project(&setup, "wrong", "", app);
        refused(&setup, &["build", "wrong"], 2, &format!("error: {message}"));
    };
    mistake(
        "from runner import handler\n\n@handler\ndef run(job):\n    import resend\n",
        "app.py:5: 'resend' is neither in the project nor in Python: add the package that has it \
         to [project] dependencies in pyproject.toml",
    );
    mistake(
        "import ssl\n\ndef handle(job):\n    pass\n",
        "app.py:1: 'ssl' is not in a component: HTTPS goes through urllib.request or runner.http",
    );
    mistake(
        "def run(job):\n    pass\n",
        "app.py has no handler: put @handler of runner above a function, or call it `handle`",
    );
    let toml = setup.path("wrong/pyproject.toml");
    std::fs::write(&toml, "[tool.runner]\nmodule = \"plugin.main\"\n").unwrap();
    refused(
        &setup,
        &["build", "wrong"],
        2,
        "error: there is no module 'plugin.main' in the project",
    );
    std::fs::remove_file(setup.path("wrong/app.py")).unwrap();
    std::fs::write(&toml, "").unwrap();
    refused(
        &setup,
        &["build", "wrong"],
        2,
        &format!(
            "error: {} has none of the modules app, main, plugin, wrong: name the handler's in \
             pyproject.toml, [tool.runner] module = \"package.module\"",
            setup.path("wrong").canonicalize().unwrap().display()
        ),
    );
}

// Long because it is one project with one mistake of each kind.
#[test]
fn what_a_component_keeps_from_its_build_is_told_and_random_sources_are_not_among_it() {
    let setup = setup("");
    let app = "\
import os
import random
import time
import uuid
from datetime import datetime

from runner import handler

ID = uuid.uuid4()
AT = datetime.now()
WHERE = os.environ.get('WHERE')
FIXED = random.Random(7)
LOADED = random.Random()
KEY = hash('x')


@handler('draw')
def draw(job):
    return [str(random.random()), str(LOADED.random()), str(uuid.uuid1()), os.urandom(4).hex()]


@handler('missing')
def missing(job):
    __import__('resend')


@handler('boom')
async def boom(job):
    raise ValueError('amount')
";
    project(&setup, "kept", "", app);
    let ended = setup.cli(&["build", "kept"]);
    assert_eq!(ended.code, Some(0), "{}", shown(&ended));
    let text = shown(&ended);
    for part in [
        "app.py:9: uuid.uuid4() runs when the component is built: every job would have the same \
         value; call it in the handler",
        "app.py:10: datetime.now() runs when the component is built: it is the time of the build; \
         call it in the handler",
        "app.py:11: the environment is empty when the component is built; read it in the handler, \
         or use runner.config",
        "app.py:12: random.Random() has a seed of its own: every job has the same sequence",
        "app.py:14: hash() of a text is the same in every job: its seed is that of the build; use \
         hashlib for keys that nobody may guess",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("app.py:13"), "{text}");
    let drawn: std::collections::BTreeSet<String> = (0..5)
        .flat_map(|_| {
            let text = done(&setup, &["run", "kept", "{}", "--name", "draw"]);
            serde_json::from_str::<Vec<String>>(&text).unwrap()
        })
        .collect();
    assert_eq!(drawn.len(), 20, "{drawn:?}");
    let ended = setup.cli(&["run", "kept", "{}", "--name", "missing"]);
    assert!(
        ended.stderr.contains(
            "ModuleNotFoundError: No module named 'resend' in this component, which holds what was \
             imported when it was built: import it at the top of a module, or list it in `include` \
             under [tool.runner] in pyproject.toml"
        ),
        "{}",
        shown(&ended)
    );
    let ended = setup.cli(&["run", "kept", "{}", "--name", "boom"]);
    let told = ": ValueError: amount\n    at boom (app.py:29)\n";
    assert!(ended.stderr.ends_with(told), "{}", shown(&ended));
}

#[test]
fn a_wrong_or_missing_tool_is_told_with_the_command_that_installs_it() {
    let setup = setup("");
    project(&setup, "bare", "", "def handle(job):\n    pass\n");
    let tools = setup.path("bare/.venv/bin");
    std::fs::create_dir_all(&tools).unwrap();
    let tool = tools.join("componentize-py");
    std::fs::write(&tool, "#!/bin/sh\necho componentize-py 0.19.3\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, mode).unwrap();
    refused(
        &setup,
        &["build", "bare"],
        1,
        &format!(
            "error: componentize-py 0.19.3 ({}) does not do: 0.25.1 is needed. To install it: pip \
             install componentize-py==0.25.1",
            tool.canonicalize().unwrap().display()
        ),
    );
}

/// The blocks of Python on the page that have a name in their first line.
fn blocks(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```python\n").skip(1);
    blocks
        .filter_map(|block| {
            let text = block.split("```").next()?;
            let (name, text) = text.strip_prefix("# ")?.split_once('\n')?;
            Some((name.to_owned(), text.to_owned()))
        })
        .collect()
}

#[test]
fn the_code_of_the_guide_passes_its_tests() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins-python.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown = page.split("```toml\n").nth(1).unwrap();
    let setup = setup(shown.split("```").next().unwrap());
    done(&setup, &["new", "weather", "--lang", "python"]);
    let mut tests = 0;
    for (name, text) in blocks(&page) {
        let name = match name.as_str() {
            "test" => {
                tests += 1;
                format!("tests/test_{tests}.py")
            }
            // It needs packages that the tests do not install.
            other if other.starts_with("with ") => continue,
            other => other.to_owned(),
        };
        std::fs::write(setup.path(&format!("weather/{name}")), text).unwrap();
    }
    assert_eq!(tests, 4);
    unittest(&setup, "weather");
}

#[test]
fn the_automations_pass_their_tests_and_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().unwrap().display().to_string();
    let project = format!("{root}/plugins/automations");
    let text = std::fs::read_to_string(format!("{project}/queues.toml")).unwrap();
    let text = text.replace("\"..\"", "\"plugins\"");
    let setup = setup(&text.replace("../../wit", &format!("{root}/wit")));
    done(&setup, &["build", &project]);
    let told = done(&setup, &["test", &format!("{project}/cases.toml")]);
    assert_eq!(told.lines().count(), 3, "{told}");
    unittest(&setup, &project);
}
