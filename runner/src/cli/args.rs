//! States of jobs as arguments.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::queue::State;

/// A parser that takes the names of these states.
pub(super) fn one_of(
    states: impl IntoIterator<Item = State>,
) -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(states.into_iter().map(State::name))
        .map(|name| name.parse().expect("one of the possible values"))
}
