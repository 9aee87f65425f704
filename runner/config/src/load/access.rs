//! `[server.tokens.*]`, `[server.users.*]`, `[server.jwt]`, and what else says who may
//! use the HTTP API.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::secret::{SecretFault, secret};
use crate::decode::{Decoder, Entry, Table};
use crate::keys::access::{GRANT, JWT, TOKEN, USER, read_role};
use crate::origins::join;
use crate::value::{self, Fault, Raw, fault};
use crate::{Access, Grant, Jwt, JwtKeys, Pattern, Scope, Secret, Token, User};

/// A token that can be guessed is none.
const SHORTEST: usize = 16;

/// What the table `[server]` says about it.
pub(super) fn read(decoder: &mut Decoder<'_>, server: &Table<'_>, access: &mut Access) {
    access.hosts = decoder.list(server, "hosts", host);
    access.origins = decoder.list(server, "origins", origin);
    for entry in decoder.free_entries(server, "tokens") {
        let path = format!("{}.tokens.{}", server.path, entry.key);
        let Some(table) = decoder.as_table(&entry, path) else {
            continue;
        };
        if let Some(token) = token(decoder, &table) {
            unlike(decoder, &table, &token, access);
            access.tokens.insert(entry.key.to_owned(), Arc::new(token));
        }
    }
    for entry in decoder.free_entries(server, "users") {
        let path = format!("{}.users.{}", server.path, entry.key);
        check_user_name(decoder, &entry, &path);
        let Some(table) = decoder.as_table(&entry, path) else {
            continue;
        };
        if let Some(user) = user(decoder, &table) {
            access.users.insert(entry.key.to_owned(), Arc::new(user));
        }
    }
    access.jwt = jwt(decoder, server).map(Arc::new);
}

/// One token with two names would have the rights of either.
fn unlike(decoder: &mut Decoder<'_>, table: &Table<'_>, token: &Token, access: &Access) {
    let mut others = access.tokens.iter();
    if let Some((name, _)) = others.find(|(_, other)| other.digest == token.digest) {
        let same = fault(
            format!("is the same token as `{name}`"),
            "make one for each with runner api token",
        );
        decoder.refuse(table.span.clone(), &table.path, same);
    }
}

fn check_user_name(decoder: &mut Decoder<'_>, entry: &Entry<'_>, path: &str) {
    if entry.key.is_empty() || entry.key.contains(':') {
        let fault = fault(
            "is no name of a user: it must not be empty or have a colon in it (RFC 7617)",
            "use another name",
        );
        decoder.refuse(entry.key_span.clone(), path, fault);
    }
}

fn token(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<Token> {
    decoder.only(table, TOKEN.names().chain(GRANT.names()));
    let grant = grant(decoder, table);
    let digest = required(decoder, table, "token", |text| {
        let hex = text.strip_prefix("sha256:")?;
        let mut digest = [0; 32];
        let read = hex::decode_to_slice(hex, &mut digest).map_err(|_| {
            fault(
                "is not the hash of a token",
                "write \"sha256:\" and 64 digits in hex, as runner api token prints it",
            )
        });
        Some(read.map(|()| digest))
    });
    let digest = match digest? {
        Value::Here(digest) => digest,
        Value::Secret(secret) if secret.0.len() < SHORTEST => {
            let short = fault(
                format!("must be a token of {SHORTEST} characters or more"),
                "make one with runner api token",
            );
            let span = table.get("token")?.span.clone();
            decoder.refuse(span, &join(&table.path, "token"), short);
            return None;
        }
        Value::Secret(secret) => Sha256::digest(secret.0.as_bytes()).into(),
    };
    Some(Token { digest, grant })
}

fn user(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<User> {
    decoder.only(table, USER.names().chain(GRANT.names()));
    let grant = grant(decoder, table);
    let password = required(decoder, table, "password", |text| {
        text.starts_with('$').then(|| Ok(Secret(text.to_owned())))
    });
    let password = match password? {
        Value::Here(hash) | Value::Secret(hash) => hash,
    };
    if !is_hash(&password.0) {
        let plain = fault(
            "is not an argon2id hash",
            "make one with runner api password; no password stands in a file",
        );
        let span = table.get("password")?.span.clone();
        decoder.problems.mask(span.clone());
        decoder.refuse(span, &join(&table.path, "password"), plain);
        return None;
    }
    Some(User { password, grant })
}

/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, which takes no more than 256 MiB and
/// a moment to check.
fn is_hash(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", cost, salt, hash] = parts[..] else {
        return false;
    };
    let mut costs = cost.split(',').map(|part| part.split_once('='));
    let mut most = |name: &str, most: u32| {
        let part = costs.next().flatten().filter(|part| part.0 == name);
        part.and_then(|part| part.1.parse::<u32>().ok())
            .is_some_and(|cost| (1..=most).contains(&cost))
    };
    most("m", 256 << 10) && most("t", 10) && most("p", 16) && salt.len() >= 11 && hash.len() >= 22
}

/// What stands under a key.
enum Value<T> {
    /// As it stands in the file.
    Here(T),
    /// What the file says where to find.
    Secret(Secret),
}

/// The secret under a key that must be there, unless `here` takes what the file says.
fn required<T>(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    key: &str,
    here: impl FnOnce(&str) -> Option<Result<T, Fault>>,
) -> Option<Value<T>> {
    let Some(entry) = table.get(key).cloned() else {
        let missing = fault(format!("has no `{key}`"), format!("add `{key}`"));
        decoder.refuse(table.span.clone(), &table.path, missing);
        return None;
    };
    let path = join(&table.path, key);
    let fault = match entry.value.as_str().and_then(here) {
        Some(Ok(value)) => return Some(Value::Here(value)),
        Some(Err(fault)) => fault,
        None => match secret(decoder, Raw::Toml(entry.value)) {
            Ok(Some(secret)) => return Some(Value::Secret(secret)),
            Ok(None) => fault("must be set", "leave out the question mark"),
            Err(SecretFault::Missing(fault)) => fault,
            Err(SecretFault::Literal(fault)) => {
                decoder.problems.mask(entry.span.clone());
                fault
            }
        },
    };
    decoder.refuse(entry.span, &path, fault);
    None
}

fn grant(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Grant {
    let mut grant = Grant::default();
    GRANT.read(decoder, table, &mut grant);
    grant.scope = scope(decoder, table);
    #[expect(
        clippy::disallowed_methods,
        reason = "a warning at the start; callers are checked anew"
    )]
    if let (Some(expires), Some(entry)) = (grant.expires, table.get("expires"))
        && expires <= jiff::Timestamp::now().as_millisecond()
    {
        let text = format!("`{}` has expired", table.path);
        decoder.warn(entry.key_span.start, text);
    }
    grant
}

