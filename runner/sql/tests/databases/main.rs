//! Statements in real servers: Postgres, MariaDB, SQLite.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(missing_docs, reason = "the names of tests say what they show")]

mod mariadb;
mod postgres;
mod random;
mod sqlite;
mod support;
