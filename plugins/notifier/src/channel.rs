//! The channels, and how a message goes out on each.
//!
//! Only Resend takes an idempotency key. On the other channels an attempt that
//! was cut off between sending and recording sends again: at least once.

use std::fmt;

use messaging::provider::{self, Verdict};
use messaging::{Email, Phone, Receipt, deliver, resend};
use runner_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Channel;

const EXPO: &str = "https://exp.host/--/api/v2/push/send";

/// A message for one person.
pub(crate) enum Message {
    Email {
        to: Email,
        content: resend::Message,
    },
    Sms {
        to: Phone,
        text: String,
    },
    Slack {
        member: Option<String>,
        subject: Option<String>,
        text: String,
    },
    Push(Push),
}

/// A message for one device, as Expo takes it.
#[derive(Serialize)]
pub(crate) struct Push {
    pub(crate) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) body: String,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Slack => "slack",
            Channel::Push => "push",
        })
    }
}

impl Message {
    /// Where it goes out.
    pub(crate) fn channel(&self) -> Channel {
        match self {
            Message::Email { .. } => Channel::Email,
            Message::Sms { .. } => Channel::Sms,
            Message::Slack { .. } => Channel::Slack,
            Message::Push(_) => Channel::Push,
        }
    }

    /// Send it, once over all attempts.
    pub(crate) fn send(&self, job: &Job) -> Result<Receipt> {
        let channel = self.channel().to_string();
        deliver(job, &channel, || {
            let (provider, message_id, recipient) = match self {
                Message::Email { to, content } => {
                    let id = resend::send(to, content, &job.idempotency_key("email"))
                        .map_err(|failure| masked(failure, to.as_str(), &to.to_string()))?;
                    ("resend", Some(id), to.to_string())
                }
                Message::Sms { to, text } => {
                    let id = by_twilio(to, text)
                        .map_err(|failure| masked(failure, to.as_str(), &to.to_string()))?;
                    ("twilio", Some(id), to.to_string())
                }
                Message::Slack {
                    member,
                    subject,
                    text,
                } => {
                    by_slack(member.as_deref(), subject.as_deref(), text)?;
                    (
                        "slack",
                        None,
                        member.clone().unwrap_or_else(|| "the channel".into()),
                    )
                }
                Message::Push(push) => {
                    let device = "a device";
                    let id = by_expo(push).map_err(|failure| masked(failure, &push.to, device))?;
                    ("expo", Some(id), device.to_owned())
                }
            };
            Ok(Receipt {
                channel: channel.clone(),
                provider: provider.into(),
                message_id,
                recipient,
            })
        })
    }
}

fn masked(failure: Failure, address: &str, cover: &str) -> Failure {
    provider::redact(failure, &[(address, cover)])
}

/// [Twilio](https://www.twilio.com/docs/messaging/api/message-resource): a form.
fn by_twilio(to: &Phone, text: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Created {
        sid: String,
    }
    let account = config::require_secret("TWILIO_ACCOUNT_SID")?;
    let token = config::require_secret("TWILIO_AUTH_TOKEN")?;
    let from = config::require("sms_from")?;
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json");
    let response = http::post(url)
        .basic(&account, &token)
        .form([("To", to.as_str()), ("From", from.as_str()), ("Body", text)])
        .send()?;
    let created: Created = provider::TWILIO.check(response)?.json()?;
    Ok(created.sid)
}

/// An [incoming webhook](https://api.slack.com/messaging/webhooks), whose URL is
/// the secret; it answers with text.
fn by_slack(member: Option<&str>, subject: Option<&str>, text: &str) -> Result {
    let url = config::require_secret("SLACK_WEBHOOK_URL")?;
    // The three characters that Slack's markup reserves.
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let mut lines = Vec::new();
    lines.extend(member.map(|member| format!("<@{}>", escape(member))));
    lines.extend(subject.map(|subject| format!("*{}*", escape(subject))));
    lines.push(escape(text));
    let message = json!({ "text": lines.join("\n") });
    provider::SLACK.check(http::post(url).json(&message).send()?)?;
    Ok(())
}

/// [Expo](https://docs.expo.dev/push-notifications/sending-notifications/): a
/// push that is refused is a 200 with a ticket that says so.
fn by_expo(push: &Push) -> Result<String> {
    #[derive(Deserialize)]
    struct Answer {
        data: Ticket,
    }
    #[derive(Deserialize)]
    #[serde(tag = "status", rename_all = "lowercase")]
    enum Ticket {
        Ok {
            id: String,
        },
        Error {
            message: String,
            details: Option<Details>,
        },
    }
    #[derive(Deserialize)]
    struct Details {
        error: Option<String>,
    }
    let mut request = http::post(EXPO).json(push);
    if let Some(token) = config::secret("EXPO_ACCESS_TOKEN") {
        request = request.bearer(&token);
    }
    let answer: Answer = provider::EXPO.check(request.send()?)?.json()?;
    match answer.data {
        Ticket::Ok { id } => Ok(id),
        Ticket::Error { message, details } => {
            let kind = details.and_then(|details| details.error);
            let reason = format!("Expo refused the push: {message}");
            let verdict = kind.and_then(|kind| provider::EXPO.verdict(&kind));
            Err(verdict.unwrap_or(Verdict::Never).failure(None, reason))
        }
    }
}
