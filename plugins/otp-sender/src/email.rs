//! The e-mail with the code.

use messaging::resend::{self, Message};
use messaging::{Email, template};
use runner_sdk::prelude::*;
use serde::Serialize;

use crate::request::{self, Request};

/// What the templates can use.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables<'a> {
    otp: &'a str,
    user_name: &'a str,
    app_name: String,
    /// How long codes are good for, by the setting: what is left would differ
    /// between attempts, and Resend refuses that under one idempotency key.
    minutes: u64,
}

/// Send the code; the result is Resend's id of the message.
pub(crate) fn send(to: &Email, job: &Job, request: &Request) -> Result<String> {
    let variables = Variables {
        otp: request.otp.as_str(),
        user_name: request.user_name.as_deref().unwrap_or_default(),
        app_name: config::get("app_name").unwrap_or_else(|| "your account".into()),
        minutes: request::max_age()?.as_secs().div_ceil(60),
    };
    let fill = |setting, default| template::render(setting, default, &variables);
    let message = Message {
        subject: fill("email_subject", include_str!("templates/email_subject.txt"))?,
        text: fill("email_text", include_str!("templates/email.txt"))?,
        html: fill("email_html", include_str!("templates/email.html"))?,
    };
    resend::send(to, &message, &job.idempotency_key("email"))
}
