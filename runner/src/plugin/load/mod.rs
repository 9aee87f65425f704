//! One load: from the file to the version in service.
//!
//! For the registry, which says when. Knows the whole way, each step in its file.

mod cache;
mod file;
mod kind;
mod trial;
mod turns;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use wasmtime::component::Component;

use self::cache::Cache;
pub(super) use self::kind::Kind;
use self::turns::Turns;
use super::compile::{Compiler, Form, Unmade, adapter};
use super::component::{Made, doors};
use super::crew::Crew;
use super::engine::fingerprint;
use super::entry::Entry;
use super::kept::Kept;
use super::pace::Pace;
use super::refusal::Refusal;
use super::version::{Plugin, UNUSED};
use crate::config::{self, Runtime};
use crate::contract::{DOOR, Opened, compare};
use crate::host::{Grants, Host};

/// Loads plugins; any number at once.
pub(super) struct Loader {
    host: Arc<Host>,
    cache: Option<Cache>,
    compiler: Compiler,
    /// Bytes a plugin's file may have.
    max_size: u64,
    crew: Arc<Crew>,
    /// Whose components, by digest, are being compiled.
    compiling: Turns,
    /// Where Redis is asked about the jobs of a queue. Absent in commands that only
    /// look at files: then nothing is asked.
    runtime: Option<Handle>,
}

impl Loader {
    /// Compiles what the cache does not have by starting this `runner`. Waits aside
    /// in this crew, whose jobs the loads are.
    pub(super) fn new(
        host: Arc<Host>,
        runtime: &Runtime,
        runner: PathBuf,
        crew: Arc<Crew>,
    ) -> Loader {
        let cache = Cache::open(&runtime.cache)
            .inspect_err(|error| {
                tracing::warn!(%error, directory = %runtime.cache.display(), "working without a cache of compiled plugins");
            })
            .ok();
        Loader {
            host,
            cache,
            compiler: Compiler {
                program: runner,
                timeout: runtime.compile_timeout,
                memory: runtime.compile_memory as u64,
            },
            max_size: runtime.max_plugin as u64,
            crew,
            compiling: Turns::default(),
            runtime: Handle::try_current().ok(),
        }
    }

    /// What guests reach.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// What this plugin may reach.
    pub(super) fn grants(&self, plugin: &Arc<config::Plugin>) -> Grants {
        self.host.grants(plugin.clone())
    }

    /// Take a plugin's file the whole way; whether that changed anything. Nothing
    /// happens when the file is the one in service or the one refused last.
    pub(super) fn load(&self, entry: &Entry) -> bool {
        let name = &entry.config.name;
        let file = &entry.config.file;
        let bytes = match file::read(file, self.max_size) {
            Ok(bytes) => bytes,
            Err(refusal) => return entry.refuse(String::new(), refusal),
        };
        let digest = hex::encode(Sha256::digest(&bytes));
        let serving = entry.serving.load();
        if serving
            .as_ref()
            .is_some_and(|plugin| plugin.digest == digest)
        {
            *entry.lock_refused() = None;
            return false;
        }
        if entry
            .lock_refused()
            .as_ref()
            .is_some_and(|(refused, why)| *refused == digest && !why.may_pass())
        {
            return false;
        }
        let grants = self.grants(&entry.config);
        let built = self.build(name, &digest, &bytes, grants);
        let let_in = built.and_then(|plugin| match serving.as_deref() {
            Some(old) => {
                let held = || self.held(&entry.config, old, &plugin);
                self.crew.aside(held).map(|()| plugin)
            }
            None => Ok(plugin),
        });
        match let_in {
            Ok(plugin) => {
                tracing::info!(
                    plugin = name,
                    version = &*plugin.version,
                    previous = serving.as_ref().map(|old| &*old.version),
                    language = plugin.made.language,
                    toolchain = plugin.made.toolchain,
                    cached = plugin.cached,
                    ms = plugin.took.as_millis() as u64,
                    "plugin loaded"
                );
                if let Some(old) = serving.as_ref() {
                    tell_differences(name, old, &plugin);
                }
                for key in plugin.unused() {
                    tracing::warn!(plugin = name, key, "the key has no effect: {UNUSED}");
                }
                entry.serve(Arc::new(plugin));
                *entry.lock_refused() = None;
                true
            }
            Err(refusal) => entry.refuse(digest, refusal),
        }
    }

    fn build(
        &self,
        name: &str,
        digest: &str,
        bytes: &[u8],
        grants: Grants,
    ) -> Result<Plugin, Refusal> {
        let began = Instant::now();
        let kind = Kind::of(bytes)?;
        let found = self.cached(digest, bytes, kind);
        let cached = found.is_some();
        let (component, opened) = match found {
            Some(found) => found,
            None => self.compile(digest, bytes, kind, &grants.plugin)?,
        };
        let shape = kind.shape(bytes)?;
        let exports = doors::fits(&shape, &opened, &grants.plugin)?;
        let doors = doors::link(&self.host, &component, shape, exports)?;
        drop(opened);
        let memory = trial::run(&self.host, &grants, &doors, &self.crew)?;
        Ok(Plugin {
            version: format!("{name}@{}", &digest[..12]).into(),
            size: bytes.len() as u64,
            made: Made::read(bytes),
            took: began.elapsed(),
            cached,
            digest: digest.to_owned(),
            grants,
            doors,
            memory,
            pace: Pace::default(),
            kept: Kept::default(),
        })
    }

