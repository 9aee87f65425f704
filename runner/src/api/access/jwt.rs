//! JWTs (RFC 7519): the keys that they are checked with, and what their claims give.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use http::request::Parts;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};
use url::Url;

use super::caller::Claimed;
use super::credentials::{self, Credentials};
use super::{Caller, Gate, Problem};
use crate::config::{Jwt, JwtKey, JwtKeys, Pattern, Role, Scope};

/// How long a fetched key set is used before it is looked at again.
const FRESH: Duration = Duration::from_secs(600);
/// No more often than this is it fetched, whatever JWTs name.
const APART: Duration = Duration::from_secs(5);
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// No key set is larger.
const LARGEST: usize = 1 << 20;

/// The keys as they were read last.
#[derive(Default)]
pub(super) struct Keys {
    read: Mutex<Option<Read>>,
    /// One fetch at a time.
    fetching: tokio::sync::Mutex<()>,
    client: std::sync::OnceLock<reqwest::Client>,
}

#[derive(Clone)]
struct Read {
    of: JwtKeys,
    keys: Arc<Vec<JwtKey>>,
    /// When they were last there; never, if a fetch has failed only.
    at: Option<Instant>,
    tried: Instant,
}

/// The claims of the JWT that a request shows, if `[server.jwt]` accepts it.
pub(in crate::api) async fn claims(
    gate: &Gate,
    head: &Parts,
) -> Result<Map<String, Value>, Problem> {
    let server = gate.server();
    let Some(jwt) = &server.access.jwt else {
        return Err(Problem::unauthorized(
            "[server.jwt] is missing in queues.toml",
        ));
    };
    match credentials::of(&head.headers)? {
        Credentials::Bearer(text) => verify(gate, jwt, text).await,
        _ => Err(Problem::unauthorized(
            "this needs a JWT: send Authorization: Bearer",
        )),
    }
}

/// Whoever shows this JWT.
pub(super) async fn caller(gate: &Gate, jwt: &Arc<Jwt>, text: &str) -> Result<Caller, Problem> {
    let claims = verify(gate, jwt, text).await?;
    Ok(Caller::jwt(jwt, claimed(jwt, &claims)?))
}

/// The claims, once signature, issuer, audience and times are right.
async fn verify(gate: &Gate, jwt: &Jwt, text: &str) -> Result<Map<String, Value>, Problem> {
    let refused = || Problem::unauthorized("this token is not accepted");
    // `none`, and what is no JWT, end here.
    let header = decode_header(text).map_err(|_| refused())?;
    if header.crit.is_some() {
        // RFC 7515 §4.1.11: we understand none of it.
        return Err(refused());
    }
    let id = header.kid.as_deref();
    let fits = |key: &&JwtKey| {
        let named = id.is_none() || key.id.is_none() || key.id.as_deref() == id;
        // Each key is for one algorithm, so that no JWT has a public key taken for a secret.
        named && key.algorithm == header.alg
    };
    let keys = gate.keys.of(&jwt.keys, false).await?;
    let mut found: Vec<&JwtKey> = keys.iter().filter(fits).collect();
    let newer;
    if found.is_empty() {
        newer = gate.keys.of(&jwt.keys, true).await?;
        found = newer.iter().filter(fits).collect();
    }
    let mut wrong = None;
    for key in found {
        match decode::<Map<String, Value>>(text, &key.key, &validation(jwt, key)) {
            Ok(decoded) => return Ok(decoded.claims),
            Err(error) => wrong = Some(error),
        }
    }
    Err(match wrong.as_ref().map(|error| error.kind()) {
        // The signature was right, so whoever sent it may know.
        Some(ErrorKind::ExpiredSignature) => Problem::unauthorized("the JWT has expired"),
        Some(ErrorKind::ImmatureSignature) => Problem::unauthorized("the JWT is not yet valid"),
        Some(ErrorKind::InvalidIssuer) => Problem::unauthorized("the JWT is of another issuer"),
        Some(ErrorKind::InvalidAudience) => {
            Problem::unauthorized("the JWT is for another audience")
        }
        Some(ErrorKind::MissingRequiredClaim(claim)) => {
            Problem::unauthorized(format!("the JWT has no claim {claim:?}"))
        }
        _ => refused(),
    })
}

