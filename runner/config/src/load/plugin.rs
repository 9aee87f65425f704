//! `[plugins.*]`: what a plugin is granted. Everything is denied that does not
//! stand here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use toml::de::DeValue;
use url::{Host, Url};

use crate::decode::{Decoder, Entry, Table};
use crate::keys::plugin::PLUGIN;
use crate::keys::queue::check_plugin_name;
use crate::load::blobs;
use crate::load::secret::{SecretFault, secret};
use crate::load::sql;
use crate::origins::join;
use crate::problem::nearest;
use crate::value::{self, Fault, Raw, fault};
use crate::{Argument, Origin, Plugin, Queue, SCRATCH, Variable};

type Withheld = BTreeMap<String, Vec<String>>;

/// The plugins that have a table or are named by a queue, and by plugin the
/// optional secrets that are not set.
pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    directory: &Path,
    queues: &BTreeMap<String, Arc<Queue>>,
) -> (BTreeMap<String, Arc<Plugin>>, Withheld) {
    let mut plugins = BTreeMap::new();
    let mut withheld = Withheld::new();
    let used: Vec<&str> = queues.values().flat_map(|queue| queue.plugins()).collect();
    for entry in decoder.free_entries(root, "plugins") {
        let path = join("plugins", entry.key);
        if let Err(fault) = check_plugin_name(entry.key) {
            decoder.refuse(entry.key_span.clone(), &path, fault);
        }
        let Some(table) = decoder.as_table(&entry, path) else {
            continue;
        };
        decoder.only(&table, PLUGIN.names());
        let (plugin, missing) = read(decoder, entry.key, &table, directory);
        plugins.insert(entry.key.to_owned(), plugin);
        if !missing.is_empty() {
            withheld.insert(entry.key.to_owned(), missing);
        }
        if !used.contains(&entry.key) {
            let hint = match nearest(entry.key, used.iter().copied()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => String::new(),
            };
            let text = format!("no queue uses the plugin `{}`{hint}", entry.key);
            decoder.warn(entry.key_span.start, text);
        }
    }
    for queue in queues.values() {
        bind(queue, directory, &mut plugins);
    }
    let plugins = plugins.into_iter();
    let plugins = plugins.map(|(name, plugin)| (name, Arc::new(plugin)));
    (plugins.collect(), withheld)
}

/// Tell the plugins of a queue what the queue asks of them. One without a table has
/// no grants.
fn bind(queue: &Queue, directory: &Path, plugins: &mut BTreeMap<String, Plugin>) {
    for settings in queue.all_settings() {
        let Some(name) = &settings.plugin else {
            continue;
        };
        let plugin = plugins.entry(name.clone()).or_insert_with(|| Plugin {
            name: name.clone(),
            file: directory.join(format!("{name}.wasm")),
            ..Plugin::default()
        });
        plugin.memory = plugin.memory.max(Some(settings.memory));
    }
    if let (Some(name), Some(contract)) = (&queue.base.plugin, &queue.base.contract)
        && let Some(plugin) = plugins.get_mut(name)
    {
        plugin.contracts.push(contract.clone());
    }
}

fn read(
    decoder: &mut Decoder<'_>,
    name: &str,
    table: &Table<'_>,
    directory: &Path,
) -> (Plugin, Vec<String>) {
    let file = decoder.value(table, "file", value::text);
    let source = decoder.value(table, "source", value::text);
    let mut plugin = Plugin {
        name: name.to_owned(),
        file: match file {
            Some(file) => decoder.path(&file),
            None => directory.join(format!("{name}.wasm")),
        },
        source: source.map(|directory| decoder.path(&directory)),
        http: decoder.list(table, "http", origin),
        http_networks: decoder.list(table, "http_networks", network),
        args: decoder.list(table, "args", Argument::read),
        ..Plugin::default()
    };
    PLUGIN.read(decoder, table, &mut plugin);
    read_config(decoder, table, &mut plugin);
    let mut missing = Vec::new();
    plugin.secrets = decoder.secret_table(table, "secrets", &mut missing);
    read_env(decoder, table, &mut plugin, &mut missing);
    sql::read(decoder, table, &mut plugin, &mut missing);
    blobs::read(decoder, table, &mut plugin);
    for entry in decoder.free_entries(table, "dirs") {
        if let Some(dir) = directory_of(decoder, &join(&table.path, "dirs"), &entry) {
            plugin.dirs.insert(entry.key.to_owned(), dir);
        }
        if entry.key.trim_end_matches('/') == SCRATCH && plugin.scratch.is_some() {
            let fault = fault(
                "is where `scratch` puts the private directory of a job",
                "grant the directory under another path, or leave out `scratch`",
            );
            let path = join(&join(&table.path, "dirs"), entry.key);
            decoder.refuse(entry.key_span.clone(), &path, fault);
        }
    }
    (plugin, missing)
}

/// `config`: settings of any kind.
fn read_config(decoder: &mut Decoder<'_>, table: &Table<'_>, plugin: &mut Plugin) {
    for entry in decoder.free_entries(table, "config") {
        let path = join(&join(&table.path, "config"), entry.key);
        match setting(entry.value) {
            Ok(text) => {
                plugin.config.insert(entry.key.to_owned(), text);
            }
            Err(fault) => decoder.refuse(entry.span.clone(), &path, fault),
        }
    }
}

/// `env`: variables with a name that the environment can have.
fn read_env(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    plugin: &mut Plugin,
    missing: &mut Vec<String>,
) {
    for entry in decoder.free_entries(table, "env") {
        let path = join(&join(&table.path, "env"), entry.key);
        if let Err(fault) = check_variable(entry.key) {
            decoder.refuse(entry.key_span.clone(), &path, fault);
            continue;
        }
        match variable(decoder, entry.value) {
            Ok(Some(value)) => {
                plugin.env.insert(entry.key.to_owned(), value);
            }
            Ok(None) => missing.push(entry.key.to_owned()),
            Err(fault) => decoder.refuse(entry.span.clone(), &path, fault),
        }
    }
}

