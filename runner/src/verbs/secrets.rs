//! Making and checking what callers say who they are with: tokens, ids of sessions,
//! hashes of passwords. Knows no names and no rights.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A new token, and what Runner keeps of it.
#[derive(Debug)]
pub struct Token {
    /// What the program sends.
    pub token: String,
    /// `sha256:…`, for `queues.toml`.
    pub hash: String,
}

/// A token with 256 bits of the system's randomness. Its beginning lets scanners find
/// one that has leaked.
///
/// # Errors
/// When the system has none to give.
pub fn token() -> Result<Token, &'static str> {
    let token = format!("runner_{}", random()?);
    let hash = format!("sha256:{}", hex::encode(digest(&token)));
    Ok(Token { token, hash })
}

/// 256 bits of the system's randomness as text.
///
/// # Errors
/// When the system has none to give.
pub fn random() -> Result<String, &'static str> {
    let mut bytes = [0; 32];
    let source = rustls::crypto::ring::default_provider().secure_random;
    let filled = source.fill(&mut bytes);
    filled.map_err(|_| "the system gives no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is compared and kept instead of a token.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The argon2id hash of a password, with a salt of its own.
///
/// # Errors
/// When the system has no random numbers to give.
pub fn hash(password: &str) -> Result<String, String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// Whether this is the password of the hash. It takes some 20 ms of a core and 19 MiB,
/// so that nobody tries many.
pub fn matches(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    let argon2 = Argon2::default();
    argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let (one, other) = (
            hash("correct horse").unwrap(),
            hash("correct horse").unwrap(),
        );
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && one != other);
        assert!(matches("correct horse", &one) && matches("correct horse", &other));
        assert!(!matches("correct horses", &one) && !matches("correct horse", "$argon2id$"));
    }

    #[test]
    fn each_token_is_new_and_known_by_its_hash() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert!(one.token != other.token && one.token.len() == 50, "{one:?}");
        assert_eq!(
            one.hash,
            format!("sha256:{}", hex::encode(digest(&one.token)))
        );
    }
}
