//! Where a secret is: `env:NAME`, `env:NAME?` or `file:path`, never the secret itself.
//! For all tables that have one.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::DeValue;

use crate::Secret;
use crate::decode::{Decoder, Table};
use crate::origins::join;
use crate::value::{self, Fault, Raw, fault};

/// Why there is no secret.
pub(super) enum SecretFault {
    /// What stands in the file may be the secret itself.
    Literal(Fault),
    Missing(Fault),
}

/// `env:NAME`, `env:NAME?` or `file:path`. `None` is an optional one that is
/// not set.
pub(super) fn secret(
    decoder: &mut Decoder<'_>,
    raw: Raw<'_>,
) -> Result<Option<Secret>, SecretFault> {
    let text = value::text(raw).unwrap_or_default();
    if let Some(name) = text.strip_prefix("env:") {
        let (name, optional) = match name.strip_suffix('?') {
            Some(name) => (name, true),
            None => (name, false),
        };
        return match decoder.env.get(name) {
            Some(value) => Ok(Some(Secret(value.to_owned()))),
            None if optional => Ok(None),
            None => Err(SecretFault::Missing(fault(
                format!("needs the environment variable {name}, which is unset or empty"),
                format!("set it, or write \"env:{name}?\" to go without"),
            ))),
        };
    }
    if let Some(path) = text.strip_prefix("file:") {
        let file = decoder.path(path);
        decoder.sources.secrets.insert(file.clone());
        return match std::fs::read_to_string(file) {
            Ok(text) => Ok(Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned()))),
            Err(error) => Err(SecretFault::Missing(fault(
                format!("cannot be read from {path}: {}", reason(&error)),
                "paths are relative to the directory of this file",
            ))),
        };
    }
    Err(SecretFault::Literal(fault(
        "must say where the secret is: secrets are never written in queues.toml",
        "write \"env:NAME\", \"env:NAME?\" or \"file:/path\"",
    )))
}

impl Decoder<'_> {
    /// The secrets under this key: one, or a list of several while one takes the place
    /// of another. An optional one that is not set is left out, but one must be there;
    /// each must be one that `check` takes. None if that is not so.
    pub(super) fn secrets(
        &mut self,
        table: &Table<'_>,
        key: &str,
        check: fn(&Secret) -> Result<(), Fault>,
    ) -> Option<Vec<Secret>> {
        let entry = table.get(key)?.clone();
        let path = join(&table.path, key);
        let items: Vec<(&DeValue<'_>, Range<usize>)> = match entry.value.as_array() {
            Some(list) => list
                .iter()
                .map(|item| (item.get_ref(), item.span()))
                .collect(),
            None => vec![(entry.value, entry.span.clone())],
        };
        let (mut found, mut whole) = (Vec::new(), true);
        for (item, span) in items {
            let fault = match secret(self, Raw::Toml(item)) {
                Ok(None) => continue,
                Ok(Some(secret)) => match check(&secret) {
                    Ok(()) => {
                        found.push(secret);
                        continue;
                    }
                    Err(fault) => fault,
                },
                Err(SecretFault::Missing(fault)) => fault,
                Err(SecretFault::Literal(fault)) => {
                    self.problems.mask(span.clone());
                    fault
                }
            };
            whole = false;
            self.refuse(span, &path, fault);
        }
        if whole && found.is_empty() {
            let none = fault(
                "has no key that is set",
                "set one of the variables that it names",
            );
            self.refuse(entry.span.clone(), &path, none);
        }
        (whole && !found.is_empty()).then_some(found)
    }
}

impl Decoder<'_> {
    /// The secrets of the table under this key, by name. Optional ones that are not set go
    /// to `missing`.
    pub(super) fn secret_table(
        &mut self,
        table: &Table<'_>,
        key: &str,
        missing: &mut Vec<String>,
    ) -> BTreeMap<String, Secret> {
        let mut secrets = BTreeMap::new();
        for entry in self.free_entries(table, key) {
            let path = join(&join(&table.path, key), entry.key);
            match secret(self, Raw::Toml(entry.value)) {
                Ok(Some(secret)) => {
                    secrets.insert(entry.key.to_owned(), secret);
                }
                Ok(None) => missing.push(entry.key.to_owned()),
                Err(SecretFault::Literal(fault)) => {
                    self.problems.mask(entry.span.clone());
                    self.refuse(entry.span.clone(), &path, fault);
                }
                Err(SecretFault::Missing(fault)) => self.refuse(entry.span.clone(), &path, fault),
            }
        }
        secrets
    }
}

/// Why a file cannot be read.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this is not allowed".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
