//! `[plugins.<name>.blobs]`: where a store is, and by which keys Runner reads it. It needs
//! keys or `anonymous`, because without them the library would ask the machine's metadata
//! address.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::decode::{Decoder, Entry, Table};
use crate::keys::blobs::BLOBS;
use crate::load::secret::{SecretFault, secret};
use crate::origins::join;
use crate::value::{self, Fault, Raw, fault};
use crate::{BlobStore, Cloud, Login, Place, Plugin, Secret};

const PLACES: &str = "write \"s3://bucket/prefix\", \"gs://…\", \"az://…\", or a directory";
/// Where S3's other tools look for keys.
const AWS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// What is wrong with a store, and where.
struct Refused {
    span: Range<usize>,
    path: String,
    fault: Fault,
    /// Whether only something of this machine is missing, so that a directory can stand
    /// in while somebody develops.
    missing: bool,
}

/// The stores of a plugin.
pub(super) fn read(decoder: &mut Decoder<'_>, table: &Table<'_>, plugin: &mut Plugin) {
    let mut stores = BTreeMap::new();
    for entry in decoder.free_entries(table, "blobs") {
        let path = join(&join(&table.path, "blobs"), entry.key);
        match store(decoder, &entry, &path) {
            Ok(store) => {
                stores.insert(entry.key.to_owned(), store);
            }
            Err(refused) if refused.missing && decoder.dev => {
                let store = stand_in(decoder, &entry, &path, &plugin.name, &refused);
                stores.insert(entry.key.to_owned(), store);
            }
            Err(refused) => decoder.refuse(refused.span, &refused.path, refused.fault),
        }
    }
    plugin.blobs = stores;
}

/// A directory in the place of a store that is not there.
fn stand_in(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    path: &str,
    plugin: &str,
    why: &Refused,
) -> BlobStore {
    let name = entry.key.replace(['/', '\\'], "_");
    let name = name.trim_start_matches('.');
    let directory = format!("data/blobs/{plugin}/{name}");
    let (subject, message) = (&why.path, &why.fault.message);
    decoder.warn(
        entry.span.start,
        format!("`{subject}` {message}: the directory {directory} stands in for `{path}`"),
    );
    let write = entry.value.as_table().and_then(|table| table.get("write"));
    BlobStore {
        place: Place::Directory {
            path: decoder.path(&directory),
            stands_in: true,
        },
        write: write.and_then(|write| write.get_ref().as_bool()) == Some(true),
        ..BlobStore::default()
    }
}

fn store(decoder: &mut Decoder<'_>, entry: &Entry<'_>, path: &str) -> Result<BlobStore, Refused> {
    let mut store = BlobStore::default();
    let refused = |fault| Refused {
        span: entry.span.clone(),
        path: path.to_owned(),
        fault,
        missing: false,
    };
    if entry.value.as_str().is_some() {
        store.place = place(decoder, entry, path)?;
        let none = Table {
            path: path.to_owned(),
            entries: Vec::new(),
            span: entry.span.clone(),
        };
        log_in(decoder, &none, &mut store)?;
        return Ok(store);
    }
    if entry.value.as_table().is_none() {
        let what = "a URL, a path or a table";
        return Err(refused(Raw::Toml(entry.value).is_not(what, PLACES)));
    }
    let Some(table) = decoder.as_table(entry, path.to_owned()) else {
        return Ok(store);
    };
    decoder.only(&table, BLOBS.names());
    BLOBS.read(decoder, &table, &mut store);
    let Some(url) = table.get("url") else {
        return Err(refused(fault("has no `url`", PLACES)));
    };
    store.place = place(decoder, url, &join(path, "url"))?;
    log_in(decoder, &table, &mut store)?;
    Ok(store)
}

