//! The payloads as templates see them, and the messages they become.

use messaging::template;
use messaging::{Email, Phone};
use runner_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::channel::{Message, Push};
use crate::directory::{self, Person};
use crate::{Channel, notifications};

/// A text for one person on one channel.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserMessage {
    user_id: Option<String>,
    #[serde(rename = "type", serialize_with = "name")]
    channel: Channel,
    subject: Option<String>,
    message: String,
    /// An address on the channel, instead of what is known of the user.
    to: Option<String>,
}

fn name<S: serde::Serializer>(channel: &Channel, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(channel)
}

/// The confirmation of a trade.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trade {
    /// An e-mail address or a phone number; the other one may be in the
    /// directory, under this one.
    to: String,
    asset: String,
    amount: Amount,
    quantity: Amount,
    order: String,
    phone: Option<String>,
}

/// An amount as it was written: a number, or a decimal in a string.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Amount {
    Number(Number),
    Text(String),
}

/// What is sent, and the channels on which nobody can be reached.
pub(crate) type Prepared = (Vec<Message>, Vec<Channel>);

impl From<notifications::Message> for UserMessage {
    fn from(data: notifications::Message) -> Self {
        UserMessage {
            user_id: data.user_id,
            channel: data.type_,
            subject: data.subject,
            message: data.message,
            to: data.to,
        }
    }
}

impl Trade {
    /// Check what types cannot say.
    pub(crate) fn read(data: notifications::Trade) -> Result<Self> {
        let amount = |name: &str, json: &str| {
            serde_json::from_str(json).map_err(|_| {
                reject(format!(
                    "data.{name}: an amount is a number or a string, not {json}"
                ))
            })
        };
        Ok(Trade {
            amount: amount("amount", &data.amount)?,
            quantity: amount("quantity", &data.quantity)?,
            to: data.to,
            asset: data.asset,
            order: data.order,
            phone: data.phone,
        })
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
