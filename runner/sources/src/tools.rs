//! The tools of a language: where they are, whether they are the right ones, and how
//! they are run.
//!
//! For the drivers. Knows `PATH`, `RUNNER_TOOLS` and where languages keep the tools of a
//! project.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use runner_config::Env;

use super::error::Error;
use super::project::Project;

/// A program that a driver needs.
pub(crate) struct Tool {
    /// Its name for people: `Node.js`.
    pub(crate) name: &'static str,
    /// The names that its file may have, the best first: `node`.
    pub(crate) programs: &'static [&'static str],
    /// How to ask for its version; the first number it prints is that.
    pub(crate) version: &'static [&'static str],
    /// Which versions do.
    pub(crate) wanted: Wanted,
    /// The command that installs it.
    pub(crate) install: &'static str,
}

/// Which versions of a tool do.
pub(crate) enum Wanted {
    /// This one and those after it: `1.26`.
    AtLeast(&'static str),
    /// This one.
    Exactly(&'static str),
}

/// Finds and runs tools.
#[derive(Debug)]
pub struct Tools {
    /// Directories of `RUNNER_TOOLS`, then those of `PATH`.
    directories: Vec<PathBuf>,
    path: OsString,
    /// What programs answered when asked for their version.
    versions: Mutex<HashMap<PathBuf, String>>,
}

impl Tools {
    /// Those of this environment.
    pub fn new(env: &Env) -> Tools {
        let listed = |name| std::env::split_paths(env.get(name).unwrap_or_default());
        Tools {
            directories: listed("RUNNER_TOOLS").chain(listed("PATH")).collect(),
            path: env.get("PATH").unwrap_or_default().into(),
            versions: Mutex::default(),
        }
    }

    /// A program of a project, of `RUNNER_TOOLS` or of `PATH`.
    pub(crate) fn find(&self, project: &Project, program: &str) -> Option<PathBuf> {
        let own = own(project);
        let all = own.iter().chain(&self.directories);
        all.map(|directory| directory.join(program))
            .find(|path| is_program(path))
    }

    /// The same for a tool, by whichever name.
    pub(crate) fn find_one(&self, project: &Project, tool: &Tool) -> Option<PathBuf> {
        let mut programs = tool.programs.iter();
        programs.find_map(|program| self.find(project, program))
    }

    /// The same for one that must be there, in a version that does.
    pub(crate) fn need(&self, project: &Project, tool: &Tool) -> Result<PathBuf, Error> {
        let path = self.find_one(project, tool).ok_or_else(|| Error::Missing {
            tool: tool.name,
            programs: tool.programs.join(" or "),
            looked: looked(project),
            install: tool.install,
        })?;
        let found = self.version(project, tool, &path)?;
        let fits = match tool.wanted {
            Wanted::AtLeast(wanted) => numbers(&found) >= numbers(wanted),
            Wanted::Exactly(wanted) => numbers(&found) == numbers(wanted),
        };
        if fits {
            return Ok(path);
        }
        Err(Error::Version {
            tool: tool.name,
            found,
            path: path.display().to_string(),
            wanted: match tool.wanted {
                Wanted::AtLeast(wanted) => format!("{wanted} or newer"),
                Wanted::Exactly(wanted) => wanted.to_owned(),
            },
            install: tool.install,
        })
    }

    /// What it says about its version.
    pub(crate) fn version(
        &self,
        project: &Project,
        tool: &Tool,
        path: &Path,
    ) -> Result<String, Error> {
        let known = || self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(version) = known().get(path) {
            return Ok(version.clone());
        }
        let mut command = self.command(project, path);
        command.args(tool.version);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output();
        let output = output.map_err(Error::system("cannot run", path))?;
        let said = [output.stdout, output.stderr].concat();
        let version = first_number(&String::from_utf8_lossy(&said));
        known().insert(path.to_owned(), version.clone());
        Ok(version)
    }

    /// A command in a project's directory, that finds the project's own tools, too.
    /// stdin is closed; stdout and stderr are this process' stderr.
    pub(crate) fn command(&self, project: &Project, program: &Path) -> Command {
        let paths = own(project)
            .into_iter()
            .chain(self.directories.iter().cloned());
        // No entry of it has a colon: they are from such lists.
        let path = std::env::join_paths(paths).unwrap_or_else(|_| self.path.clone());
        let mut command = Command::new(program);
        command
            .current_dir(&project.directory)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(shown())
            .stderr(shown());
        command
    }
}

/// The output of a tool is shown as it is.
#[expect(clippy::disallowed_methods, reason = "the user's own compiler prints")]
fn shown() -> Stdio {
    std::io::stderr().into()
}

/// Run a command to its end. `what` is its name for people.
///
/// # Errors
/// When it cannot be run, or fails.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<(), Error> {
    let program = PathBuf::from(command.get_program());
    let status = command
        .status()
        .map_err(Error::system("cannot run", &program))?;
    ended(status, what)
}

/// The same; what it prints to stdout is returned.
pub(crate) fn output(command: &mut Command, what: &str) -> Result<Vec<u8>, Error> {
    let program = PathBuf::from(command.get_program());
    let child = command.stdout(Stdio::piped()).spawn();
    let output = child.and_then(|child| child.wait_with_output());
    let output = output.map_err(Error::system("cannot run", &program))?;
    ended(output.status, what)?;
    Ok(output.stdout)
}

fn ended(status: std::process::ExitStatus, what: &str) -> Result<(), Error> {
    match status.success() {
        true => Ok(()),
        false => Err(Error::Failed {
            what: what.to_owned(),
            status: status.to_string(),
        }),
    }
}

/// Where a project keeps tools of its own. npm's may be in a directory above it.
fn own(project: &Project) -> Vec<PathBuf> {
    let above = project.directory.ancestors();
    let modules = above.map(|directory| directory.join("node_modules/.bin"));
    let mut own = vec![project.directory.join(".venv/bin")];
    own.extend(modules.filter(|directory| directory.is_dir()));
    own
}

fn looked(project: &Project) -> String {
    let directory = project.directory.display();
    format!("PATH, the directories of RUNNER_TOOLS, {directory}/.venv/bin or node_modules/.bin")
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// `1.27.3` of `go version go1.27.3 linux/amd64`.
fn first_number(text: &str) -> String {
    let text = text.trim_start_matches(|of: char| !of.is_ascii_digit());
    let end = text.find(|of: char| !of.is_ascii_digit() && of != '.');
    text[..end.unwrap_or(text.len())]
        .trim_end_matches('.')
        .to_owned()
}

fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_number() {
        for (said, version) in [
            ("go version go1.27.3 linux/amd64", "1.27.3"),
            ("v20.11.0\n", "20.11.0"),
            ("Python 3.11.2", "3.11.2"),
            ("none", ""),
        ] {
            assert_eq!(first_number(said), version);
        }
        assert!(numbers("1.100.0") > numbers("1.95"));
        assert!(numbers("20.0.0") >= numbers("20"));
    }
}
