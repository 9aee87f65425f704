//! `queues.toml` as it is used: checked, complete, with every default filled
//! in.
//!
//! [`Config::load`] reads the file, the environment and the flags, and either
//! returns a whole [`Config`] or all mistakes at once ([`Problems`]). It reads
//! files and connects to nothing. [`keys`] says once what each key is: to add one,
//! go there. [`decode`] walks the TOML and remembers where each value came from,
//! [`load`] fills the types, each in the file of its table, [`explain`](explain())
//! shows values with their origin, and [`Config::diff`] says what a reload changes.
//! Every room may use this one; it uses only contracts, cron patterns and units.

mod address;
mod argument;
mod contract;
mod decode;
mod diff;
mod env;
mod explain;
mod job;
mod keys;
mod load;
mod lost;
mod origins;
mod pattern;
mod plugin;
mod problem;
mod queue;
mod redis;
mod runtime;
mod schedule;
mod server;
mod sources;
mod syntax;
mod traces;
mod value;
pub mod webhook;

pub use address::{Address, Family, Host, Route, Tls, Trust, tag};
pub use argument::{Argument, Piece, Placeholder};
pub use contract::{Contract, SwapCheck};
pub use diff::Changes;
pub use env::{Env, Overrides};
pub use explain::{Explained, Explanation, explain, explain_all};
pub use job::backoff::{LONGEST_WAIT, Strategies, Strategy, wait};
pub use job::{Backoff, BackoffKind, DeadLetter, JobDefaults, Keep, PRIORITY_LIMIT};
pub use keys::reference;
pub use load::Loaded;
pub use lost::lost;
pub use origins::{Origins, Source};
pub use pattern::Pattern;
pub use plugin::kv::Kv;
pub use plugin::sql::Database;
pub use plugin::{
    BlobStore, Cloud, Login, Origin, Place, Plugin, SCRATCH, Secret, Stdout, Variable,
};
pub use problem::nearest;
pub use problem::{Problems, masked};
pub use queue::{Group, JobSettings, Limiter, Queue, Unrouted};
pub use redis::{Redis, RedisUrl};
pub use runtime::Runtime;
pub use schedule::{Schedule, When};
pub use server::access::{Access, Token, User};
pub use server::grant::{Grant, Role, Scope};
pub use server::jwt::{Jwt, JwtKey, JwtKeys};
pub use server::{Certificate, Listen, Server};
pub use sources::Sources;
pub use traces::{Relation, Traces};
pub use value::Fault;
pub use webhook::Webhook;

use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[redis]`
    pub redis: Redis,
    /// `[runtime]`
    pub runtime: Runtime,
    /// `[server]`; `None` without an HTTP API.
    pub server: Option<Arc<Server>>,
    /// `[traces]`
    pub traces: Traces,
    /// `[queues.<name>]`
    pub queues: BTreeMap<String, Arc<Queue>>,
    /// `[plugins.<name>]`; a plugin that is named by a queue and has no table
    /// of its own is here with the defaults (no grants).
    pub plugins: BTreeMap<String, Arc<Plugin>>,
    /// `[[schedules]]` in the order of the file.
    pub schedules: Vec<Arc<Schedule>>,
    /// `[[routes]]` in the order of the file.
    pub routes: Vec<Arc<webhook::Route>>,
}