/// `queues`
fn scope(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Scope {
    let Some(entry) = table.get("queues").cloned() else {
        return Scope::Everything;
    };
    let patterns = decoder.list(table, "queues", |raw| value::text(raw).map(Pattern));
    if entry.value.as_array().is_some_and(|list| list.is_empty()) {
        let none = fault(
            "names no queue",
            "name some, or leave it out for all queues",
        );
        decoder.refuse(entry.span, &join(&table.path, "queues"), none);
    }
    Scope::Queues(patterns)
}

fn jwt(decoder: &mut Decoder<'_>, server: &Table<'_>) -> Option<Jwt> {
    let table = decoder.table(server, "jwt", JWT.names())?;
    let mut jwt = Jwt::default();
    JWT.read(decoder, &table, &mut jwt);
    jwt.grant.scope = scope(decoder, &table);
    for entry in decoder.free_entries(&table, "roles") {
        match read_role(Raw::Toml(entry.value)) {
            Ok(role) => {
                jwt.roles.insert(entry.key.to_owned(), role);
            }
            Err(fault) => {
                let path = join(&join(&table.path, "roles"), entry.key);
                decoder.refuse(entry.span.clone(), &path, fault);
            }
        }
    }
    jwt.keys = keys(decoder, &table, &jwt)?;
    Some(jwt)
}

/// What signatures are checked with: one of three keys says where it is.
fn keys(decoder: &mut Decoder<'_>, table: &Table<'_>, jwt: &Jwt) -> Option<JwtKeys> {
    let named = ["secret", "key", "jwks"];
    let named: Vec<&str> = named
        .into_iter()
        .filter(|key| table.get(key).is_some())
        .collect();
    let [key] = named[..] else {
        let one = fault(
            "must have one of `secret`, `key` and `jwks`",
            "write where the key is that JWTs are checked with",
        );
        decoder.refuse(table.span.clone(), &table.path, one);
        return None;
    };
    let entry = table.get(key)?.clone();
    let path = join(&table.path, key);
    let fetched = (key == "jwks").then(|| entry.value.as_str()).flatten();
    if let Some(text) = fetched.filter(|text| text.contains("://")) {
        let url = url(text).map_err(|fault| decoder.refuse(entry.span, &path, fault));
        for (name, value) in [("issuer", &jwt.issuer), ("audience", &jwt.audience)] {
            if value.is_none() {
                let missing = fault(
                    format!("has no `{name}`"),
                    "the issuer signs for others, too: say which JWTs are for Runner",
                );
                decoder.refuse(table.span.clone(), &table.path, missing);
            }
        }
        return url.ok().map(JwtKeys::Url);
    }
    let Value::Secret(found) = required(decoder, table, key, |_| None::<Result<(), Fault>>)? else {
        return None;
    };
    let keys = match key {
        "secret" => JwtKeys::Secret(found),
        "key" => JwtKeys::Pem(found.0),
        _ => JwtKeys::Set(found.0),
    };
    if let Err(wrong) = keys.read() {
        let fault = fault(wrong, "see docs/security.md");
        decoder.refuse(entry.span, &path, fault);
    }
    Some(keys)
}

/// Where a key set is. Whoever can change it on its way makes admins.
fn url(text: &str) -> Result<Url, Fault> {
    let refused = || {
        fault(
            "must be an https:// URL, or an http:// one on this machine",
            "write \"https://id.example.com/.well-known/jwks.json\" or \"file:jwks.json\"",
        )
    };
    let url = Url::parse(text).map_err(|_| refused())?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match (url.scheme(), is_local) {
        ("https", _) | ("http", true) => Ok(url),
        _ => Err(refused()),
    }
}

/// A name of a host, without a port.
fn host(raw: Raw<'_>) -> Result<String, Fault> {
    let refused = || {
        raw.is_not(
            "the name of a host",
            "write \"runner.example.com\", without scheme and port",
        )
    };
    let text = value::text(raw).map_err(|_| refused())?;
    match Host::parse(&text) {
        Ok(host) if !text.contains(['/', '@']) => Ok(host.to_string()),
        _ => Err(refused()),
    }
}

/// The origin of web pages, as browsers write it.
fn origin(raw: Raw<'_>) -> Result<String, Fault> {
    let refused = || {
        raw.is_not(
            "an origin",
            "write scheme, host and port as the browser has it: \"https://ops.example.com\"",
        )
    };
    let text = value::text(raw).map_err(|_| refused())?;
    let url = Url::parse(&text).map_err(|_| refused())?;
    let origin = url.origin().ascii_serialization();
    let plain = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    match plain && origin == text.trim_end_matches('/') {
        true => Ok(origin),
        false => Err(refused()),
    }
}
