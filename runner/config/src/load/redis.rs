//! `[redis]`, and the many names under which other BullMQ set-ups keep the
//! address of Redis.

use url::Url;

use crate::decode::{Decoder, Table};
use crate::keys::redis::{REDIS, prefix};
use crate::origins::Source;
use crate::problem::mask_passwords;
use crate::value::{self, Fault, Raw};
use crate::{Address, Overrides, Redis, RedisUrl, tag};

const EMBEDDED: &str = "embedded";
/// Stands for a list of hosts where a URL can have only one.
const HOSTS: &str = "hosts.invalid";

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>, overrides: &Overrides) -> Redis {
    let table = decoder.table(root, "redis", REDIS.names());
    let url = address(decoder, table.as_ref(), overrides);
    let mut redis = Redis::default();
    let mut is_cluster = false;
    redis.url = if url == EMBEDDED {
        RedisUrl::Embedded(decoder.path("data/redis"))
    } else {
        // What was refused is not used.
        if let Ok(address) = Address::parse(&url) {
            is_cluster = address.is_cluster();
            warn(decoder, &address);
        }
        RedisUrl::Url(url)
    };
    if let Some(table) = &table {
        REDIS.read(decoder, table, &mut redis);
    }
    REDIS.read_env(decoder, "redis", &mut redis);
    if let Some(flag) = &overrides.redis_prefix
        && let Some(text) = decoder.flag_value("redis.prefix", "--prefix", flag, prefix)
    {
        redis.prefix = text;
    }
    redis.by_queue = is_cluster && tag(&redis.prefix).is_none();
    redis
}

/// Say what is allowed and probably not meant, and where it is written.
fn warn(decoder: &mut Decoder<'_>, address: &Address) {
    let place = match decoder.origins.of("redis.url") {
        Source::File(line) => format!("{}:{line}: ", decoder.file),
        Source::Env(name) => format!("{name}: "),
        Source::Flag(name) => format!("{name}: "),
        Source::Default => String::new(),
    };
    for warning in address.warnings() {
        decoder
            .warnings
            .push(format!("{place}`redis.url` {warning}"));
    }
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
        .unwrap_or_else(|| Redis::URL.to_owned())
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

    let base = in_file.filter(|_| !is_whole).unwrap_or(Redis::URL);
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
    if !(scheme.ends_with("+sentinel") || scheme.ends_with("+cluster")) {
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
    Address::parse(&text).map(|_| text)
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
                "write only the host; a whole address belongs in REDIS_URL",
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
