//! `runner contract go`: types for handlers and producers in Go.

use super::Bound;
use crate::cli::output;
use crate::contract;

pub(super) fn run(bound: &Bound) {
    let text = contract::go(&bound.queue, &bound.interface);
    output::line(text.trim_end());
}
