//! Whether a component would be let in, told without compiling it: what loading checks
//! before it compiles, in the same order.
//!
//! For what builds plugins. Knows the checks of [`component`](super::component).

use super::component::bounds::{self, Fault};
use super::component::{Shape, doors};
use super::load::Kind;
use super::refusal::Refusal;
use crate::config;
use crate::host::Host;

/// Look at a component for a plugin of `queues.toml`: its bounds, imports, exports and
/// contracts. What it imports and exports.
///
/// # Errors
/// Why it would be refused.
pub fn examine(host: &Host, bytes: &[u8], plugin: &config::Plugin) -> Result<Shape, Refusal> {
    let kind = Kind::of(bytes)?;
    let within = bounds::check(bytes).and_then(|bodies| bounds::check_functions(&bodies));
    within.map_err(|fault| match fault {
        Fault::Invalid(reason) => Refusal::Invalid(reason),
        Fault::Bound { what, max } => Refusal::Bound {
            what: what.to_owned(),
            max,
        },
    })?;
    let shape = kind.shape(bytes)?;
    if kind == Kind::Component {
        doors::check_imports(host, &shape, bytes)?;
    }
    doors::fits(&shape, &kind.opened(bytes), plugin)?;
    Ok(shape)
}
