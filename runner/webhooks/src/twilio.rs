//! `X-Twilio-Signature`: the base64 of an HMAC-SHA-1 over the URL that Twilio called
//! and the fields of the form, sorted and without anything between them. A body that is
//! no form is covered by its hash, which is `bodySHA256` in the query of the URL.

use runner_config::webhook::{Algorithm, Encoding, Verify};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

use crate::Request;
use crate::mac;
use crate::refusal::Refusal;

const HEADER: &str = "X-Twilio-Signature";

pub(crate) fn verify(verify: &Verify, request: &Request<'_>) -> Result<(), Refusal> {
    let header = request.header(HEADER).ok_or(Refusal::missing(HEADER))?;
    let found = mac::decode(Encoding::Base64, header).ok_or(Refusal::malformed(HEADER))?;
    let fields = match request.is_form() {
        true => fields(request.body),
        false => String::new(),
    };
    let url = format!("{}{}", verify.origin, request.target);
    let signed = verify.secrets.iter().any(|secret| {
        let key = secret.0.as_bytes();
        spellings(&url).iter().any(|url| {
            let parts = [url.as_bytes(), fields.as_bytes()];
            mac::is_mac(Algorithm::Sha1, key, &parts, &found)
        })
    });
    match signed && (request.is_form() || covers(request)) {
        true => Ok(()),
        false => Err(Refusal::Mismatch),
    }
}

/// Names and values of the form, sorted. A value that comes twice under a name counts
/// once, as in Twilio's libraries.
fn fields(body: &[u8]) -> String {
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    fields.sort();
    fields.dedup();
    let fields = fields.into_iter().map(|(name, value)| name + &value);
    fields.collect()
}

/// Whether the hash in the signed URL is that of the body, if there is one.
fn covers(request: &Request<'_>) -> bool {
    let query = request
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    match pairs.find(|(name, _)| name == "bodySHA256") {
        Some((_, hash)) => {
            let own = hex::encode(Sha256::digest(request.body));
            own.as_bytes()
                .ct_eq(hash.to_ascii_lowercase().as_bytes())
                .into()
        }
        None => request.body.is_empty(),
    }
}

/// The URL as it is, and with and without its port: Twilio signs some with, some
/// without.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Ok(parsed) = Url::parse(url) else {
        return all;
    };
    let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
        return all;
    };
    let scheme = parsed.scheme();
    let after = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = after.find('/').map_or("", |at| &after[at..]);
    all.push(format!("{scheme}://{host}{rest}"));
    all.push(format!("{scheme}://{host}:{port}{rest}"));
    all
}
