//! Sessions of people: what a login gives their browser, a cookie that no script and no
//! other site can use.

use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Caller, Gate, password};
use crate::api::problem::Problem;
use crate::config::{Access, Server, User};
use crate::queue::{Redis, session};
use crate::verbs::secrets;

/// Over TLS; browsers take it from this host alone (RFC 6265bis §4.1.3.2).
const SECURE: &str = "__Host-runner";
/// Without TLS, which the prefix would need.
const PLAIN: &str = "runner-session";

/// How often it is looked whether a session is still there while an answer goes on.
const GLANCE: Duration = Duration::from_secs(5);

/// What is kept of a session.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    /// The hash of the password's hash: another password ends all sessions.
    of: String,
    /// When it ends, in ms since 1970.
    until: u64,
}

fn of(user: &User) -> String {
    hex::encode(secrets::digest(&user.password.0))
}

/// The session that a request shows.
pub(super) fn shown(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| [SECURE, PLAIN].contains(name))
        .map(|(_, id)| id)
}

/// Whose session this is; nobody's when it has ended.
pub(super) async fn caller(gate: &Gate, access: &Access, id: &str) -> Result<Caller, Problem> {
    let hash = hex::encode(secrets::digest(id));
    let Some(kept) = session::find(&gate.redis, &hash).await? else {
        return Ok(Caller::anonymous());
    };
    let Ok(kept) = serde_json::from_str::<Kept>(&kept) else {
        return Ok(Caller::anonymous());
    };
    let until = SystemTime::UNIX_EPOCH + Duration::from_millis(kept.until);
    match access.users.get(&kept.user) {
        Some(user) if of(user) == kept.of && until > super::now() => {
            Ok(Caller::user(&kept.user, user)?.until(until).within(hash))
        }
        _ => Ok(Caller::anonymous()),
    }
}

/// Wait until this session has ended, here or at another runner.
pub(super) async fn ended(redis: Redis, mut logouts: watch::Receiver<()>, hash: &str) {
    loop {
        // Those at other runners are seen at a glance only.
        if let Ok(Err(_)) = tokio::time::timeout(GLANCE, logouts.changed()).await {
            // The server ends, and so does all that it sends.
            std::future::pending::<()>().await;
        }
        if let Ok(None) = session::find(&redis, hash).await {
            return;
        }
    }
}

/// Begin a session of the person with this password: the person, and the cookie.
pub(in crate::api) async fn begin(
    gate: &Gate,
    head: &Parts,
    name: &str,
    password: &str,
) -> Result<(Caller, HeaderValue), Problem> {
    let server = gate.server();
    let access = &server.access;
    let caller = password::caller(gate, access, head, name, password).await?;
    let Some(user) = access.users.get(name) else {
        return Err(Problem::unauthorized("the user or the password is wrong"));
    };
    let until = super::now() + access.session;
    let caller = caller.until(until);
    let since = until.duration_since(SystemTime::UNIX_EPOCH);
    let kept = Kept {
        user: name.to_owned(),
        of: of(user),
        until: since.unwrap_or_default().as_millis() as u64,
    };
    let kept = serde_json::to_string(&kept).map_err(|_| Problem::bug("a session is not JSON"))?;
    let id = secrets::random().map_err(Problem::bug)?;
    let hash = hex::encode(secrets::digest(&id));
    session::begin(&gate.redis, &hash, &kept, access.session).await?;
    let cookie = cookie(head, &server, &id, access.session)?;
    Ok((caller, cookie))
}

/// End the session that a request shows, if it shows one: the cookies that are none.
pub(in crate::api) async fn end(
    gate: &Gate,
    headers: &HeaderMap,
) -> Result<[HeaderValue; 2], Problem> {
    if let Some(id) = shown(headers) {
        let hash = hex::encode(secrets::digest(id));
        session::end(&gate.redis, &hash).await?;
        gate.logouts.send_replace(());
    }
    Ok([
        HeaderValue::from_static(
            "__Host-runner=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure",
        ),
        HeaderValue::from_static("runner-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"),
    ])
}

fn cookie(
    head: &Parts,
    server: &Server,
    id: &str,
    length: Duration,
) -> Result<HeaderValue, Problem> {
    // Behind a proxy that speaks TLS for us, only the browser says so.
    let origin = head.headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let is_secure =
        server.tls.is_some() || origin.is_some_and(|origin| origin.starts_with(b"https://"));
    let (name, secure) = match is_secure {
        true => (SECURE, "; Secure"),
        false => (PLAIN, ""),
    };
    let age = length.as_secs();
    let cookie = format!("{name}={id}; Max-Age={age}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::try_from(cookie)
        .map_err(|_| Problem::bug("a cookie is no value of a header"))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}