/// Where the objects are, as `url` says.
fn place(decoder: &mut Decoder<'_>, entry: &Entry<'_>, path: &str) -> Result<Place, Refused> {
    let refused = |fault, missing| Refused {
        span: entry.span.clone(),
        path: path.to_owned(),
        fault,
        missing,
    };
    let raw = Raw::Toml(entry.value);
    let text = value::text(raw).map_err(|fault| refused(fault, false))?;
    let text = match text.strip_prefix("env:") {
        None => text,
        Some(name) => match decoder.env.get(name) {
            Some(text) => text.to_owned(),
            None => {
                let unset =
                    format!("needs the environment variable {name}, which is unset or empty");
                return Err(refused(fault(unset, "set it"), true));
            }
        },
    };
    let (scheme, rest) = text.split_once("://").unwrap_or(("file", &text));
    if scheme == "file" {
        return directory(decoder, entry, path, rest);
    }
    let wrong = || {
        refused(
            Raw::Text(&text).is_not("a bucket or a directory", PLACES),
            false,
        )
    };
    let cloud = Cloud::ALL.into_iter().find(|of| of.scheme() == scheme);
    let cloud = cloud.ok_or_else(wrong)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if bucket.is_empty() || !bucket.chars().all(named) {
        return Err(wrong());
    }
    let prefix = prefix.trim_end_matches('/');
    let odd = |part: &str| matches!(part, "" | "." | "..");
    if !prefix.is_empty() && prefix.split('/').any(odd) {
        let parts = fault(
            format!("has a prefix with an empty part, `.` or `..`: {prefix:?}"),
            "all keys begin with it: write it as keys are",
        );
        return Err(refused(parts, false));
    }
    Ok(Place::Bucket {
        cloud,
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

/// A directory, which may come later.
fn directory(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    path: &str,
    text: &str,
) -> Result<Place, Refused> {
    let place = decoder.path(text);
    let refused = |fault, missing| Refused {
        span: entry.span.clone(),
        path: path.to_owned(),
        fault,
        missing,
    };
    if text.is_empty() {
        return Err(refused(fault("must name a directory", PLACES), false));
    }
    if place.exists() && !place.is_dir() {
        let file = format!("must be a directory, found the file {text:?}");
        return Err(refused(fault(file, "name its directory"), false));
    }
    if !place.exists() {
        if decoder.dev {
            let none = format!("names the directory {text}, which is not there");
            return Err(refused(fault(none, ""), true));
        }
        decoder.warn(
            entry.span.start,
            format!("`{path}`: there is no directory {text} yet"),
        );
    }
    Ok(Place::Directory {
        path: place,
        stands_in: false,
    })
}

/// The keys of a store, and nothing that is not for it.
fn log_in(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    store: &mut BlobStore,
) -> Result<(), Refused> {
    let cloud = match &store.place {
        Place::Directory { .. } => None,
        Place::Bucket { cloud, .. } => Some(*cloud),
    };
    refuse_others(decoder, table, cloud);
    let Some(cloud) = cloud else {
        return Ok(());
    };
    let mut key = |name| read_secret(decoder, table, name);
    let (access, secret) = (key("access_key")?, key("secret_key")?);
    let (token, account) = (key("token")?, key("service_account")?);
    let named = table.get("access_key").is_some() || table.get("secret_key").is_some();
    store.login = match (cloud, access, secret, token, account) {
        _ if store.anonymous => Login::None,
        (Cloud::S3, Some(access), Some(secret), session, _) => Login::Keys {
            access,
            secret,
            session,
        },
        (Cloud::S3, ..) if !named && let Some(keys) = of_environment(decoder) => keys,
        (Cloud::Google, _, _, _, Some(account)) => Login::ServiceAccount(account),
        (Cloud::Google, _, _, Some(token), None) => Login::Token(token),
        (Cloud::Azure, _, Some(key), _, _) => Login::AccountKey(key),
        (Cloud::Azure, _, None, Some(token), _) => Login::Token(token),
        _ => return Err(no_keys(table, cloud, named)),
    };
    if cloud == Cloud::S3 && store.region.is_none() {
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = names.into_iter().find_map(|name| decoder.env.get(name));
        store.region = region.map(str::to_owned);
    }
    match cloud == Cloud::Azure && store.account.is_none() {
        true => Err(Refused {
            span: table.span.clone(),
            path: table.path.clone(),
            fault: fault("has no `account`", "write the name of the storage account"),
            missing: false,
        }),
        false => Ok(()),
    }
}

/// Refuse the keys that say nothing about such a store.
fn refuse_others(decoder: &mut Decoder<'_>, table: &Table<'_>, cloud: Option<Cloud>) {
    let (kind, valid): (&str, &[&str]) = match cloud {
        None => ("a directory", &[]),
        Some(Cloud::S3) => ("`s3://`", &["region", "access_key", "secret_key", "token"]),
        Some(Cloud::Google) => ("`gs://`", &["service_account", "token"]),
        Some(Cloud::Azure) => ("`az://`", &["account", "secret_key", "token"]),
    };
    for entry in &table.entries {
        let general = ["url", "write", "max_object", "timeout"].contains(&entry.key);
        let remote = cloud.is_some() && ["endpoint", "anonymous"].contains(&entry.key);
        let known = general || remote || valid.contains(&entry.key);
        if !known && BLOBS.names().any(|name| name == entry.key) {
            let fault = fault(format!("is not for {kind}"), "remove it");
            decoder.refuse(entry.key_span.clone(), &join(&table.path, entry.key), fault);
        }
    }
}

/// The keys that S3's other tools would take.
fn of_environment(decoder: &Decoder<'_>) -> Option<Login> {
    let [access, secret, session] =
        AWS.map(|name| decoder.env.get(name).map(|text| Secret(text.to_owned())));
    Some(Login::Keys {
        access: access?,
        secret: secret?,
        session,
    })
}

fn no_keys(table: &Table<'_>, cloud: Cloud, named: bool) -> Refused {
    let (message, hint) = match cloud {
        Cloud::S3 if named => (
            "needs both `access_key` and `secret_key`",
            "write both, or `anonymous = true`",
        ),
        Cloud::S3 => (
            "needs keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
            "set them, or write `access_key` and `secret_key`, or `anonymous = true`",
        ),
        Cloud::Google => (
            "needs a key",
            "write `service_account` or `token`, or `anonymous = true`",
        ),
        Cloud::Azure => (
            "needs a key",
            "write `account` with `secret_key` or `token`, or `anonymous = true`",
        ),
    };
    Refused {
        span: table.span.clone(),
        path: table.path.clone(),
        fault: fault(message, hint),
        missing: true,
    }
}

/// The secret under this key; `None` also of an optional one that is not set.
fn read_secret(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    key: &str,
) -> Result<Option<Secret>, Refused> {
    let Some(entry) = table.get(key) else {
        return Ok(None);
    };
    let refused = |fault, missing| Refused {
        span: entry.span.clone(),
        path: join(&table.path, key),
        fault,
        missing,
    };
    secret(decoder, Raw::Toml(entry.value)).map_err(|found| match found {
        SecretFault::Missing(fault) => refused(fault, true),
        SecretFault::Literal(fault) => {
            decoder.problems.mask(entry.span.clone());
            refused(fault, false)
        }
    })
}
