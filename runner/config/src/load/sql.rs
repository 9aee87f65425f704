//! `[plugins.<name>.sql]`: where a database is. Its password is never in the file.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::decode::{Decoder, Entry, Table};
use crate::keys::sql::DATABASE;
use crate::load::secret::{SecretFault, secret};
use crate::origins::join;
use crate::value::{self, Fault, Raw, fault};
use crate::{Database, Plugin, Secret};

const URLS: &str = "write \"env:DATABASE_URL\", which holds postgres://…, mysql://… or sqlite:…";
const SCHEMES: [&str; 4] = ["postgres", "postgresql", "mysql", "mariadb"];

/// What is wrong with a database, and where.
struct Refused {
    span: Range<usize>,
    path: String,
    fault: Fault,
    /// Whether only something of this machine is missing, so that a file can stand in
    /// while somebody develops.
    missing: bool,
    /// Whether it may be missing, and is then not granted.
    optional: bool,
}

/// The databases of a plugin. Optional ones that are not set go to `missing`.
pub(super) fn read(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    plugin: &mut Plugin,
    missing: &mut Vec<String>,
) {
    let mut databases = BTreeMap::new();
    for entry in decoder.free_entries(table, "sql") {
        let path = join(&join(&table.path, "sql"), entry.key);
        let mut database = Database::default();
        match read_one(decoder, &entry, &path, &mut database) {
            Ok(url) => database.url = url,
            Err(refused) if refused.missing && decoder.dev => {
                database.url = stand_in(decoder, &entry, &path, &plugin.name, &refused);
            }
            Err(refused) if refused.optional => {
                missing.push(entry.key.to_owned());
                continue;
            }
            Err(refused) => {
                decoder.refuse(refused.span, &refused.path, refused.fault);
                continue;
            }
        }
        databases.insert(entry.key.to_owned(), database);
    }
    plugin.sql = databases;
}

/// A file of SQLite in the place of a database that is not there.
fn stand_in(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    path: &str,
    plugin: &str,
    why: &Refused,
) -> Secret {
    let name = entry.key.replace(['/', '\\'], "_");
    let file = format!("data/sql/{plugin}/{}.db", name.trim_start_matches('.'));
    let (subject, message) = (&why.path, &why.fault.message);
    decoder.warn(
        entry.span.start,
        format!("`{subject}` {message}: SQLite in {file} stands in for `{path}`"),
    );
    let file = decoder.path(&file);
    Secret(format!("sqlite:{}?mode=rwc", file.display()))
}

/// All but the URL, which is returned.
fn read_one(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    path: &str,
    database: &mut Database,
) -> Result<Secret, Refused> {
    let refused = |fault| Refused {
        span: entry.span.clone(),
        path: path.to_owned(),
        fault,
        missing: false,
        optional: false,
    };
    if entry.value.as_str().is_some() {
        return url(decoder, entry, path);
    }
    let Some(table) = entry
        .value
        .as_table()
        .and_then(|_| decoder.as_table(entry, path.to_owned()))
    else {
        let fault = Raw::Toml(entry.value).is_not("a URL or a table", URLS);
        return Err(refused(fault));
    };
    decoder.only(&table, DATABASE.names());
    DATABASE.read(decoder, &table, database);
    for file in [&mut database.ca, &mut database.cert, &mut database.key] {
        *file = file.take().map(|file| decoder.dir.join(file));
    }
    if database.cert.is_some() != database.key.is_some() {
        let fault = fault("needs both `cert` and `key`", "write both, or none");
        return Err(refused(fault));
    }
    let Some(entry) = table.get("url") else {
        return Err(refused(fault("has no `url`", URLS)));
    };
    url(decoder, entry, &join(path, "url"))
}

/// The URL, which may have a password only where it comes from elsewhere.
fn url(decoder: &mut Decoder<'_>, entry: &Entry<'_>, path: &str) -> Result<Secret, Refused> {
    let refused = |fault, missing| Refused {
        span: entry.span.clone(),
        path: path.to_owned(),
        fault,
        missing,
        optional: false,
    };
    let raw = Raw::Toml(entry.value);
    let text = value::text(raw).map_err(|fault| refused(fault, false))?;
    let elsewhere = text.starts_with("env:") || text.starts_with("file:");
    let url = match elsewhere {
        false => Secret(text),
        true => match secret(decoder, raw) {
            Ok(Some(url)) => url,
            Ok(None) => {
                let unset = fault("names a variable that is not set", URLS);
                return Err(Refused {
                    optional: true,
                    ..refused(unset, true)
                });
            }
            Err(SecretFault::Missing(fault)) => return Err(refused(fault, true)),
            Err(SecretFault::Literal(fault)) => return Err(refused(fault, false)),
        },
    };
    if let Some(file) = url.0.strip_prefix("sqlite:") {
        return Ok(Secret(sqlite(decoder, file)));
    }
    let (scheme, rest) = url.0.split_once("://").unwrap_or(("", ""));
    if !SCHEMES.contains(&scheme) {
        decoder.problems.mask(entry.span.clone());
        let wrong = fault(
            "must be the URL of a database: postgres://, mysql:// or sqlite:",
            URLS,
        );
        return Err(refused(wrong, false));
    }
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let user = host.rsplit_once('@').map_or("", |(user, _)| user);
    if !elsewhere && user.contains(':') {
        decoder.problems.mask(entry.span.clone());
        let password = fault(
            "has a password: secrets are never written in queues.toml",
            URLS,
        );
        return Err(refused(password, false));
    }
    Ok(url)
}

/// A file, from the directory of queues.toml.
fn sqlite(decoder: &Decoder<'_>, file: &str) -> String {
    let file = file.strip_prefix("//").unwrap_or(file);
    let (file, query) = match file.split_once('?') {
        Some((file, query)) => (file, format!("?{query}")),
        None => (file, String::new()),
    };
    match file {
        ":memory:" => format!("sqlite::memory:{query}"),
        _ => format!("sqlite:{}{query}", decoder.path(file).display()),
    }
}
