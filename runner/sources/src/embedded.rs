//! What the binary brings along: the SDKs and the templates.
//!
//! For the crate. A debug build reads them from the checkout that it was compiled in,
//! so that a change of theirs needs no compiling; all others hold them.

use std::path::PathBuf;

use rust_embed::Embed;

use super::generated::Files;
use super::language::Language;

/// `sdk/`, without what is for its developers.
#[derive(Embed)]
#[folder = "../../sdk"]
#[exclude = "*node_modules/*"]
#[exclude = "*target/*"]
#[exclude = "js/tests/*"]
#[exclude = "*__pycache__/*"]
#[exclude = "*.pyc"]
#[exclude = "*_cache/*"]
#[exclude = "*/tests/*"]
struct Sdks;

/// `templates/`: a folder for each language, with `base` for all projects, `plain` for
/// those without a contract and `contract` for those with one.
#[derive(Embed)]
#[folder = "templates"]
struct Templates;

/// What stands for what in a template.
pub(crate) type Words = Vec<(&'static str, String)>;

/// The SDK of a language, by paths in it.
pub(crate) fn sdk(language: Language) -> Files {
    below::<Sdks>(&format!("{}/", language.sdk()))
}

/// A part of the template of a language, by paths in the project.
pub(crate) fn template(language: Language, part: &str) -> Files {
    below::<Templates>(&format!("{}/{part}/", language.word()))
}

fn below<E: Embed>(folder: &str) -> Files {
    let names = E::iter();
    let files = names.filter_map(|name| {
        let path = PathBuf::from(name.strip_prefix(folder)?);
        Some((path, E::get(&name)?.data.into_owned()))
    });
    files.collect()
}
