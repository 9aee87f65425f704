//! `[redis]`, and the many names under which other BullMQ set-ups keep the
//! address of Redis.

use std::path::PathBuf;

use url::Url;

use crate::config::decode::{Decoder, Table, keys};
use crate::config::origins::Source;
use crate::config::problem::mask_passwords;
use crate::config::value::{self, Fault, Raw, fault};
use crate::config::{Overrides, Redis, RedisUrl};

const DEFAULT_URL: &str = "redis://127.0.0.1:6379";
const EMBEDDED: &str = "embedded";
const SCHEMES: [&str; 6] = ["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix"];
/// Those of a list of hosts, which are asked for the server.
const LISTS: [&str; 4] = [
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
];
/// Stands for a list of hosts where a URL can have only one.
const HOSTS: &str = "hosts.invalid";

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>, overrides: &Overrides) -> Redis {
    let table = decoder.table(root, "redis", keys::REDIS);
    let table = table.as_ref();

    let url = address(decoder, table, overrides);
    let url = if url == EMBEDDED {
        RedisUrl::Embedded(decoder.path("data/redis"))
    } else {
        decoder.sources.certificates = certificates(&url);
        RedisUrl::Url(url)
    };

    let mut prefix = table.and_then(|table| decoder.value(table, "prefix", prefix_text));
    let names = ["RUNNER_REDIS_PREFIX", "REDIS_PREFIX", "BULLMQ_PREFIX"];
    prefix = decoder
        .env_value("redis.prefix", &names, prefix_text)
        .or(prefix);
    if let Some(flag) = &overrides.redis_prefix {
        prefix = decoder.flag_value("redis.prefix", "--prefix", flag, prefix_text);
    }

    let prefix = prefix.unwrap_or_else(|| "bull".to_owned());
    if let RedisUrl::Url(url) = &url
        && url
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.ends_with("+cluster"))
        && prefix
            .split_once('{')
            .is_none_or(|(_, rest)| rest.find('}') <= Some(0))
    {
        decoder.refuse_outside(
            "`redis.prefix`",
            fault(
                format!("has no {{tag}}, found {prefix:?}: on a Cluster all keys of a queue must be in one slot"),
                "put braces into the prefix, here and in the producers: \"{bull}\"",
            ),
        );
    }

    let presence = table.and_then(|table| decoder.value(table, "presence", value::boolean));
    let presence = decoder
        .env_value("redis.presence", &["RUNNER_REDIS_PRESENCE"], value::boolean)
        .or(presence);

    Redis {
        url,
        prefix,
        presence: presence.unwrap_or(true),
    }
}

/// `?ca=FILE`, as it is read.
fn certificates(url: &str) -> Option<PathBuf> {
    let (_, query) = url.split_once('?')?;
    let file = query.split('&').find_map(|pair| pair.strip_prefix("ca="))?;
    Some(PathBuf::from(file))
}

/// The URL that wins, or `embedded`.
fn address(decoder: &mut Decoder<'_>, table: Option<&Table<'_>>, overrides: &Overrides) -> String {
    const PATH: &str = "redis.url";
    let in_file = table.and_then(|table| decoder.value(table, "url", address_text));
    let written = decoder.origins.of(PATH);

    let from_env = decoder
        .env_value(PATH, &["RUNNER_REDIS_URL", "REDIS_URL"], address_text)
        .or_else(|| from_parts(decoder, PATH, in_file.as_deref()));
    if let Some(flag) = &overrides.redis_url
        && let Some(url) = decoder.flag_value(PATH, "--redis", flag, address_text)
    {
        return url;
    }
    if in_file.as_deref() == Some(EMBEDDED)
        && let Source::Env(name) = decoder.origins.of(PATH)
        && let (Some(url), Source::File(line)) = (&from_env, written)
        && name != "RUNNER_REDIS_URL"
    {
        decoder.warnings.push(format!(
            "{}:{line}: the environment variable {name} replaces \"embedded\" with {}; unset it to keep the embedded Redis",
            decoder.file,
            mask_passwords(url),
        ));
    }
    from_env
        .or(in_file)
        .unwrap_or_else(|| DEFAULT_URL.to_owned())
}

