//! What the template of a project with a contract leaves open.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::embedded::Words;
use crate::project::Contract;

/// A stub for each kind of job, what they import, and a check of the first.
pub(crate) fn words(contract: &Contract) -> Words {
    let jobs = runner_contract::python_jobs(&contract.interface);
    let mut functions = String::new();
    let mut names = BTreeSet::new();
    let mut typing = false;
    for job in &jobs {
        for annotation in [&job.data, &job.result] {
            typing |= annotation.contains("_t.");
            names.extend(classes(annotation));
        }
        let written = |annotation: &str| annotation.replace("_t.", "typing.");
        let about = job.about.lines().next().unwrap_or_default();
        let about = match about.replace('\\', "").replace('"', "'") {
            empty if empty.is_empty() => format!("Jobs {}.", job.key.replace(['"', '\\'], "'")),
            about => about,
        };
        let key = serde_json::Value::from(job.key.as_str());
        let _ = write!(
            functions,
            "\n\n@handler({key})\ndef {}(data: {}, job: Job) -> {}:\n    \
             \"\"\"{about}\"\"\"\n    raise Reject(f\"not written yet: {{job.name}}\")\n",
            job.function,
            written(&job.data),
            written(&job.result),
        );
    }
    let mut imports = String::new();
    if typing {
        imports.push_str("import typing\n\n");
    }
    if !names.is_empty() {
        let names: Vec<String> = names.into_iter().collect();
        let _ = writeln!(
            imports,
            "# Of `.runner/types/contract.py`, made of the contract.\nfrom contract import {}",
            names.join(", ")
        );
    }
    let first = jobs.first();
    let of = |text: Option<&String>| text.cloned().unwrap_or_default();
    vec![
        ("imports", imports),
        ("functions", functions),
        ("function", of(first.map(|job| &job.function))),
    ]
}

/// The names in an annotation that the module `contract` declares.
fn classes(annotation: &str) -> Vec<String> {
    let words = annotation.split(|of: char| !(of.is_alphanumeric() || of == '_' || of == '.'));
    let own = |word: &&str| word.starts_with(char::is_uppercase) && *word != "None";
    words.filter(own).map(str::to_owned).collect()
}
