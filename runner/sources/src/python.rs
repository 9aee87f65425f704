//! Python: a package with a `pyproject.toml`.
//!
//! For [`super::build`] and [`super::create`]. Knows componentize-py.

use super::Built;
use super::create::Words;
use super::error::Error;
use super::generated::Files;
use super::project::{Contract, Project};
use super::tools::Tools;

pub(crate) fn build(
    _project: &Project,
    _contract: Option<&Contract>,
    _tools: &Tools,
) -> Result<Built, Error> {
    Err(Error::wrong("Python is not built yet"))
}

/// The types of a contract, for `.runner/types`.
pub(crate) fn types(_contract: &Contract) -> Files {
    Files::new()
}

/// What the template of a package with a contract leaves open.
pub(crate) fn words(_contract: &Contract) -> Words {
    Words::new()
}
