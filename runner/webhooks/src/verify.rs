//! Who has sent a request: the proof that each scheme asks for.

use runner_config::webhook::{Algorithm, Encoding, From, Part, Scheme, Text, Verify, standard_key};
use subtle::ConstantTimeEq;

use crate::refusal::{Refusal, is_late};
use crate::{Request, mac, stripe, twilio};

/// Whether whoever has one of the keys has sent this request. `now` is in seconds since
/// 1970. A JWT is for the server to check.
pub fn verify(verify: &Verify, request: &Request<'_>, now: u64) -> Result<(), Refusal> {
    let own = |header, prefix, encoding| {
        signed(verify, request, header, prefix, encoding, &[request.body])
    };
    match verify.scheme {
        Scheme::Shopify => own("X-Shopify-Hmac-Sha256", "", Encoding::Base64),
        Scheme::GitHub => own("X-Hub-Signature-256", "sha256=", Encoding::Hex),
        Scheme::Stripe => stripe::verify(verify, request, now),
        Scheme::Twilio => twilio::verify(verify, request),
        Scheme::StandardWebhooks => standard(verify, request, now),
        Scheme::Hmac => hmac(verify, request, now),
        Scheme::Token => token(verify, request),
        Scheme::Jwt | Scheme::None => Ok(()),
    }
}

/// One signature in one header.
fn signed(
    verify: &Verify,
    request: &Request<'_>,
    header: &str,
    prefix: &str,
    encoding: Encoding,
    parts: &[&[u8]],
) -> Result<(), Refusal> {
    let found = request.header(header).ok_or(Refusal::missing(header))?;
    let found = found.strip_prefix(prefix);
    let found = found.and_then(|found| mac::decode(encoding, found));
    let found = found.ok_or(Refusal::malformed(header))?;
    let is_it = |key: &[u8]| mac::is_mac(verify.algorithm, key, parts, &found);
    match verify.secrets.iter().any(|key| is_it(key.0.as_bytes())) {
        true => Ok(()),
        false => Err(Refusal::Mismatch),
    }
}

/// Standard Webhooks; Svix has the same under names of its own.
fn standard(verify: &Verify, request: &Request<'_>, now: u64) -> Result<(), Refusal> {
    let svix = request.header("webhook-id").is_none() && request.header("svix-id").is_some();
    let names = match svix {
        true => ["svix-id", "svix-timestamp", "svix-signature"],
        false => ["webhook-id", "webhook-timestamp", "webhook-signature"],
    };
    let header = |name: &str| request.header(name).ok_or(Refusal::missing(name));
    let [id, time, signatures] = names;
    let (id, at, found) = (header(id)?, header(time)?, header(signatures)?);
    let found = found.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let found: Vec<_> = found
        .filter_map(|one| mac::decode(Encoding::Base64, one))
        .collect();
    if found.is_empty() {
        return Err(Refusal::malformed(signatures));
    }
    let parts = [id.as_bytes(), b".", at.as_bytes(), b".", request.body];
    let mut keys = verify.secrets.iter().filter_map(standard_key);
    let ours = keys.any(|key| {
        let is_it = |found: &Vec<u8>| mac::is_mac(Algorithm::Sha256, &key, &parts, found);
        found.iter().any(is_it)
    });
    match ours {
        true => is_late(time, at, verify.tolerance, now),
        false => Err(Refusal::Mismatch),
    }
}

/// `hmac`, as the file describes it.
fn hmac(verify: &Verify, request: &Request<'_>, now: u64) -> Result<(), Refusal> {
    let body = Text::default();
    let parts = verify.signed.as_ref().unwrap_or(&body).0.iter();
    let parts = parts.map(|part| match part {
        Part::Plain(text) => Ok(text.as_bytes()),
        Part::Field(field) if field.source == From::Header => {
            let name = &field.path[0];
            let value = request.header(name).map(str::as_bytes);
            value.ok_or_else(|| Refusal::missing(name))
        }
        Part::Field(_) => Ok(request.body),
    });
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    if verify.signed.is_none() {
        parts.push(request.body);
    }
    let header = verify.header.as_deref().unwrap_or_default();
    let (prefix, encoding) = (verify.prefix.as_str(), verify.encoding);
    signed(verify, request, header, prefix, encoding, &parts)?;
    match &verify.timestamp {
        Some(name) => {
            let at = request.header(name).ok_or(Refusal::missing(name))?;
            is_late(name, at, verify.tolerance, now)
        }
        None => Ok(()),
    }
}

/// A secret in a header.
fn token(verify: &Verify, request: &Request<'_>) -> Result<(), Refusal> {
    const DEFAULT: &str = "Authorization";
    let header = verify.header.as_deref().unwrap_or(DEFAULT);
    let found = request.header(header).ok_or(Refusal::missing(header))?;
    let bearer = verify.prefix.is_empty() && header.eq_ignore_ascii_case(DEFAULT);
    let found = match bearer {
        // The scheme of credentials has no case (RFC 9110).
        true => found
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .map(|(_, token)| token.trim_start()),
        false => found.strip_prefix(verify.prefix.as_str()),
    };
    let found = found.ok_or(Refusal::malformed(header))?.as_bytes();
    let mut keys = verify.secrets.iter();
    match keys.any(|key| key.0.as_bytes().ct_eq(found).into()) {
        true => Ok(()),
        false => Err(Refusal::Mismatch),
    }
}
