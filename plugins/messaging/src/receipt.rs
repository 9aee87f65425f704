//! The proof that a message was sent, and the event that tells others.

use runner_sdk::{Job, Result, checkpoint, config, log, queue};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A message that a provider took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// `email`, `whatsapp`, `sms`, …
    pub channel: String,
    /// Who took it.
    pub provider: String,
    /// The provider's id of the message, if it gives one.
    pub message_id: Option<String>,
    /// To whom, masked.
    pub recipient: String,
}

/// Send once over all attempts of the job, and tell it once: a job
/// `<channel>-sent` with the data `{ type, data }` is added to the queue in the
/// setting `events_queue`, `backend-events` by default. Where that queue is not
/// declared nobody wants to know, and a warning is logged.
///
/// # Errors
/// Those of `send`, or Redis cannot be asked; the message is not sent again
/// then.
pub fn deliver(
    job: &Job,
    channel: &str,
    send: impl FnOnce() -> Result<Receipt>,
) -> Result<Receipt> {
    let receipt = checkpoint::once(channel, || {
        let receipt = send()?;
        log::info!(
            provider = receipt.provider,
            message_id = receipt.message_id.as_deref().unwrap_or("none"),
            "{channel} sent to {}",
            receipt.recipient
        );
        Ok(receipt)
    })?;
    checkpoint::once(&format!("{channel}-event"), || tell(job, &receipt))?;
    Ok(receipt)
}

fn tell(job: &Job, receipt: &Receipt) -> Result {
    let queue = config::get("events_queue").unwrap_or_else(|| "backend-events".into());
    let event = format!("{}-sent", receipt.channel);
    let data = json!({
        "type": event,
        "data": {
            "channel": receipt.channel,
            "provider": receipt.provider,
            "messageId": receipt.message_id,
            "recipient": receipt.recipient,
            "queue": job.queue,
            "jobId": job.id,
            "name": job.name,
        },
    });
    // Ids of scheduled jobs have colons, which BullMQ refuses in custom ids.
    let id = job.idempotency_key(&event).replace(':', "-");
    match queue::add(&queue, &event, &data).id(id).send() {
        Ok(_) => {}
        Err(queue::Error::UnknownQueue(reason)) => {
            log::warn!(
                queue = queue,
                "nobody is told that the message was sent: {reason}"
            );
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
