//! `plugin.toml`: what the project file of a language has no place for.
//!
//! For [`super::project`]. Knows its keys and how a mistake in it is told.

use std::path::{Path, PathBuf};

use runner_config::nearest;
use serde::{Deserialize, Deserializer};

use super::error::{self, Error};
use super::language::Language;

/// The file's name.
pub(crate) const FILE: &str = "plugin.toml";

/// The keys; `deny_unknown_fields` refuses others.
const KEYS: [&str; 7] = [
    "name", "language", "contract", "wit", "engine", "sources", "flags",
];

/// `plugin.toml`; a project without one has the defaults.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The plugin's name, instead of that in the language's own project file.
    pub(crate) name: Option<String>,
    /// Which language, where it cannot be told.
    #[serde(default, deserialize_with = "language")]
    pub(crate) language: Option<Language>,
    /// The contract whose jobs the plugin takes: `fundify:otp/otp-queue`.
    pub(crate) contract: Option<String>,
    /// The directory of the contract's WIT files, from the project on; `wit` by default.
    pub(crate) wit: Option<PathBuf>,
    /// The engine of JavaScript.
    #[serde(default, deserialize_with = "engine")]
    pub(crate) engine: Engine,
    /// The files that are compiled, where the language has no build tool of its own; a
    /// `*` in a name stands for any characters.
    #[serde(default)]
    pub(crate) sources: Vec<String>,
    /// Further arguments of the compiler.
    #[serde(default)]
    pub(crate) flags: Vec<String>,
}

/// What runs JavaScript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// QuickJS where it has what the source needs.
    #[default]
    Auto,
    /// Small and quick to start.
    QuickJs,
    /// Has what browsers have.
    StarlingMonkey,
}

impl Engine {
    /// All of them, as they are written.
    pub const WORDS: [&'static str; 3] = ["auto", "quickjs", "starlingmonkey"];

    /// The one of this word.
    pub fn named(word: &str) -> Option<Engine> {
        match word {
            "auto" => Some(Engine::Auto),
            "quickjs" => Some(Engine::QuickJs),
            "starlingmonkey" => Some(Engine::StarlingMonkey),
            _ => None,
        }
    }
}

fn language<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Language>, D::Error> {
    let word = String::deserialize(from)?;
    let known = Language::named(&word);
    let words = Language::ALL.map(Language::word);
    known
        .map(Some)
        .ok_or_else(|| unknown("language", &word, &words))
}

fn engine<'de, D: Deserializer<'de>>(from: D) -> Result<Engine, D::Error> {
    let word = String::deserialize(from)?;
    Engine::named(&word).ok_or_else(|| unknown("engine", &word, &Engine::WORDS))
}

fn unknown<E: serde::de::Error>(what: &str, word: &str, words: &[&str]) -> E {
    E::custom(no(what, word, words))
}

/// That there is none of this name, and what people may have meant.
fn no(what: &str, word: &str, words: &[&str]) -> String {
    match nearest(word, words.iter().copied()) {
        Some(near) => format!("no {what} {word:?}; did you mean {near:?}?"),
        None => format!("no {what} {word:?}; there are {}", words.join(", ")),
    }
}

impl Manifest {
    /// That of a project's directory.
    pub(crate) fn read(directory: &Path) -> Result<Option<Manifest>, Error> {
        let path = directory.join(FILE);
        match path.is_file() {
            true => Manifest::parse(&path, &error::read(&path)?).map(Some),
            false => Ok(None),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Manifest, Error> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map_or(String::new(), |line| format!(":{line}"));
            let what = unknown_key(error.message());
            let what = what.unwrap_or_else(|| error.message().to_owned());
            Error::wrong(format!("{}{line}: {what}", path.display()))
        })
    }
}

/// serde's words for a key that it does not know, in ours.
fn unknown_key(message: &str) -> Option<String> {
    let key = message.strip_prefix("unknown field `")?.split('`').next()?;
    Some(no("key", key, &KEYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let parsed = Manifest::parse(Path::new("x/plugin.toml"), text);
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_way_out() {
        assert_eq!(
            wrong("name = \"x\"\ncontrat = \"a:b/c\"\n"),
            "x/plugin.toml:2: no key \"contrat\"; did you mean \"contract\"?"
        );
        assert_eq!(
            wrong("zzz = 1"),
            "x/plugin.toml:1: no key \"zzz\"; there are name, language, contract, wit, engine, \
             sources, flags"
        );
        assert_eq!(
            wrong("language = \"pyhton\""),
            "x/plugin.toml:1: no language \"pyhton\"; did you mean \"python\"?"
        );
        assert_eq!(
            wrong("language = \"cobol\""),
            "x/plugin.toml:1: no language \"cobol\"; there are rust, ts, js, python, go, c"
        );
        assert_eq!(
            wrong("engine = \"v8\""),
            "x/plugin.toml:1: no engine \"v8\"; there are auto, quickjs, starlingmonkey"
        );
    }
}
