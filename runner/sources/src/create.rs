//! A new project from a template.
//!
//! For commands. Knows how a template is filled in: `{{name}}` and the like stand for
//! what differs; a language adds its own ([`super::rust::words`] and its siblings) for
//! the functions of a contract.

use std::path::{Component, Path, PathBuf};

use super::embedded::{self, Words};
use super::error::Error;
use super::generated::{self, Files};
use super::language::Language;
use super::manifest;
use super::project::{self, Contract, Project};
use super::{c, go, js, prepare, python, rust};

/// A project that was made.
#[derive(Debug)]
pub struct Created {
    /// The plugin's name.
    pub name: String,
    /// The files that were written, from the project on.
    pub files: Vec<PathBuf>,
    /// The name of a job that it takes.
    pub job: String,
}

/// Write a project into a directory that is missing or empty. Its last part is the
/// plugin's name. `contract` is the directory of WIT files and an interface in them.
///
/// # Errors
/// When the name or the contract will not do, or something is there already.
pub fn create(
    directory: &Path,
    language: Language,
    contract: Option<(&Path, &str)>,
) -> Result<Created, Error> {
    let name = check_name(directory, language)?;
    check_empty(directory)?;
    let found = contract.map(|(wit, id)| project::contract(wit, id).map_err(Error::Wrong));
    let found = found.transpose()?;
    let mut files = embedded::template(language, "base");
    let part = if found.is_some() { "contract" } else { "plain" };
    files.extend(embedded::template(language, part));
    if files.is_empty() {
        return Err(Error::wrong(format!(
            "there is no template for {} yet",
            language.title()
        )));
    }
    let mut words: Words = vec![
        ("name", name.clone()),
        ("underscored", name.replace('-', "_")),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut job = "hello".to_owned();
    if let (Some(found), Some((wit, _))) = (&found, contract) {
        job = add_contract(&mut files, &mut words, &name, language, found)?;
        std::fs::create_dir_all(directory).map_err(Error::system("cannot create", directory))?;
        words.push(("wit", between(directory, wit)?));
    }
    words.push(("job", job.clone()));
    if language == Language::Rust {
        files.insert("Cargo.lock".into(), rust::lock().into_bytes());
    }
    let files = fill_in(files, &words);
    for (path, content) in &files {
        generated::write(&directory.join(path), content)?;
    }
    let project = Project::open(directory)?;
    prepare::prepare(&project, found.as_ref())?;
    Ok(Created {
        name,
        files: files.into_keys().collect(),
        job,
    })
}

/// What is the same for all languages: the manifest, a job and a case. The name of the
/// job.
fn add_contract(
    files: &mut Files,
    words: &mut Words,
    name: &str,
    language: Language,
    contract: &Contract,
) -> Result<String, Error> {
    let interface = &contract.interface;
    let id = interface.unversioned();
    let Some(function) = interface.functions.first() else {
        return Err(Error::wrong(format!("{id} has no jobs")));
    };
    words.push(("contract", id.to_owned()));
    words.extend(match language {
        Language::Rust => rust::words(contract),
        Language::TypeScript | Language::JavaScript => js::words(contract),
        Language::Python => python::words(contract),
        Language::Go => go::words(contract),
        Language::C => c::words(contract),
    });
    let own = files.remove(Path::new(manifest::FILE)).unwrap_or_default();
    let lines = b"# The contract whose jobs this plugin takes, and where its WIT files are.\n\
          contract = \"{{contract}}\"\nwit = \"{{wit}}\"\n";
    files.insert(manifest::FILE.into(), [&own, &lines[..]].concat());

    let sample = function.data.as_deref().map(runner_contract::sample);
    let sample = sample.unwrap_or_else(|| serde_json::json!({}));
    files.insert(
        "job.json".into(),
        format!("{}\n", pretty(&sample)).into_bytes(),
    );
    let case = serde_json::json!({
        "plugin": name,
        "case": [{
            "name": "a job is refused until its function is written",
            "job": function.key,
            "data": sample,
            "expect": { "outcome": "rejected", "reason": "*not written yet*" },
        }],
    });
    // TOML has no null.
    if let Ok(cases) = toml::to_string(&case) {
        let head = format!("# Cases for `runner test {name}/cases.toml`.\n");
        files.insert("cases.toml".into(), (head + &cases).into_bytes());
    }
    Ok(function.key.clone())
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The name of the project: the last part of its directory.
fn check_name(directory: &Path, language: Language) -> Result<String, Error> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let allowed =
        |of: char| of.is_ascii_lowercase() || of.is_ascii_digit() || of == '-' || of == '_';
    let begins = name.starts_with(|of: char| of.is_ascii_lowercase());
    if !begins || !name.chars().all(allowed) {
        return Err(Error::wrong(format!(
            "{name:?} cannot be the name of a plugin: write lower-case letters, digits, `-` and \
             `_`, a letter first: otp-sender"
        )));
    }
    if language == Language::Rust && rust::RESERVED.contains(&&*name.replace('-', "_")) {
        return Err(Error::wrong(format!(
            "{name:?} cannot be the name of a crate: Rust has its own use for it"
        )));
    }
    Ok(name.into_owned())
}

fn check_empty(directory: &Path) -> Result<(), Error> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Error::system("cannot create a project in", directory)(
                error,
            ));
        }
    };
    match entries.count() {
        0 => Ok(()),
        _ => Err(Error::wrong(format!(
            "{} is there already, and not empty: name another directory",
            directory.display()
        ))),
    }
}

