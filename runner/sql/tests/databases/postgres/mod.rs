//! Postgres.

mod clean;
mod mistakes;
mod stopping;
mod values;
