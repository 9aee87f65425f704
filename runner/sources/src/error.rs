//! Why a project cannot be made or built, in words.
//!
//! For the crate and its users. Each says the place and the way out.

use std::path::{Path, PathBuf};

/// Why a project cannot be made or built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What people wrote is wrong: an argument, `plugin.toml`, the project itself.
    #[error("{0}")]
    Wrong(String),
    /// A tool is missing.
    #[error("{tool} is not installed: no {programs} in {looked}. To install it: {install}")]
    Missing {
        /// Its name for people.
        tool: &'static str,
        /// The names that its file may have.
        programs: String,
        /// Where it was looked for.
        looked: String,
        /// The command.
        install: &'static str,
    },
    /// A tool is too old, or otherwise of the wrong version.
    #[error("{tool} {found} ({path}) does not do: {wanted} is needed. To install it: {install}")]
    Version {
        /// Its name for people.
        tool: &'static str,
        /// Its version.
        found: String,
        /// Where it is.
        path: String,
        /// What is needed: `20 or newer`.
        wanted: String,
        /// The command.
        install: &'static str,
    },
    /// A tool ended with a failure and has said why.
    #[error("{what} failed ({status})")]
    Failed {
        /// The command, for people: `cargo build`.
        what: String,
        /// How it ended.
        status: String,
    },
    /// The system refuses something.
    #[error("{what} {}: {error}", .path.display())]
    System {
        /// What was tried: `cannot read`.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl Error {
    pub(crate) fn wrong(text: impl Into<String>) -> Error {
        Error::Wrong(text.into())
    }

    pub(crate) fn system(
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |error| Error::System { what, path, error }
    }
}

/// A file's text.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(Error::system("cannot read", path))
}
