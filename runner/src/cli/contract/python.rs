//! `runner contract python`: types for handlers and producers in Python.

use super::Bound;
use crate::cli::output;
use crate::contract;

pub(super) fn run(bound: &Bound) {
    let text = contract::python(Some(&bound.queue), &bound.interface);
    output::line(text.trim_end());
}
