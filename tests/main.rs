//! Behaviour through the door: the real binary, a real Redis, real npm
//! `bullmq`. One folder per room of the product, one file per behaviour.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::disallowed_macros, reason = "a test may print")]
#![allow(missing_docs, reason = "the names of tests say what they show")]

mod api;
mod commands;
mod config;
mod contracts;
mod engine;
mod faults;
mod interop;
mod languages;
mod operate;
mod plugins;
mod reach;
mod sources;
mod support;
mod webhooks;
