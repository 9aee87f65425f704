//! Sends notifications by e-mail (Resend), SMS (Twilio), Slack and push (Expo):
//! the contract `docs:jobs/notifications`.
//!
//! A message goes out on the channel it names, the confirmation of a trade by
//! e-mail and SMS.
//!
//! ```toml
//! [plugins.notifier]
//! http = ["https://api.resend.com", "https://api.twilio.com", "https://hooks.slack.com", "https://exp.host"]
//!
//! [plugins.notifier.secrets]              # each is needed for its channel only
//! RESEND_API_KEY = "env:RESEND_API_KEY"
//! TWILIO_ACCOUNT_SID = "env:TWILIO_ACCOUNT_SID"
//! TWILIO_AUTH_TOKEN = "env:TWILIO_AUTH_TOKEN"
//! SLACK_WEBHOOK_URL = "env:SLACK_WEBHOOK_URL"
//! EXPO_ACCESS_TOKEN = "env:EXPO_ACCESS_TOKEN" # if the Expo project asks for it
//! USERS_TOKEN = "env:USERS_TOKEN"             # sent to users_url, if it asks for it
//!
//! [plugins.notifier.config]
//! sender = "Example <no-reply@example.com>"
//! sms_from = "+15005550006"               # a number or sender id of Twilio's
//! directory = { ada = { email = "ada@example.com", phone = "+491701234567", slack = "U012AB3CD", push = "ExponentPushToken[x]" } }
//! users_url = "https://users.example.com/{userId}" # asked for who is not in the directory
//! events_queue = "backend-events"         # told of each message; default "backend-events"
//! # message_email_text, message_email_html, message_sms, trade_subject,
//! # trade_email_text, trade_email_html, trade_sms: templates with the payload's fields
//! ```
//!
//! A message that went out is not sent again when another channel fails and the
//! job is retried. Recipients are masked wherever they are shown.

runner_sdk::contract!({
    path: ["../../wit/runner", "../../wit/queues/documents.wit"],
    world: "docs:jobs/notifier",
});

mod channel;
mod directory;
mod notification;

use exports::docs::jobs::notifications::{self, Channel, Guest, Report};
use runner_sdk::prelude::*;
use runner_sdk::typed;

use crate::notification::{Prepared, Trade, UserMessage};

struct Notifier;

runner_sdk::serve!(Notifier);

impl Guest for Notifier {
    fn send_notification(data: notifications::Message) -> Result<Report, typed::Failure> {
        Ok(send(&Job::current(), UserMessage::from(data).prepare()?)?)
    }

    fn trade_executed(data: notifications::Trade) -> Result<Report, typed::Failure> {
        Ok(send(&Job::current(), Trade::read(data)?.prepare()?)?)
    }
}

/// Send the messages of one job.
///
/// # Errors
/// Rejects what the provider refuses; retries what may work later.
fn send(job: &Job, (messages, skipped): Prepared) -> Result<Report> {
    for channel in &skipped {
        log::warn!(
            channel = channel,
            "skipped: no address for this channel is known"
        );
    }
    let count = messages.len();
    let mut channels = Vec::with_capacity(count);
    let mut failures = Vec::new();
    // One channel that fails keeps no other from being tried.
    for (index, message) in messages.iter().enumerate() {
        match message.send(job) {
            Ok(sent) => channels.push(notifications::Receipt {
                channel: sent.channel,
                provider: sent.provider,
                message_id: sent.message_id,
                recipient: sent.recipient,
            }),
            Err(failure) => failures.push((message.channel(), failure)),
        }
        progress::set((index + 1) as f64 / count as f64 * 100.0);
    }
    match sum_up(failures) {
        None => Ok(Report { channels, skipped }),
        Some(failure) => Err(failure),
    }
}

/// One failure for all: worth a retry when one of them is, after the longest
/// delay that a provider asked for; and the queue waits when one of them asks that.
fn sum_up(failures: Vec<(Channel, Failure)>) -> Option<Failure> {
    let reason = failures
        .iter()
        .map(|(channel, failure)| format!("{channel}: {}", failure.reason()))
        .collect::<Vec<_>>()
        .join("; ");
    let rank = |failure: &Failure| match failure {
        Failure::Reject(_) => (0, Default::default()),
        Failure::Retry(_) => (1, Default::default()),
        Failure::RetryAfter(delay, _) | Failure::Snooze(delay, _) => (2, *delay),
        // The other jobs would meet the same.
        Failure::RateLimit(delay, _) => (3, *delay),
        Failure::WaitChildren => (4, Default::default()),
    };
    let (_, gravest) = failures
        .into_iter()
        .max_by_key(|(_, failure)| rank(failure))?;
    Some(gravest.with_reason(reason))
}

#[cfg(test)]
mod tests;
