//! `[plugins.<name>]`: what a plugin may do.

mod blobs;
pub(crate) mod kv;
pub(crate) mod sql;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::blobs::{BlobStore, Cloud, Login, Place};
use self::kv::Kv;
use self::sql::Database;
use crate::argument::Argument;
use crate::contract::Contract;

/// `[plugins.<name>]`: what a plugin is granted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plugin {
    /// Its name; the file is `<name>.wasm` unless `file` says otherwise.
    pub name: String,
    /// The component's file; relative to `queues.toml`.
    pub file: PathBuf,
    /// `source`: the directory of its project, relative to `queues.toml`, if Runner
    /// builds it.
    pub source: Option<PathBuf>,
    /// Origins the plugin may call: `https://api.example.com`,
    /// `https://*.example.com`, `http://127.0.0.1:9000`. If this is empty, it
    /// may call none. A host that is an address grants that address, public or not.
    pub http: Vec<Origin>,
    /// Networks that the names in `http` may resolve into although they are not
    /// public: `http = ["http://api.internal"]` needs `["10.0.0.0/8"]` here.
    pub http_networks: Vec<ipnet::IpNet>,
    /// `config`: settings, strings or any TOML value as JSON.
    pub config: BTreeMap<String, String>,
    /// `secrets`, resolved. `Debug` does not show values.
    pub secrets: BTreeMap<String, Secret>,
    /// `dirs`: guest path → host directory, read-only.
    pub dirs: BTreeMap<String, PathBuf>,
    /// `sql`: its databases, by the names it knows them by.
    pub sql: BTreeMap<String, Database>,
    /// `blobs`: its object stores, by the names it knows them by.
    pub blobs: BTreeMap<String, BlobStore>,
    /// `kv`: how much it may keep in Redis; nothing otherwise.
    pub kv: Option<Kv>,
    /// `args`: what a program is called with.
    pub args: Vec<Argument>,
    /// `argv0`: the name a program is called by; that of the plugin if there is none.
    pub argv0: Option<String>,
    /// `stdin`: what a program reads; the payload if it is not said.
    pub stdin: Option<Argument>,
    /// `stdout`: how what a program writes becomes the result of the job.
    pub stdout: Stdout,
    /// `env`: variables of its environment.
    pub env: BTreeMap<String, Variable>,
    /// `scratch`: bytes that each of its jobs may have in a private directory at
    /// [`SCRATCH`]; there is none otherwise.
    pub scratch: Option<usize>,
    /// The contracts of the queues that name it: it must export each of them, or
    /// take their jobs as JSON.
    pub contracts: Vec<Arc<Contract>>,
    /// The largest `memory` of the queues that name it; `None` when no queue does.
    pub memory: Option<usize>,
    /// Whether no queue names it, so that it may have any contract: a file that
    /// somebody inspects or tries out.
    pub unbound: bool,
}

/// An origin of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    /// Lower case; with a leading `*.` any subdomain (not the domain itself).
    pub host: String,
    /// Explicit or the scheme's own.
    pub port: u16,
}

/// How what a program writes to stdout becomes the result of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stdout {
    /// As it is if it is JSON, else as a text.
    #[default]
    Json,
    /// As a text, whatever it is.
    Text,
    /// As a text, in base64: for images and other bytes.
    Base64,
}

impl Stdout {
    pub(super) const ALL: [Stdout; 3] = [Stdout::Json, Stdout::Text, Stdout::Base64];

    /// As it is written: `json`.
    pub fn name(self) -> &'static str {
        match self {
            Stdout::Json => "json",
            Stdout::Text => "text",
            Stdout::Base64 => "base64",
        }
    }
}

/// Where a guest finds its scratch directory.
pub const SCRATCH: &str = "/tmp";

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// As it stands in the file.
    Plain(String),
    /// What `env:NAME` or `file:path` stands for.
    Secret(Secret),
}

impl Variable {
    /// The value.
    pub fn value(&self) -> &str {
        match self {
            Variable::Plain(text) => text,
            Variable::Secret(secret) => &secret.0,
        }
    }
}

/// A secret value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}
