//! Projects: the source of a plugin in a directory, in any of the languages that Runner
//! has an SDK for. [`create`] writes one from a template, [`build`] makes a component of
//! it with the tools of its language.
//!
//! For the application, which checks what was built, and for commands. Knows toolchains
//! and where they are; neither Redis nor running guests. Everything it writes besides a
//! new project is in the project's `.runner` ([`generated`]); what it writes there is in
//! the binary ([`embedded`]), so that a project needs no checkout of Runner.

mod c;
mod component;
mod create;
mod embedded;
mod error;
mod generated;
mod go;
mod js;
mod language;
mod manifest;
mod needs;
mod prepare;
mod project;
mod python;
mod rust;
mod tools;

pub use self::create::{Created, create};
pub use self::error::Error;
pub use self::language::Language;
pub use self::manifest::Engine;
pub use self::needs::needs;
pub use self::project::{IGNORED, Project};
pub use self::tools::Tools;

/// What a build made.
#[derive(Debug, Default)]
pub struct Built {
    /// The component's bytes.
    pub component: Vec<u8>,
    /// What it runs on, where there is a choice, and why: `QuickJS, as it needs nothing
    /// that only StarlingMonkey has`.
    pub engine: Option<String>,
    /// What will not be as the source says, each in a sentence: `Intl is missing: …`.
    pub warnings: Vec<String>,
}

/// Build a project. What its compiler prints goes to stderr as it is.
///
/// # Errors
/// What is wrong with the project or its tools. When the compiler has said it, the error
/// is [`Error::Failed`], which adds nothing.
pub fn build(project: &Project, tools: &Tools) -> Result<Built, Error> {
    let contract = project.contract()?;
    prepare::prepare(project, contract.as_ref())?;
    match project.language {
        Language::Rust => rust::build(project, tools),
        Language::TypeScript | Language::JavaScript => js::build(project, tools),
        Language::Python => python::build(project, tools),
        Language::Go => go::build(project, tools),
        Language::C => c::build(project, contract.as_ref(), tools),
    }
}
