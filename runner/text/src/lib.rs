//! Text for people: how durations, sizes and counts are written, and what a terminal
//! may be sent. Any crate may use it; it knows none of the others.

pub mod printable;
pub mod units;
