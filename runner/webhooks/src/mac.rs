//! HMACs, compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use runner_config::webhook::{Algorithm, Encoding};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Whether this is the HMAC of the parts, one after the other.
pub(crate) fn is_mac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]], found: &[u8]) -> bool {
    match algorithm {
        Algorithm::Sha1 => fed::<Hmac<Sha1>>(key, parts).verify_slice(found).is_ok(),
        Algorithm::Sha256 => fed::<Hmac<Sha256>>(key, parts).verify_slice(found).is_ok(),
        Algorithm::Sha512 => fed::<Hmac<Sha512>>(key, parts).verify_slice(found).is_ok(),
    }
}

/// The HMAC-SHA-256 of the parts, one after the other.
pub(crate) fn sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    fed::<Hmac<Sha256>>(key, parts)
        .finalize()
        .into_bytes()
        .to_vec()
}

/// A signature as its header has it; `None` for what is none.
pub(crate) fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => STANDARD.decode(text).ok(),
    }
}

fn fed<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}