fn fill_in(files: Files, words: &Words) -> Files {
    let filled = files.into_iter().map(|(path, content)| {
        // Git would take it for its own.
        let path = match path.file_name().is_some_and(|name| name == "gitignore") {
            true => path.with_file_name(".gitignore"),
            false => path,
        };
        match String::from_utf8(content) {
            Ok(mut text) => {
                for (word, value) in words {
                    text = text.replace(&format!("{{{{{word}}}}}"), value);
                }
                (path, text.into_bytes())
            }
            Err(error) => (path, error.into_bytes()),
        }
    });
    filled.collect()
}

/// The way from one directory to another. Both are there.
fn between(from: &Path, to: &Path) -> Result<String, Error> {
    let real = |path: &Path| {
        path.canonicalize()
            .map_err(Error::system("cannot open", path))
    };
    let (from, to) = (real(from)?, real(to)?);
    let (mut from, mut to) = (from.components().peekable(), to.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to).collect();
    Ok(match way.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => way.display().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_directories_goes_up_and_down() {
        let root = tempfile::tempdir().unwrap();
        let [a, b] = ["a/x", "wit"].map(|path| root.path().join(path));
        std::fs::create_dir_all(&a).unwrap();
        std::fs::create_dir_all(&b).unwrap();
        assert_eq!(between(&a, &b).unwrap(), "../../wit");
        assert_eq!(between(root.path(), &b).unwrap(), "wit");
        assert_eq!(between(&b, &b).unwrap(), ".");
    }

    #[test]
    fn what_cannot_be_made_is_told() {
        let wrong = |path: &Path, language| {
            let error = create(path, language, None).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            wrong(Path::new("Greeter"), Language::Go),
            "\"Greeter\" cannot be the name of a plugin: write lower-case letters, digits, `-` \
             and `_`, a letter first: otp-sender"
        );
        assert_eq!(
            wrong(Path::new("fn"), Language::Rust),
            "\"fn\" cannot be the name of a crate: Rust has its own use for it"
        );
        let root = tempfile::tempdir().unwrap();
        let full = root.path().join("full");
        std::fs::create_dir(&full).unwrap();
        std::fs::write(full.join("a"), "").unwrap();
        assert_eq!(
            wrong(&full, Language::Rust),
            format!(
                "{} is there already, and not empty: name another directory",
                full.display()
            )
        );
    }
}
