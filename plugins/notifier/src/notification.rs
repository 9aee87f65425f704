//! The payloads, and the messages they become.

use messaging::template;
use messaging::{Email, Phone};
use runner_sdk::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::channel::{Channel, Message, Push};
use crate::directory::{self, Person};

/// A job's payload.
pub(crate) enum Notification {
    Message(UserMessage),
    Trade(Trade),
}

/// A text for one person on one channel.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserMessage {
    #[serde(default)]
    user_id: Option<String>,
    #[serde(rename = "type")]
    channel: Channel,
    #[serde(default)]
    subject: Option<String>,
    message: String,
    /// An address on the channel, instead of what is known of the user.
    #[serde(default)]
    to: Option<String>,
}

/// The confirmation of a trade.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trade {
    /// An e-mail address or a phone number; the other one may be in the
    /// directory, under this one.
    to: String,
    asset: String,
    amount: Amount,
    quantity: Amount,
    order: String,
    #[serde(default)]
    phone: Option<String>,
}

/// An amount as it was written: a number, or a decimal in a string.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "an amount is a number or a string")]
enum Amount {
    Number(Number),
    Text(String),
}

/// What is sent, and the channels on which nobody can be reached.
pub(crate) type Prepared = (Vec<Message>, Vec<Channel>);

impl Notification {
    /// Read the payload by its shape.
    pub(crate) fn read(job: &Job) -> Result<Self> {
        #[derive(Deserialize)]
        struct Shape {
            asset: Option<IgnoredAny>,
            order: Option<IgnoredAny>,
        }
        let shape: Shape = job.data()?;
        if shape.asset.is_some() || shape.order.is_some() {
            job.data().map(Notification::Trade)
        } else {
            job.data().map(Notification::Message)
        }
    }
}

impl UserMessage {
    pub(crate) fn prepare(self) -> Result<Prepared> {
        let person = match (&self.to, &self.user_id) {
            (Some(to), _) => Person::at(self.channel, to),
            (None, Some(user_id)) => directory::look_up(user_id)?,
            (None, None) if self.channel == Channel::Slack => Person::default(),
            (None, None) => {
                return Err(reject("data: neither `userId` nor `to` says who it is for"));
            }
        };
        let unknown = || {
            let who = self.user_id.as_deref().unwrap_or_default();
            reject(format!(
                "for the user \"{who}\" no address for {} is known",
                self.channel
            ))
        };
        let message = match self.channel {
            Channel::Email => Message::Email {
                to: Email::parse(&person.email.ok_or_else(unknown)?).map_err(reject)?,
                content: messaging::resend::Message {
                    subject: self
                        .subject
                        .clone()
                        .unwrap_or_else(|| "Notification".into()),
                    text: template::render(
                        "message_email_text",
                        include_str!("templates/message_email.txt"),
                        &self,
                    )?,
                    html: template::render(
                        "message_email_html",
                        include_str!("templates/message_email.html"),
                        &self,
                    )?,
                },
            },
            Channel::Sms => Message::Sms {
                to: Phone::parse(&person.phone.ok_or_else(unknown)?).map_err(reject)?,
                text: template::render(
                    "message_sms",
                    include_str!("templates/message_sms.txt"),
                    &self,
                )?,
            },
            Channel::Slack => Message::Slack {
                member: person.slack,
                subject: self.subject,
                text: self.message,
            },
            Channel::Push => Message::Push(Push {
                to: person.push.ok_or_else(unknown)?,
                title: self.subject,
                body: self.message,
            }),
        };
        Ok((vec![message], Vec::new()))
    }
}

impl Trade {
    pub(crate) fn prepare(self) -> Result<Prepared> {
        let mut person = directory::find(&self.to)?.unwrap_or_default();
        if self.to.contains('@') {
            person.email = Some(self.to.clone());
        } else {
            person.phone = Some(self.to.clone());
        }
        person.phone = self.phone.clone().or(person.phone);
        let fill = |setting, default| template::render(setting, default, &self);
        let mut messages = Vec::new();
        let mut skipped = Vec::new();
        match &person.email {
            Some(email) => messages.push(Message::Email {
                to: Email::parse(email).map_err(reject)?,
                content: messaging::resend::Message {
                    subject: fill("trade_subject", include_str!("templates/trade_subject.txt"))?,
                    text: fill(
                        "trade_email_text",
                        include_str!("templates/trade_email.txt"),
                    )?,
                    html: fill(
                        "trade_email_html",
                        include_str!("templates/trade_email.html"),
                    )?,
                },
            }),
            None => skipped.push(Channel::Email),
        }
        match &person.phone {
            Some(phone) => messages.push(Message::Sms {
                to: Phone::parse(phone).map_err(reject)?,
                text: fill("trade_sms", include_str!("templates/trade_sms.txt"))?,
            }),
            None => skipped.push(Channel::Sms),
        }
        Ok((messages, skipped))
    }
}
