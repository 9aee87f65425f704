//! `[server.jwt]`: who vouches for callers, and what a claim gives.

use std::collections::BTreeMap;
use std::time::Duration;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use url::Url;

use super::grant::{Grant, Role};
use crate::plugin::Secret;

/// `[server.jwt]`
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// `secret`, `key` or `jwks`: what signatures are checked with.
    pub keys: JwtKeys,
    /// The claim `iss` must be this.
    pub issuer: Option<String>,
    /// The claim `aud` must have this; a JWT without it must have no `aud`.
    pub audience: Option<String>,
    /// How far clocks may be apart. Defaults to 30 s.
    pub leeway: Duration,
    /// The claim that names the caller. Defaults to `sub`.
    pub name_claim: String,
    /// The claim that gives the role, by a path with dots. Defaults to `role`.
    pub role_claim: String,
    /// What a value of that claim means; the names of the roles if it is empty.
    pub roles: BTreeMap<String, Role>,
    /// The claim with the queues; without one, `grant` says which.
    pub queues_claim: Option<String>,
    /// The claim that says whether payloads are shown; without one, `grant` does.
    pub payloads_claim: Option<String>,
    /// The role of who has no such claim; no role at all if it is none.
    pub role: Option<Role>,
    /// `queues` and `payloads` for all of them.
    pub grant: Grant,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            keys: JwtKeys::Secret(Secret(String::new())),
            issuer: None,
            audience: None,
            leeway: Duration::from_secs(30),
            name_claim: "sub".to_owned(),
            role_claim: "role".to_owned(),
            roles: BTreeMap::new(),
            queues_claim: None,
            payloads_claim: None,
            role: None,
            grant: Grant::default(),
        }
    }
}

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtKeys {
    /// A secret that the issuer has, too: HS256.
    Secret(Secret),
    /// A public key, PEM: RS256, ES256 or EdDSA, by its kind.
    Pem(String),
    /// A JSON Web Key Set, as it was read from a file.
    Set(String),
    /// One that is fetched from here, and again when a key is missing.
    Url(Url),
}

/// A key, and the one algorithm that it may be used with.
#[derive(Debug, Clone)]
pub struct JwtKey {
    /// `kid`, if it has one.
    pub id: Option<String>,
    /// What it is for. A JWT that names another one is refused, whatever it says.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// RFC 7518 wants a secret as long as the hash, and an RSA key of 2048 bits.
const SHORTEST: (usize, usize) = (32, 256);

impl JwtKeys {
    /// The keys; none yet where they are to be fetched.
    ///
    /// # Errors
    /// What is wrong with them, to follow the name of the setting.
    pub fn read(&self) -> Result<Vec<JwtKey>, String> {
        match self {
            JwtKeys::Secret(secret) => of_secret(secret).map(|key| vec![key]),
            JwtKeys::Pem(pem) => of_pem(pem).map(|key| vec![key]),
            JwtKeys::Set(json) => JwtKeys::of_set(json),
            JwtKeys::Url(_) => Ok(Vec::new()),
        }
    }

    /// The keys of a JSON Web Key Set (RFC 7517) that are for signatures of a kind that is
    /// used here. Others may stand beside them.
    ///
    /// # Errors
    /// What is wrong with it, to follow the name of the setting.
    pub fn of_set(json: &str) -> Result<Vec<JwtKey>, String> {
        let set: JwkSet = serde_json::from_str(json)
            .map_err(|error| format!("is no JSON Web Key Set (RFC 7517): {error}"))?;
        let keys: Vec<JwtKey> = set.keys.iter().filter_map(of_jwk).collect();
        match keys.is_empty() {
            true => Err("has no key for RS256, ES256 or EdDSA".to_owned()),
            false => Ok(keys),
        }
    }
}

fn of_secret(secret: &Secret) -> Result<JwtKey, String> {
    let long = secret.0.len() >= SHORTEST.0;
    let key = DecodingKey::from_secret(secret.0.as_bytes()).ok();
    let key = key.filter(|_| long).ok_or_else(|| {
        format!(
            "has {} bytes, and a secret of HS256 must have 32 (RFC 7518)",
            secret.0.len()
        )
    })?;
    Ok(JwtKey {
        id: None,
        algorithm: Algorithm::HS256,
        key,
    })
}

fn of_pem(pem: &str) -> Result<JwtKey, String> {
    if pem.contains("PRIVATE KEY") {
        return Err("is a private key, and Runner needs the public one only".to_owned());
    }
    let bytes = pem.as_bytes();
    let length = |key: &DecodingKey| key.try_get_as_bytes().map_or(0, <[u8]>::len);
    let found = if let Ok(key) = DecodingKey::from_rsa_pem(bytes) {
        // A DER has a few bytes beside the modulus.
        (length(&key) > SHORTEST.1).then_some((Algorithm::RS256, key))
    } else if let Ok(key) = DecodingKey::from_ec_pem(bytes) {
        // A point of P-256, uncompressed.
        (length(&key) == 65).then_some((Algorithm::ES256, key))
    } else if let Ok(key) = DecodingKey::from_ed_pem(bytes) {
        (length(&key) == 32).then_some((Algorithm::EdDSA, key))
    } else {
        None
    };
    let (algorithm, key) = found.ok_or(
        "is no public key in PEM that is used here: RSA of 2048 bits or more, P-256 or Ed25519",
    )?;
    Ok(JwtKey {
        id: None,
        algorithm,
        key,
    })
}

/// A secret in a set would be none, and one key is for one algorithm.
fn of_jwk(jwk: &Jwk) -> Option<JwtKey> {
    let signs = jwk.common.public_key_use.as_ref();
    if signs.is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(of) if of.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(of) if of.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|of| of != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind()
        && n.len() < SHORTEST.1
    {
        return None;
    }
    Some(JwtKey {
        id: jwk.common.key_id.clone(),
        algorithm,
        key,
    })
}
