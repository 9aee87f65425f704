//! The packages that a project depends on, as wheels of pure Python beside it.

use std::path::Path;
use std::process::Stdio;

use super::SITE;
use crate::error::Error;
use crate::generated;
use crate::project::Project;
use crate::tools::Tools;

/// What `zoneinfo` reads.
const ZONES: &str = "tzdata";
/// What is installed, one requirement a line.
const STAMP: &str = ".runner/python/requirements.txt";

/// Install what is listed, unless it is there.
pub(super) fn install(
    project: &Project,
    tools: &Tools,
    python: &Path,
    wanted: &[String],
) -> Result<(), Error> {
    let stamp = project.directory.join(STAMP);
    let installed = std::fs::read_to_string(&stamp).unwrap_or_default();
    let mut lines: Vec<&str> = installed.lines().filter(|line| *line != ZONES).collect();
    lines.sort_unstable();
    let mut listed: Vec<&str> = wanted.iter().map(String::as_str).collect();
    listed.sort_unstable();
    if lines == listed {
        return Ok(());
    }
    pip(project, tools, python, &listed)
}

/// Add the package of time zones, unless it is there; whether it was added.
pub(super) fn add_zones(
    project: &Project,
    tools: &Tools,
    python: &Path,
    wanted: &[String],
) -> Result<bool, Error> {
    if project.directory.join(SITE).join(ZONES).is_dir() {
        return Ok(false);
    }
    let mut all: Vec<&str> = wanted.iter().map(String::as_str).collect();
    all.push(ZONES);
    pip(project, tools, python, &all)?;
    Ok(true)
}

/// Let pip install these and nothing else.
fn pip(project: &Project, tools: &Tools, python: &Path, wanted: &[&str]) -> Result<(), Error> {
    let site = project.directory.join(SITE);
    if site.exists() {
        std::fs::remove_dir_all(&site).map_err(Error::system("cannot remove", &site))?;
    }
    std::fs::create_dir_all(&site).map_err(Error::system("cannot create", &site))?;
    if !wanted.is_empty() {
        let mut command = tools.command(project, python);
        command.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        command.args(["--no-compile", "--only-binary=:all:", "--target"]);
        // Wheels for every machine, for the Python that componentize-py has.
        command
            .arg(&site)
            .args(["--platform", "any", "--implementation", "py"]);
        command.args(["--abi", "none", "--python-version", "3.14"]);
        let output = command.args(wanted).stderr(Stdio::piped()).output();
        let output = output.map_err(Error::system("cannot run", python))?;
        if !output.status.success() {
            return Err(Error::wrong(reason(&String::from_utf8_lossy(
                &output.stderr,
            ))));
        }
    }
    let stamp = project.directory.join(STAMP);
    generated::write(&stamp, (wanted.join("\n") + "\n").as_bytes())
}

/// Why pip failed: a package without a wheel of pure Python is named.
fn reason(said: &str) -> String {
    let missing = said
        .lines()
        .find_map(|line| line.split_once("No matching distribution found for "));
    if let Some((_, package)) = missing {
        let package = package.trim();
        return format!(
            "[project] dependencies: {package:?} has no wheel of pure Python (py3-none-any), or \
             pip cannot find it: packages with native code cannot be loaded by a component; take \
             one of pure Python instead"
        );
    }
    if said.contains("No module named pip") {
        return "pip is not installed. To install it: python3 -m ensurepip".to_owned();
    }
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    format!("pip failed: {}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_native_code_is_named() {
        let said = "ERROR: Could not find a version that satisfies the requirement numpy (from \
                    versions: none)\nERROR: No matching distribution found for numpy==2.1\n";
        assert_eq!(
            reason(said),
            "[project] dependencies: \"numpy==2.1\" has no wheel of pure Python (py3-none-any), or \
             pip cannot find it: packages with native code cannot be loaded by a component; take \
             one of pure Python instead"
        );
        assert_eq!(
            reason("/usr/bin/python3: No module named pip\n"),
            "pip is not installed. To install it: python3 -m ensurepip"
        );
        assert_eq!(reason("ERROR: no route\n"), "pip failed: ERROR: no route");
    }
}