    /// The compiled form of a component and its contracts, when it was compiled
    /// before: so it is valid.
    fn cached(&self, digest: &str, bytes: &[u8], kind: Kind) -> Option<(Component, Opened)> {
        let cache = self.cache.as_ref()?;
        kind.forms().iter().find_map(|form| {
            let component = cache.load(self.host.engine(), &key(digest, *form))?;
            let opened = kind.opened(bytes);
            (kind.form(&opened) == *form).then_some((component, opened))
        })
    }

    /// Compile what is valid, has bounds, and fits host and queues.
    fn compile(
        &self,
        digest: &str,
        bytes: &[u8],
        kind: Kind,
        plugin: &config::Plugin,
    ) -> Result<(Component, Opened), Refusal> {
        let _turn = self.crew.aside(|| self.compiling.take(digest));
        // Another plugin may have the same component.
        if let Some(found) = self.cached(digest, bytes, kind) {
            return Ok(found);
        }
        if let Some(cache) = &self.cache {
            match self.compile_into(cache, digest, bytes, kind, plugin) {
                Ok(compiled) => return Ok(compiled),
                Err(Unmade::Refused(refusal)) => return Err(refusal),
                Err(Unmade::Unwritten(error)) => {
                    tracing::warn!(plugin = plugin.name, %error, "compiled code is not kept");
                }
            }
        }
        let (opened, code) = self.make(bytes, kind, plugin, Stdio::piped())?;
        let component = cache::made(self.host.engine(), &code);
        let component = component.map_err(|error| Refusal::Invalid(format!("{error:#}")))?;
        Ok((component, opened))
    }

    /// The same through a file, which stays for the next start.
    fn compile_into(
        &self,
        cache: &Cache,
        digest: &str,
        bytes: &[u8],
        kind: Kind,
        plugin: &config::Plugin,
    ) -> Result<(Component, Opened), Unmade> {
        let artifact = cache.begin()?;
        let (opened, _) = self.make(bytes, kind, plugin, artifact.file()?)?;
        let key = key(digest, kind.form(&opened));
        Ok((cache.keep(self.host.engine(), &key, artifact)?, opened))
    }

    /// The contracts of a component, and its compiled code unless that goes to a
    /// file.
    fn make(
        &self,
        bytes: &[u8],
        kind: Kind,
        plugin: &config::Plugin,
        artifact: impl Into<Stdio>,
    ) -> Result<(Opened, Vec<u8>), Unmade> {
        let fingerprint = fingerprint(self.host.engine());
        let valid = self
            .crew
            .aside(|| self.compiler.validate(fingerprint, bytes, artifact))
            .map_err(|unmade| kind.named(unmade))?;
        let opened = kind.opened(bytes);
        let shape = kind.shape(bytes)?;
        if kind == Kind::Component {
            doors::check_imports(&self.host, &shape, bytes)?;
        }
        doors::fits(&shape, &opened, plugin)?;
        let form = kind.form(&opened);
        let code = self.crew.aside(|| valid.compile(form));
        let code = code.map_err(|unmade| kind.named(unmade))?;
        Ok((opened, code))
    }

    /// Whether jobs that are in Redis let a new version in. What stands in a WIT
    /// file is the same for both.
    fn held(&self, plugin: &config::Plugin, old: &Plugin, new: &Plugin) -> Result<(), Refusal> {
        let Some(runtime) = &self.runtime else {
            return Ok(());
        };
        for contract in &plugin.contracts {
            let of = |plugin: &Plugin| plugin.doors.contract(contract).cloned();
            let (Some(before), Some(after)) = (of(old), of(new)) else {
                continue;
            };
            let Some(queue) = self.host.queue(&contract.queue) else {
                continue;
            };
            if !compare(&before, &after).iter().any(|it| it.breaking) {
                continue;
            }
            let (before, after) = (contract.of(&before), contract.of(&after));
            match runtime.block_on(queue.held(Some(&before), &after)) {
                Ok(None) => {}
                Ok(Some(jobs)) => return Err(Refusal::Held(jobs)),
                Err(error) => return Err(Refusal::Held(error.to_string())),
            }
        }
        Ok(())
    }
}

/// Say what a new version changes in a contract that is in no WIT file: such a
/// contract is what the plugin makes it.
fn tell_differences(plugin: &str, old: &Plugin, new: &Plugin) {
    for before in old.doors.contracts() {
        let mut contracts = new.doors.contracts();
        let after = contracts.find(|after| after.unversioned() == before.unversioned());
        let Some(after) = after else {
            continue;
        };
        for difference in compare(before, after) {
            let contract = before.unversioned();
            if difference.breaking {
                tracing::warn!(
                    plugin,
                    contract,
                    %difference,
                    "the contract has changed, jobs may not fit: runner check --against-redis"
                );
            } else {
                tracing::info!(plugin, contract, %difference, "the contract has changed");
            }
        }
    }
}

/// Under which compiled code is kept: another form is other code.
fn key(digest: &str, form: Form) -> String {
    match form {
        Form::AsItIs => digest.to_owned(),
        Form::WithDoor => format!("{digest}{DOOR}"),
        Form::Adapted => format!("{digest}{}", adapter()),
    }
}
