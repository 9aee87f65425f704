//! What a delivery is made of: whom it is for, its options, and the payload up to when
//! the job ended, which the script adds by Redis' clock.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::config::webhook::{Webhook, deliveries};
use crate::config::{JobDefaults, Keep};
use crate::contract::is_json;
use crate::outcome::Cause;
use crate::queue::add::NewJob;
use crate::queue::handle::Queue;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text};
use crate::queue::wire::script::checked;
use crate::redact::Redactor;

checked!(TELL, "tell", "lib/beside", "lib/deliver", "tell/tell");

/// Deliveries that were made and are kept, to be looked at.
const KEPT: u64 = 100;

/// How a job has ended.
pub(in crate::queue) struct Ended<'a> {
    pub(in crate::queue) id: &'a str,
    pub(in crate::queue) name: &'a str,
    /// JSON text.
    pub(in crate::queue) data: &'a str,
    /// Ms since 1970.
    pub(in crate::queue) added_at: u64,
    /// Ms since 1970; 0 when it never started.
    pub(in crate::queue) started_at: u64,
    /// This one included.
    pub(in crate::queue) attempts_made: u32,
    /// `otp-sender@a1b2c3d4e5f6`, if one ran it.
    pub(in crate::queue) plugin: Option<&'a str>,
    /// The return value, JSON text; or why it failed, and what that is counted as.
    pub(in crate::queue) end: Result<&'a str, (&'a str, Option<Cause>)>,
}

/// A delivery that the script makes when the job is in this state.
pub(in crate::queue) struct Delivery<'a> {
    pub(in crate::queue) state: State,
    pub(in crate::queue) webhook: &'a str,
    /// Without the last brace.
    pub(in crate::queue) options: String,
    /// Without the last two.
    pub(in crate::queue) head: String,
}

impl Queue {
    /// What the keys of the queue of deliveries begin with.
    pub(in crate::queue) fn deliveries(&self) -> String {
        self.beside(&deliveries(self.name()))
    }

    /// The deliveries of the end of a job.
    pub(in crate::queue) fn told<'a>(&'a self, job: &Ended<'_>) -> Vec<Delivery<'a>> {
        let state = match job.end {
            Ok(_) => State::Completed,
            Err(_) => State::Failed,
        };
        let webhooks = self.settings().webhooks.iter();
        let told = webhooks.filter(|(_, webhook)| {
            let wanted = match job.end {
                Ok(_) => webhook.completed,
                Err(_) => webhook.failed,
            };
            wanted && webhook.covers(job.name)
        });
        told.map(|(name, webhook)| Delivery {
            state,
            webhook: name,
            options: options(webhook),
            head: self.head(job, name, webhook),
        })
        .collect()
    }

    /// The payload of a delivery, open at its end.
    fn head(&self, job: &Ended<'_>, name: &str, webhook: &Webhook) -> String {
        let contract = self.settings().contract.as_deref();
        let mut payload = job.data.to_owned();
        let mut result = job.end.ok().map(str::to_owned);
        let mut reason = job.end.err().map(|(reason, _)| reason.to_owned());
        if let Some(contract) = contract {
            let secrets = contract.sensitive(job.name, job.data);
            reason = reason.map(|text| Redactor::default().with(&secrets).redact(text));
            contract.cover(job.name, &mut payload, result.as_mut());
        }
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        put("queue", self.name().into());
        put("id", job.id.into());
        put("name", job.name.into());
        put("attemptsMade", job.attempts_made.into());
        put("timestamp", job.added_at.into());
        if job.started_at > 0 {
            put("processedOn", job.started_at.into());
        }
        if let Some(plugin) = job.plugin {
            put("plugin", plugin.into());
        }
        if let Some(reason) = reason {
            put("failedReason", reason.into());
        }
        if let Err((_, Some(cause))) = job.end {
            put("cause", cause.as_str().into());
        }
        let mut omitted = Vec::new();
        let mut said = String::new();
        let values = [("data", Some(payload)), ("returnvalue", result)];
        for (field, value) in values.into_iter().filter(|_| webhook.payload) {
            let Some(value) = value else { continue };
            if value.len() > webhook.max_payload || is_json(&value).is_err() {
                omitted.push(field);
            } else {
                said += &format!(",\"{field}\":{value}");
            }
        }
        if !omitted.is_empty() {
            fields.insert("omitted".to_owned(), omitted.into());
        }
        let event = match job.end {
            Ok(_) => "job.completed",
            Err(_) => "job.failed",
        };
        let mut data = Value::Object(fields).to_string();
        data.pop();
        let head = json!({ "type": event, "webhook": name }).to_string();
        format!("{},\"data\":{data}{said}", head.trim_end_matches('}'))
    }

    /// Have webhooks told of jobs that are in `failed`: those that a script of ours has
    /// failed. What was told before is not told again, so it may be called as often as
    /// one likes.
    ///
    /// # Errors
    /// Any error leaves open which were told: call it again.
    pub async fn tell_failed(&self, ids: &[String]) -> Result<(), Error> {
        const FIELDS: [&str; 8] = [
            "name",
            "data",
            "timestamp",
            "processedOn",
            "failedReason",
            "atm",
            "finishedOn",
            "rv",
        ];
        if self.settings().webhooks.is_empty() {
            return Ok(());
        }
        for id in ids {
            let mut command = redis::cmd("HMGET");
            command.arg(self.key(id)).arg(&FIELDS);
            let mut fields = list(self.redis().call(&command).await?).into_iter();
            let mut next = || fields.next().and_then(text);
            let name = next().unwrap_or_default();
            let data = next().unwrap_or_else(|| "null".to_owned());
            let added_at = next().and_then(|at| at.parse().ok()).unwrap_or_default();
            let started_at = next().and_then(|at| at.parse().ok()).unwrap_or_default();
            let reason = next().unwrap_or_default();
            let attempts_made = next()
                .and_then(|made| made.parse().ok())
                .unwrap_or_default();
            let Some(ended_at) = next() else { continue };
            let plugin = next();
            let told = self.told(&Ended {
                id,
                name: &name,
                data: &data,
                added_at,
                started_at,
                attempts_made,
                plugin: plugin.as_deref(),
                end: Err((&reason, None)),
            });
            if told.is_empty() {
                continue;
            }
            TELL.run(self.redis(), &self.deliveries(), |command| {
                command.arg(self.name()).arg(id).arg(&ended_at);
                for delivery in &told {
                    command
                        .arg(delivery.webhook)
                        .arg(&delivery.options)
                        .arg(&delivery.head);
                }
            })
            .await?;
        }
        Ok(())
    }
}

/// The options of a delivery, without the last brace.
fn options(webhook: &Webhook) -> String {
    let defaults = JobDefaults {
        attempts: Some(webhook.attempts),
        remove_on_complete: Some(Keep {
            count: Some(KEPT),
            ..Keep::default()
        }),
        ..JobDefaults::default()
    };
    let mut options = NewJob::default().options(&defaults);
    options.pop();
    options
}

/// A delivery as its job has it.
#[derive(Debug, serde::Deserialize)]
pub struct Message<'a> {
    /// `job.completed`, `job.failed`
    #[serde(rename = "type")]
    pub kind: String,
    /// What is told.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

impl Message<'_> {
    /// When the job ended, in ms since 1970.
    pub fn ended_at(&self) -> Option<u64> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Ended {
            finished_on: u64,
        }
        let ended: Ended = serde_json::from_str(self.data.get()).ok()?;
        Some(ended.finished_on)
    }
}
