//! E-mail through [Resend](https://resend.com/docs/api-reference/emails).
//!
//! Setting `sender`, secret `RESEND_API_KEY`, grant `https://api.resend.com`.

use runner_sdk::{Result, config, http};
use serde::{Deserialize, Serialize};

use crate::{Email, provider};

const URL: &str = "https://api.resend.com/emails";

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject line.
    pub subject: String,
    /// For mail programs that show text.
    pub text: String,
    /// For the others.
    pub html: String,
}

#[derive(Serialize)]
struct Request<'a> {
    from: &'a str,
    to: [&'a str; 1],
    subject: &'a str,
    html: &'a str,
    text: &'a str,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
}

/// Send a message; the result is Resend's id of it. Resend drops what comes
/// again under the same key within 24 hours, so the message must not differ
/// between attempts.
///
/// # Errors
/// What follows from Resend's code ([`provider::RESEND`]).
pub fn send(to: &Email, message: &Message, idempotency_key: &str) -> Result<String> {
    let response = http::post(URL)
        .bearer(&config::require_secret("RESEND_API_KEY")?)
        .idempotency_key(idempotency_key)
        .json(&Request {
            from: &config::require("sender")?,
            to: [to.as_str()],
            subject: &message.subject,
            html: &message.html,
            text: &message.text,
        })
        .send()?;
    let Accepted { id } = provider::RESEND.check(response)?.json()?;
    Ok(id)
}
