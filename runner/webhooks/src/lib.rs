//! Webhooks without a network: who has sent a request ([`verify`]), what it says
//! ([`Said`]), and the signatures of those that we send ([`sign`]).
//!
//! The server and the sender of webhooks use it. It knows requests and keys, neither
//! sockets nor Redis.

mod mac;
mod refusal;
mod said;
mod sign;
mod stripe;
mod twilio;
mod verify;

pub use self::refusal::Refusal;
pub use self::said::{Misfit, Said};
pub use self::sign::sign;
pub use self::verify::verify;

use http::HeaderMap;

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Path and query, byte for byte.
    pub target: &'a str,
    /// Its header fields.
    pub headers: &'a HeaderMap,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first field of this name, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is a form.
    pub(crate) fn is_form(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }
}
