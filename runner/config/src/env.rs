//! The environment and the flags, as values: the process' own are read once, so
//! that a test or a reload sees exactly what it is given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Environment variables. One that is set and empty counts as not set, as in
/// the `REDIS_PASSWORD=` of many `.env` files.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Those of this process; what is not UTF-8 is left out.
    #[expect(clippy::disallowed_methods, reason = "the place to read them")]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What flags of the command line set; wins over everything.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `--redis`: a Redis URL, or `embedded`.
    pub redis_url: Option<String>,
    /// `--prefix`
    pub redis_prefix: Option<String>,
    /// `--plugins`, relative to the working directory.
    pub plugins: Option<PathBuf>,
    /// `--concurrency`, of every queue.
    pub concurrency: Option<u32>,
    /// `--grace`
    pub grace: Option<Duration>,
    /// `--listen`: where the HTTP API listens.
    pub listen: Option<String>,
    /// There is an HTTP API even where nothing else asks for one.
    pub serves: bool,
    /// Somebody develops: what a grant needs and this machine has not gets a stand-in.
    pub dev: bool,
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self
            .redis_url
            .as_deref()
            .map(super::problem::mask_passwords);
        f.debug_struct("Overrides")
            .field("redis_url", &url)
            .field("redis_prefix", &self.redis_prefix)
            .field("plugins", &self.plugins)
            .field("concurrency", &self.concurrency)
            .field("grace", &self.grace)
            .field("listen", &self.listen)
            .field("serves", &self.serves)
            .field("dev", &self.dev)
            .finish()
    }
}
