//! `docs/arrows.toml`: what is allowed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Where the rules are.
pub(crate) const FILE: &str = "docs/arrows.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    /// A room of `runner`, and the rooms that it imports.
    pub(crate) arrows: BTreeMap<String, BTreeSet<String>>,
    /// A library, and the rooms, or files and folders of one, that may name it.
    pub(crate) libraries: BTreeMap<String, BTreeSet<String>>,
    pub(crate) sizes: Sizes,
    #[serde(default)]
    pub(crate) owed: Owed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sizes {
    pub(crate) folder: usize,
    pub(crate) file: usize,
    pub(crate) function: usize,
    /// A folder or file that may be larger, and why.
    pub(crate) larger: BTreeMap<String, String>,
}

/// What is not yet so.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Owed {
    /// Files of `runner` that import each other in a circle.
    pub(crate) circles: Vec<BTreeSet<String>>,
    /// Places that name a library as well.
    pub(crate) libraries: BTreeMap<String, BTreeSet<String>>,
    pub(crate) larger: BTreeSet<String>,
    /// `path: function`.
    pub(crate) functions: BTreeSet<String>,
}

pub(crate) fn read() -> Allowed {
    let text = std::fs::read_to_string(super::at(FILE)).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"))
}