impl Decoder<'_> {
    /// The items of the list under this key that `read` takes.
    pub(super) fn list<T>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        read: impl Fn(Raw<'_>) -> Result<T, Fault>,
    ) -> Vec<T> {
        let path = join(&table.path, key);
        let as_list = |raw: Raw<'_>| match raw {
            Raw::Toml(DeValue::Array(_)) => Ok(()),
            _ => Err(raw.is_not("a list", "write it in brackets: [\"…\"]")),
        };
        if self.value(table, key, as_list).is_none() {
            return Vec::new();
        }
        let items = table.get(key).and_then(|entry| entry.value.as_array());
        let mut list = Vec::new();
        for item in items.into_iter().flat_map(|items| items.iter()) {
            match read(Raw::Toml(item.get_ref())) {
                Ok(value) => list.push(value),
                Err(fault) => self.refuse(item.span(), &path, fault),
            }
        }
        list
    }

    /// The entries of a table whose keys are the user's.
    pub(super) fn free_entries<'t>(&mut self, table: &Table<'t>, key: &str) -> Vec<Entry<'t>> {
        self.free_table(table, key)
            .map(|table| table.entries)
            .unwrap_or_default()
    }
}

/// `https://api.example.com`, `https://*.example.com`, `http://127.0.0.1:9000`.
pub(super) fn origin(raw: Raw<'_>) -> Result<Origin, Fault> {
    let hint = "write scheme and host: \"https://api.example.com\", \"https://*.example.com\"";
    let refused = || raw.is_not("an origin", hint);
    let text = value::text(raw).map_err(|_| refused())?;
    let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
    let (wildcard, rest) = match rest.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", rest),
    };
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| refused())?;
    if !matches!(url.scheme(), "http" | "https") || rest.contains('*') {
        return Err(refused());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(
            "must be an origin without a user",
            "give the plugin the password as a secret",
        ));
    }
    if rest.contains(['/', '?', '#']) {
        return Err(fault(
            "must be an origin without a path",
            "a plugin may call every path of an origin; end the origin after the host",
        ));
    }
    let host = url.host().ok_or_else(refused)?;
    if !wildcard.is_empty() && !matches!(host, Host::Domain(_)) {
        return Err(refused());
    }
    Ok(Origin {
        scheme: url.scheme().to_owned(),
        host: format!("{wildcard}{host}"),
        port: url.port_or_known_default().ok_or_else(refused)?,
    })
}

/// `10.0.0.0/8`, or one address.
pub(super) fn network(raw: Raw<'_>) -> Result<IpNet, Fault> {
    let refused = || raw.is_not("a network", "write \"10.0.0.0/8\" or one address");
    let text = value::text(raw).map_err(|_| refused())?;
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| refused())
}

/// A setting is text: a string as it is, anything else as JSON.
fn setting(value: &DeValue<'_>) -> Result<String, Fault> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        other => Ok(value::json(other)?.to_string()),
    }
}

/// Whether a variable of the environment may have this name.
fn check_variable(name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(fault(
            "is not the name of a variable: it must not be empty or have `=` in it",
            "write API_KEY = \"env:API_KEY\"",
        ));
    }
    match name.starts_with("RUNNER_") {
        true => Err(fault(
            "is a name that Runner sets itself, as all that begin with RUNNER_",
            "use another name",
        )),
        false => Ok(()),
    }
}

/// A variable is text like a setting, or where a secret is. `None` is an optional one
/// that is not set.
fn variable(decoder: &mut Decoder<'_>, value: &DeValue<'_>) -> Result<Option<Variable>, Fault> {
    let found = match secret(decoder, Raw::Toml(value)) {
        Ok(found) => found.map(Variable::Secret),
        Err(SecretFault::Missing(fault)) => return Err(fault),
        Err(SecretFault::Literal(_)) => Some(Variable::Plain(setting(value)?)),
    };
    match found.as_ref().is_some_and(|of| of.value().contains('\0')) {
        true => Err(fault(
            "must not have the character U+0000",
            "a variable ends there",
        )),
        false => Ok(found),
    }
}

/// One `guest path = host directory`. A directory may come later, so one that
/// is missing is a warning.
fn directory_of(decoder: &mut Decoder<'_>, path: &str, entry: &Entry<'_>) -> Option<PathBuf> {
    let path = join(path, entry.key);
    let plain = entry.key.starts_with('/') && !entry.key.split('/').any(|part| part == "..");
    if !plain {
        let fault = fault(
            "is not a path in the plugin: it must start with a slash and must not contain `..`",
            "write \"/documents\" = \"data/documents\"",
        );
        // It may be a secret that has lost its table.
        if !entry.key.contains('/') && decoder.may_be_secret(entry) {
            decoder.problems.mask(entry.span.clone());
        }
        decoder.refuse(entry.key_span.clone(), &path, fault);
        return None;
    }
    let text = match value::text(Raw::Toml(entry.value)) {
        Ok(text) => text,
        Err(fault) => {
            decoder.refuse(entry.span.clone(), &path, fault);
            return None;
        }
    };
    let dir = decoder.path(&text);
    if !dir.exists() {
        decoder.warn(
            entry.span.start,
            format!("`{path}`: there is no directory {text} yet"),
        );
    } else if !dir.is_dir() {
        let fault = fault(
            format!("must be a directory, found the file {text:?}"),
            "name its directory",
        );
        decoder.refuse(entry.span.clone(), &path, fault);
        return None;
    }
    Some(dir)
}