/// `REDIS_HOST` and `REDIS_PORT` make an address. `REDIS_USERNAME`,
/// `REDIS_PASSWORD` and `REDIS_DB` complete it, or the one in the file.
fn from_parts(decoder: &mut Decoder<'_>, path: &str, in_file: Option<&str>) -> Option<String> {
    const PARTS: [&str; 5] = [
        "REDIS_HOST",
        "REDIS_PORT",
        "REDIS_PASSWORD",
        "REDIS_USERNAME",
        "REDIS_DB",
    ];
    let is_set = |name: &&&str| decoder.env.get(name).is_some();
    let first = PARTS.iter().find(is_set)?;
    let is_whole = PARTS[..2].contains(first);
    if !is_whole && in_file == Some(EMBEDDED) {
        return None;
    }

    let base = in_file.filter(|_| !is_whole).unwrap_or(DEFAULT_URL);
    let (base, hosts) = one_host(base);
    let mut url = Url::parse(&base).ok()?;
    if let Some(host) = decoder.env_value(path, &["REDIS_HOST"], host_text) {
        url.set_host(Some(&host)).ok()?;
    }
    if let Some(port) = decoder.env_value(path, &["REDIS_PORT"], port_number) {
        url.set_port(Some(port)).ok()?;
    }
    // The URL of a socket has no place for a user: what it says stays.
    if let Some(user) = decoder.env.get("REDIS_USERNAME") {
        let _ = url.set_username(user);
    }
    if let Some(password) = decoder.env.get("REDIS_PASSWORD") {
        let _ = url.set_password(Some(password));
    }
    if let Some(database) = decoder.env_value(path, &["REDIS_DB"], value::count) {
        // Sentinels are asked for a master by its name, which comes first.
        let master = url.path().trim_matches('/').split('/').next();
        let path = match master.filter(|_| url.scheme().ends_with("+sentinel")) {
            Some(master) => format!("/{master}/{database}"),
            None => format!("/{database}"),
        };
        url.set_path(&path);
    }
    decoder.origins.set(path.to_owned(), Source::Env(first));
    let url = String::from(url);
    Some(hosts.map_or_else(|| url.clone(), |hosts| url.replacen(HOSTS, hosts, 1)))
}

/// A URL with one host in the place of a list, and the list.
fn one_host(url: &str) -> (String, Option<&str>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    if !LISTS.contains(&scheme) {
        return (url.to_owned(), None);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let start = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let (user, tail) = (&rest[..start], &rest[end..]);
    let hosts = &rest[start..end];
    (format!("{scheme}://{user}{HOSTS}{tail}"), Some(hosts))
}

/// A Redis URL, or `embedded`. The value is never shown: it may hold a password.
fn address_text(raw: Raw<'_>) -> Result<String, Fault> {
    let text = value::text(raw)?;
    if text == EMBEDDED {
        return Ok(text);
    }
    let hint = "write \"redis://127.0.0.1:6379\", \"rediss://…\", \"unix:///path\" or \"embedded\"";
    let shown = mask_passwords(&text);
    let (one, hosts) = one_host(&text);
    if let Some(hosts) = hosts {
        if hosts.split(',').any(str::is_empty) {
            let hint = "write the hosts with commas between: \"host:26379,host:26379\"";
            return Err(fault(format!("names no host: {shown:?}"), hint));
        }
        let url = Url::parse(&one)
            .map_err(|reason| fault(format!("is not a Redis URL: {shown:?}: {reason}"), hint))?;
        let mut path = url.path().trim_matches('/').split('/');
        let first = path.next().unwrap_or_default();
        if url.scheme().ends_with("sentinel") {
            let database = path.next().unwrap_or("0");
            if first.is_empty() || path.next().is_some() || database.parse::<u32>().is_err() {
                return Err(fault(
                    format!("names no master: {shown:?}"),
                    "name the master and, if it is not 0, its database: \"redis+sentinel://host:26379,host:26379/mymaster/0\"",
                ));
            }
        } else if !matches!(first, "" | "0") {
            return Err(fault(
                format!("names a database: {shown:?}"),
                "a Cluster has database 0 only",
            ));
        }
        return Ok(text);
    }
    let url = Url::parse(&text)
        .map_err(|reason| fault(format!("is not a Redis URL: {shown:?}: {reason}"), hint))?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err(fault(format!("is not a Redis URL: {shown:?}"), hint));
    }
    if !url.scheme().contains("unix") {
        if url.host_str().is_none_or(str::is_empty) {
            return Err(fault(format!("names no host: {shown:?}"), hint));
        }
        let database = url.path().trim_matches('/');
        if !database.is_empty() && database.parse::<u32>().is_err() {
            return Err(fault(
                format!("names a database that is not a number: {shown:?}"),
                "the database is the number after the last slash: \"redis://127.0.0.1:6379/2\"",
            ));
        }
    }
    Ok(text)
}

/// BullMQ prefixes may hold `:`, and `{…}` for a cluster's hash tag.
fn prefix_text(raw: Raw<'_>) -> Result<String, Fault> {
    let prefix = value::text(raw)?;
    if prefix.ends_with(':') {
        return Err(fault(
            format!("must not end in a colon, found {prefix:?}"),
            "BullMQ puts a colon between prefix and queue itself",
        ));
    }
    Ok(prefix)
}

fn host_text(raw: Raw<'_>) -> Result<String, Fault> {
    let text = value::text(raw)?;
    let host = if text.parse::<std::net::Ipv6Addr>().is_ok() {
        format!("[{text}]")
    } else {
        text
    };
    url::Host::parse(&host)
        .map(|host| host.to_string())
        .map_err(|_| {
            raw.is_not(
                "a host name",
                "a host only; a whole address belongs into REDIS_URL",
            )
        })
}

fn port_number(raw: Raw<'_>) -> Result<u16, Fault> {
    value::count(raw)
        .ok()
        .and_then(|n| u16::try_from(n).ok())
        .filter(|port| *port > 0)
        .ok_or_else(|| raw.is_not("a port", "write a number from 1 to 65535"))
}