fn validation(jwt: &Jwt, key: &JwtKey) -> Validation {
    let mut validation = Validation::new(key.algorithm);
    validation.leeway = jwt.leeway.as_secs();
    validation.validate_nbf = true;
    let mut required = vec!["exp"];
    if let Some(issuer) = &jwt.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = &jwt.audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// What the claims give.
fn claimed(jwt: &Jwt, claims: &Map<String, Value>) -> Result<Claimed, Problem> {
    let name = match find(claims, &jwt.name_claim) {
        Some(Value::String(name)) if !name.is_empty() => name.chars().take(200).collect(),
        Some(Value::Number(name)) => name.to_string(),
        _ => {
            let claim = &jwt.name_claim;
            return Err(Problem::unauthorized(format!(
                "the JWT has no text in the claim {claim:?}, which names the caller"
            )));
        }
    };
    let role = find(claims, &jwt.role_claim).map(texts).unwrap_or_default();
    let role = role.iter().filter_map(|value| role_of(jwt, value)).max();
    let scope = match &jwt.queues_claim {
        None => jwt.grant.scope.clone(),
        Some(claim) => {
            let patterns = find(claims, claim).map(texts).unwrap_or_default();
            Scope::Queues(patterns.into_iter().map(Pattern).collect())
        }
    };
    let payloads = match &jwt.payloads_claim {
        None => jwt.grant.payloads,
        Some(claim) => Some(find(claims, claim) == Some(&Value::Bool(true))),
    };
    let expires = claims
        .get("exp")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    let expires = Duration::try_from_secs_f64(expires).unwrap_or_default() + jwt.leeway;
    let until = SystemTime::UNIX_EPOCH.checked_add(expires);
    Ok(Claimed {
        name,
        role: role.or(jwt.role),
        scope,
        payloads,
        // A time that the system does not know is not within its life.
        until: until.unwrap_or_else(|| super::now() + Duration::from_secs(86_400)),
    })
}

fn role_of(jwt: &Jwt, value: &str) -> Option<Role> {
    match jwt.roles.is_empty() {
        true => Role::named(value),
        false => jwt.roles.get(value).copied(),
    }
}

/// The claim of this name, or at this path; some issuers have URLs for names.
fn find<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// A text with spaces, or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => {
            let items = items.iter().filter_map(Value::as_str);
            items.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

impl Keys {
    /// The keys. `anew`: what was fetched does not have the one that is wanted.
    async fn of(&self, of: &JwtKeys, anew: bool) -> Result<Arc<Vec<JwtKey>>, Problem> {
        if let Some(read) = self.known(of)
            && let Some(at) = read.at
        {
            let JwtKeys::Url(_) = of else {
                return Ok(read.keys);
            };
            let is_due = anew || at.elapsed() > FRESH;
            if !is_due || read.tried.elapsed() < APART {
                return Ok(read.keys);
            }
        }
        let JwtKeys::Url(url) = of else {
            // They have been read without a mistake before.
            let keys = of.read().map_err(|wrong| Problem::bug(&wrong))?;
            return Ok(self.keep(of, Some(Arc::new(keys))).keys);
        };
        let _one = self.fetching.lock().await;
        // Whoever waited may find that another one has fetched them.
        if let Some(read) = self.known(of)
            && read.tried.elapsed() < APART
        {
            return read.usable();
        }
        let keys = match self.fetch(url).await {
            Ok(keys) => Some(Arc::new(keys)),
            Err(reason) => {
                tracing::warn!(%url, reason, "the keys of JWTs cannot be fetched");
                None
            }
        };
        self.keep(of, keys).usable()
    }

    fn known(&self, of: &JwtKeys) -> Option<Read> {
        let read = self.read.lock().expect("no panic while it is held");
        read.as_ref().filter(|read| read.of == *of).cloned()
    }

    /// Keep new keys, or that there were none; those before stay in use.
    fn keep(&self, of: &JwtKeys, keys: Option<Arc<Vec<JwtKey>>>) -> Read {
        let now = Instant::now();
        let before = self.known(of);
        let read = Read {
            of: of.clone(),
            at: keys
                .is_some()
                .then_some(now)
                .or(before.as_ref().and_then(|read| read.at)),
            keys: keys.or(before.map(|read| read.keys)).unwrap_or_default(),
            tried: now,
        };
        *self.read.lock().expect("no panic while it is held") = Some(read.clone());
        read
    }

    async fn fetch(&self, url: &Url) -> Result<Vec<JwtKey>, String> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = client().map_err(|error| error.to_string())?;
                self.client.get_or_init(|| client)
            }
        };
        let response = client.get(url.clone()).send().await;
        let mut response = response
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| error.without_url().to_string())?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err("the answer is larger than 1 MiB".to_owned());
            }
        }
        JwtKeys::of_set(&String::from_utf8_lossy(&body))
    }
}

impl Read {
    fn usable(self) -> Result<Arc<Vec<JwtKey>>, Problem> {
        match self.at {
            Some(_) => Ok(self.keys),
            None => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no-keys",
                "the keys of JWTs cannot be fetched at the moment",
            )
            .after(APART.as_secs())),
        }
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    // Fails when it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}
