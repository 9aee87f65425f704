//! `runner contract typescript`: types for a producer.

use super::Bound;
use crate::cli::output;
use crate::contract;

pub(super) fn run(bound: &Bound) {
    let text = contract::typescript(&bound.queue, &bound.interface);
    output::line(text.trim_end());
}
