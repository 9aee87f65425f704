//! Behaviour through the door: the real binary, a real Redis, real npm
//! `bullmq`. One file per behaviour.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::disallowed_macros, reason = "a test may print")]
#![allow(missing_docs, reason = "the names of tests say what they show")]

mod admin;
mod bad_data;
mod budgets;
mod cli;
mod cluster;
mod config;
mod contract_tools;
mod contracts;
mod crashes;
mod cron;
mod deadletter;
mod dedup;
mod deploy;
mod dlq;
mod docs;
mod embedded;
mod faults;
mod files;
mod flows;
mod gates;
mod hostapi;
mod http;
mod interop;
mod keep;
mod loading;
mod metrics;
mod options;
mod payloads;
mod plugin_cases;
mod policies;
mod queue_engine;
mod queue_equality;
mod queue_faults;
mod queue_proof;
mod recovery;
mod reload;
mod rights;
mod sandbox;
mod schedules;
mod servers;
mod support;
mod swap_check;
mod system;
mod terminal;
mod tls;
mod topology;
