//! `[plugins.<name>]`: what a plugin may do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::contract::Contract;

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
