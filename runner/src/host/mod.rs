//! The host API: what a guest can reach, and how much of it.

pub mod bindings;
