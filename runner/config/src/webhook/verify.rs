//! `verify`: how a request proves who has sent it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::template::Text;
use crate::Secret;

/// How a request proves who has sent it. What a scheme does not use is as nobody set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verify {
    /// Whose way it is.
    pub scheme: Scheme,
    /// The keys; any of them will do, so that one can take the place of another.
    pub secrets: Vec<Secret>,
    /// How far the sender's clock may be from ours where a time is signed. Defaults to
    /// five minutes, as in the specifications of Stripe and of Standard Webhooks.
    pub tolerance: Duration,
    /// The header with the signature or the token.
    pub header: Option<String>,
    /// What the signature is made with.
    pub algorithm: Algorithm,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What stands before the signature or the token in its header.
    pub prefix: String,
    /// What is signed; the body if nobody says so.
    pub signed: Option<Text>,
    /// The header with the time, in seconds since 1970.
    pub timestamp: Option<String>,
    /// `https://hooks.example.com`: what stands before the path in the URL that the
    /// sender calls.
    pub origin: String,
}

/// What nobody set.
impl Default for Verify {
    fn default() -> Self {
        Self {
            scheme: Scheme::None,
            secrets: Vec::new(),
            tolerance: Duration::from_secs(300),
            header: None,
            algorithm: Algorithm::Sha256,
            encoding: Encoding::Hex,
            prefix: String::new(),
            signed: None,
            timestamp: None,
            origin: String::new(),
        }
    }
}

/// Whose way to sign it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `X-Shopify-Hmac-Sha256`
    Shopify,
    /// `X-Hub-Signature-256`
    GitHub,
    /// `Stripe-Signature`
    Stripe,
    /// `X-Twilio-Signature`
    Twilio,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`
    StandardWebhooks,
    /// An HMAC in a header of any name.
    Hmac,
    /// A secret in a header.
    Token,
    /// A JSON Web Token, checked as `[server.jwt]` says.
    Jwt,
    /// Anybody may send it.
    None,
}

impl Scheme {
    pub(crate) const ALL: [Scheme; 9] = [
        Scheme::Shopify,
        Scheme::GitHub,
        Scheme::Stripe,
        Scheme::Twilio,
        Scheme::StandardWebhooks,
        Scheme::Hmac,
        Scheme::Token,
        Scheme::Jwt,
        Scheme::None,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Shopify => "shopify",
            Scheme::GitHub => "github",
            Scheme::Stripe => "stripe",
            Scheme::Twilio => "twilio",
            Scheme::StandardWebhooks => "standard-webhooks",
            Scheme::Hmac => "hmac",
            Scheme::Token => "token",
            Scheme::Jwt => "jwt",
            Scheme::None => "none",
        }
    }

    /// The keys of `verify` that it uses, beside `scheme`.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Scheme::Shopify | Scheme::GitHub => &["secret"],
            Scheme::Stripe | Scheme::StandardWebhooks => &["secret", "tolerance"],
            Scheme::Twilio => &["secret", "origin"],
            Scheme::Hmac => &[
                "secret",
                "header",
                "algorithm",
                "encoding",
                "prefix",
                "signed",
                "timestamp",
                "tolerance",
            ],
            Scheme::Token => &["secret", "header", "prefix"],
            Scheme::Jwt | Scheme::None => &[],
        }
    }

    /// What names a delivery, so that a second one is known to be the same.
    pub(crate) fn once(self) -> Option<&'static str> {
        match self {
            Scheme::Shopify => Some("{header.X-Shopify-Webhook-Id?}"),
            Scheme::GitHub => Some("{header.X-GitHub-Delivery?}"),
            Scheme::Stripe => Some("{body.id?}"),
            Scheme::Twilio => Some("{header.I-Twilio-Idempotency-Token?}"),
            Scheme::StandardWebhooks => Some("{header.webhook-id?}{header.svix-id?}"),
            Scheme::Hmac | Scheme::Token | Scheme::Jwt | Scheme::None => None,
        }
    }
}

/// What an HMAC is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1
    Sha1,
    /// HMAC-SHA-256
    Sha256,
    /// HMAC-SHA-512
    Sha512,
}

impl Algorithm {
    pub(crate) const ALL: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `a1b2`
    Hex,
    /// `obI=`
    Base64,
}

impl Encoding {
    pub(crate) const ALL: [Encoding; 2] = [Encoding::Hex, Encoding::Base64];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Hex => "hex",
            Encoding::Base64 => "base64",
        }
    }
}

/// The bytes of a key of Standard Webhooks: `whsec_` and base64.
pub fn standard_key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.0.strip_prefix("whsec_").unwrap_or(&secret.0);
    let key = STANDARD.decode(text.trim()).ok()?;
    (!key.is_empty()).then_some(key)
}
