//! A contract as one WIT file, for the tools of a plugin's language.

use std::collections::BTreeSet;
use std::path::Path;

use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

use super::{interface, library};

/// The package of the world that is made here.
const PROJECT: &str = "runner:project";

/// The WIT of a contract in a directory: its package and those that it uses, but for
/// the host's, with the world `runner:project/contract` that exports it and imports all
/// that the host has. `id` is that of an interface, with its version.
///
/// # Errors
/// What is wrong in the directory.
pub fn bundle(directory: &Path, id: &str) -> Result<String, String> {
    let world = format!(
        "package {PROJECT};\nworld contract {{\n  include runner:plugin/imports@0.1.0;\n  export {id};\n}}\n"
    );
    let resolve = library::resolve(directory, &world)?;
    let name = |package: PackageId| &resolve.packages[package].name;
    let mut all = resolve.packages.iter().map(|(package, _)| package);
    let main = all
        .find(|package| name(*package).to_string() == PROJECT)
        .ok_or("the world of the project is lost")?;
    let mut used = BTreeSet::new();
    below(&resolve, main, &mut used);
    let mut nested = resolve.topological_packages();
    nested.retain(|package| used.contains(&package.index()) && !interface::is_host(name(*package)));
    let mut printer = WitPrinter::default();
    let printed = printer.print(&resolve, main, &nested);
    printed.map_err(|error| format!("{error:#}"))?;
    Ok(printer.output.to_string())
}

/// The packages that a package uses.
fn below(resolve: &Resolve, package: PackageId, used: &mut BTreeSet<usize>) {
    for of in resolve.package_direct_deps(package) {
        if used.insert(of.index()) {
            below(resolve, of, used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_bundled_with_what_it_uses_and_its_comments() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("a.wit"),
            "package acme:mail@1.0.0;\ninterface mails {\n  use acme:people/people.{person};\n  \
             use runner:plugin/outcome@0.1.0.{failure};\n  /// Send it.\n  send: func(to: person) \
             -> result<_, failure>;\n}\n",
        )
        .unwrap();
        std::fs::write(
            directory.path().join("b.wit"),
            "package acme:people;\ninterface people { record person { name: string } }\n",
        )
        .unwrap();
        std::fs::write(
            directory.path().join("c.wit"),
            "package acme:other;\ninterface others { f: func(); }\n",
        )
        .unwrap();
        let text = bundle(directory.path(), "acme:mail/mails@1.0.0").unwrap();
        for part in [
            "package runner:project;",
            "export acme:mail/mails@1.0.0;",
            "package acme:people {",
            "/// Send it.",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(!text.contains("acme:other") && !text.contains("package runner:plugin"));
        // It can be read again, beside the host's.
        let mut resolve = Resolve::default();
        let mut host = wit_parser::SourceMap::default();
        for (name, text) in library::HOST {
            host.push_str(name, text);
        }
        resolve.push_group(host.parse().unwrap()).unwrap();
        let package = resolve.push_str("contract.wit", &text).unwrap();
        resolve.select_world(&[package], Some("contract")).unwrap();
    }
}
