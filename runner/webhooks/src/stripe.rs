//! `Stripe-Signature: t=1492774577,v1=5257…,v1=…`, over `t.body`.

use runner_config::webhook::{Algorithm, Encoding, Verify};

use crate::Request;
use crate::mac;
use crate::refusal::{Refusal, is_late};

const HEADER: &str = "Stripe-Signature";

pub(crate) fn verify(verify: &Verify, request: &Request<'_>, now: u64) -> Result<(), Refusal> {
    let header = request.header(HEADER).ok_or(Refusal::missing(HEADER))?;
    let pairs = || {
        header
            .split(',')
            .filter_map(|pair| pair.trim().split_once('='))
    };
    let time = pairs().find(|(key, _)| *key == "t").map(|(_, value)| value);
    let time = time.ok_or(Refusal::malformed(HEADER))?;
    let signatures = pairs().filter(|(key, _)| *key == "v1");
    let signatures: Vec<_> = signatures
        .filter_map(|(_, value)| mac::decode(Encoding::Hex, value))
        .collect();
    if signatures.is_empty() {
        return Err(Refusal::malformed(HEADER));
    }
    let parts = [time.as_bytes(), b".", request.body];
    let signed = verify.secrets.iter().any(|secret| {
        let key = secret.0.as_bytes();
        let is_it = |found: &Vec<u8>| mac::is_mac(Algorithm::Sha256, key, &parts, found);
        signatures.iter().any(is_it)
    });
    if !signed {
        return Err(Refusal::Mismatch);
    }
    is_late(HEADER, time, verify.tolerance, now)
}
