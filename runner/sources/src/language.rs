//! The languages, and how a project of each is recognised.
//!
//! For the crate and its users. Knows the names of files and nothing in them.

/// A language that Runner has an SDK for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A crate.
    Rust,
    /// An npm package with a `tsconfig.json`.
    TypeScript,
    /// An npm package without.
    JavaScript,
    /// A `pyproject.toml`.
    Python,
    /// A module.
    Go,
    /// A `plugin.toml` that says so; C++ and Zig are built the same way.
    C,
}

impl Language {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Language; 6] = [
        Language::Rust,
        Language::TypeScript,
        Language::JavaScript,
        Language::Python,
        Language::Go,
        Language::C,
    ];

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::TypeScript => "TypeScript",
            Language::JavaScript => "JavaScript",
            Language::Python => "Python",
            Language::Go => "Go",
            Language::C => "C",
        }
    }

    /// As `--lang` takes it; templates are in a folder of this name.
    pub fn word(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::TypeScript => "ts",
            Language::JavaScript => "js",
            Language::Python => "python",
            Language::Go => "go",
            Language::C => "c",
        }
    }

    /// The language of this word or title, in any case.
    pub fn named(word: &str) -> Option<Language> {
        let is = |language: &Language| {
            word.eq_ignore_ascii_case(language.word())
                || word.eq_ignore_ascii_case(language.title())
        };
        Language::ALL.into_iter().find(is)
    }

    /// The file that every project of the language has.
    pub fn file(self) -> &'static str {
        match self {
            Language::Rust => "Cargo.toml",
            Language::TypeScript | Language::JavaScript => "package.json",
            Language::Python => "pyproject.toml",
            Language::Go => "go.mod",
            Language::C => "plugin.toml",
        }
    }

    /// The folder of its SDK in `sdk/`.
    pub(crate) fn sdk(self) -> &'static str {
        match self {
            Language::TypeScript | Language::JavaScript => "js",
            other => other.word(),
        }
    }

    /// The command that gets the tools of a new project in this directory.
    pub fn tools(self, directory: &str) -> String {
        match self {
            Language::Rust => "rustup target add wasm32-wasip2".to_owned(),
            Language::TypeScript | Language::JavaScript => {
                format!("npm install --prefix {directory}")
            }
            Language::Python => "pip install componentize-py==0.25.1".to_owned(),
            Language::Go => "go version    # 1.26 or newer: https://go.dev/dl".to_owned(),
            Language::C => "pip install ziglang==0.17.1".to_owned(),
        }
    }

    /// How a handler is exported, for people whose component has none.
    pub fn export(self) -> &'static str {
        match self {
            Language::Rust => "runner_sdk::handler!(function) exports a handler",
            Language::TypeScript | Language::JavaScript => {
                "`export default` a function that takes a job"
            }
            Language::Python => "a function `handler(job)` is the handler",
            Language::Go => "call `runner.Handle(function)` in `init`",
            Language::C => "define the function that runner.h declares as the handler",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_its_word_and_its_title() {
        for language in Language::ALL {
            assert_eq!(Language::named(language.word()), Some(language));
            assert_eq!(
                Language::named(&language.title().to_uppercase()),
                Some(language)
            );
        }
        assert_eq!(Language::named("cobol"), None);
    }
}
