//! Sends one-time passwords: the jobs `whatsapp-otp` (Meta's Graph API) and
//! `email-otp` (Resend) of the contract `fundify:otp/otp-queue`.
//!
//! ```toml
//! [plugins.otp-sender]
//! http = ["https://graph.facebook.com", "https://api.resend.com"]
//! secrets = { WHATSAPP_TOKEN = "env:WHATSAPP_TOKEN", RESEND_API_KEY = "env:RESEND_API_KEY" }
//!
//! [plugins.otp-sender.config]
//! whatsapp_phone_id = "106540352242922"   # the sender, from Meta's dashboard
//! whatsapp_template = "otp"               # an approved authentication template; default "otp"
//! whatsapp_language = "en_US"             # of the template; default "en_US"
//! graph_version = "v23.0"                 # of the Graph API; default "v23.0"
//! sender = "Example <no-reply@example.com>"
//! app_name = "Example"                    # in the e-mail; default "your account"
//! max_age = "5m"                          # older codes are not sent; default "5m"
//! events_queue = "backend-events"         # told of each message; default "backend-events"
//! # email_subject, email_text, email_html: templates with otp, userName, appName, minutes
//! ```
//!
//! The code is never logged, nor is it in a result, a failure or an event, and
//! recipients are masked there. A code that is expired is rejected, not sent: it
//! would only confuse. A message is sent once over all attempts.

runner_sdk::contract!({
    path: ["../../wit/runner", "../../wit/queues/otp.wit"],
    world: "fundify:otp/otp",
});

mod email;
mod request;
mod whatsapp;

use exports::fundify::otp::otp_queue::{Guest, OtpRequest, Receipt as Sent};
use messaging::{Email, Phone, Receipt, deliver, provider};
use runner_sdk::prelude::*;
use runner_sdk::typed;

use crate::request::Request;

struct Otp;

runner_sdk::serve!(Otp);

impl Guest for Otp {
    fn whatsapp_otp(data: OtpRequest) -> Result<Sent, typed::Failure> {
        Ok(send(data, by_whatsapp)?)
    }

    fn email_otp(data: OtpRequest) -> Result<Sent, typed::Failure> {
        Ok(send(data, by_email)?)
    }
}

/// Send the code of the current job.
///
/// # Errors
/// Rejects what is no code, an expired code and what the provider refuses;
/// retries what may work later.
fn send(data: OtpRequest, by: fn(&Job, &Request) -> Result<Receipt>) -> Result<Sent> {
    let request = Request::read(data)?;
    let sent = by(&Job::current(), &request)
        .map_err(|failure| provider::redact(failure, &[(request.otp.as_str(), "[code]")]))?;
    Ok(Sent {
        channel: sent.channel,
        provider: sent.provider,
        message_id: sent.message_id,
        recipient: sent.recipient,
    })
}

fn by_whatsapp(job: &Job, request: &Request) -> Result<Receipt> {
    let to = Phone::parse(&request.recipient).map_err(reject)?;
    deliver(job, "whatsapp", || {
        request.check_expiry(job)?;
        let id = whatsapp::send(&to, request)
            .map_err(|failure| provider::redact(failure, &[(to.digits(), &to.to_string()[1..])]))?;
        Ok(Receipt {
            channel: "whatsapp".into(),
            provider: "meta".into(),
            message_id: Some(id),
            recipient: to.to_string(),
        })
    })
}

fn by_email(job: &Job, request: &Request) -> Result<Receipt> {
    let to = Email::parse(&request.recipient).map_err(reject)?;
    deliver(job, "email", || {
        request.check_expiry(job)?;
        let id = email::send(&to, job, request)
            .map_err(|failure| provider::redact(failure, &[(to.as_str(), &to.to_string())]))?;
        Ok(Receipt {
            channel: "email".into(),
            provider: "resend".into(),
            message_id: Some(id),
            recipient: to.to_string(),
        })
    })
}

#[cfg(test)]
mod tests;
