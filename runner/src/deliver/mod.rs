//! Delivers webhooks: runs the jobs of the queues of deliveries, each of which is one
//! message of Standard Webhooks to one address.
//!
//! The application hands it those jobs as it hands others to the executor; the worker
//! that took them settles, tries again and buries them as it does with any job. Knows
//! the host's way out and the configuration, neither plugins nor Redis.

mod answer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::config::{Config, JobSettings, Webhook};
use crate::host::Http;
use crate::host::client::{Caller, Grant, Request, Room};
use crate::outcome::{Cause, Failure, Outcome};
use crate::queue::{Attempt, Message, Stop};
use crate::webhooks::sign;

/// Delivers webhooks. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Deliverer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: Http,
    config: watch::Receiver<Arc<Config>>,
    /// By queue and webhook.
    endpoints: Mutex<HashMap<(String, String), Arc<Endpoint>>>,
}

/// Where a webhook goes, and what is known of it.
#[derive(Debug)]
struct Endpoint {
    webhook: Arc<Webhook>,
    grant: Grant,
    /// It has answered that it is gone for good (410).
    gone: AtomicBool,
}

impl Deliverer {
    pub(crate) fn new(http: Http, config: watch::Receiver<Arc<Config>>) -> Deliverer {
        Deliverer(Arc::new(Inner {
            http,
            config,
            endpoints: Mutex::default(),
        }))
    }

    /// Make one attempt to deliver, and report how it ended.
    pub(crate) fn start(
        &self,
        attempt: Arc<Attempt>,
        settings: JobSettings,
        done: impl FnOnce(Arc<Attempt>, &JobSettings, Outcome) + Send + 'static,
    ) {
        let (this, room) = (self.clone(), Room::new(&settings));
        tokio::spawn(async move {
            let outcome = tokio::select! {
                outcome = this.deliver(&attempt, room) => outcome,
                why = attempt.stopping() => stopped(why, &attempt),
            };
            attempt.end();
            done(attempt, &settings, outcome);
        });
    }

    async fn deliver(&self, attempt: &Arc<Attempt>, room: Room) -> Outcome {
        let name = &attempt.job.name;
        let Some((queue, endpoint)) = self.endpoint(attempt.queue_name(), name) else {
            return rejected(format!(
                "the webhook {name:?} is no longer in queues.toml: put it back and retry this job, or remove the job"
            ));
        };
        if endpoint.gone.load(Ordering::Relaxed) {
            return rejected(answer::gone(&queue, name));
        }
        let Some(body) = body(&attempt.job.data) else {
            return rejected("the payload is not that of a delivery".to_owned());
        };
        let webhook = &endpoint.webhook;
        let caller = Caller::new(attempt, None, 0, room);
        let request = request(webhook, &id(attempt), body);
        let sent = endpoint.grant.send(&caller, request).await;
        let attempts = attempt.job.attempts_made.saturating_add(1);
        let wait = jittered(webhook.wait(attempts));
        match sent {
            Ok(response) if (200..300).contains(&response.status) => {
                Outcome::Completed(json!({ "status": response.status }).to_string())
            }
            Ok(response) if response.status == 410 => {
                endpoint.gone.store(true, Ordering::Relaxed);
                tracing::error!(
                    queue,
                    webhook = name,
                    "the receiver of a webhook says that it is gone for good (410): nothing more is sent to it until queues.toml or the process changes"
                );
                rejected(answer::gone(&queue, name))
            }
            Ok(response) => Outcome::Retry {
                failure: failure(answer::refused(&response)),
                delay: Some(wait.max(answer::retry_after(&response).unwrap_or_default())),
            },
            Err(error) => Outcome::Retry {
                failure: failure(answer::failed(&error)),
                delay: Some(wait),
            },
        }
    }

    /// Where the deliveries of this queue and webhook go, as it is configured now, with
    /// the queue that the webhook belongs to.
    fn endpoint(&self, deliveries: &str, name: &str) -> Option<(String, Arc<Endpoint>)> {
        let config = self.0.config.borrow().clone();
        let queue = config.queues.get(deliveries)?.delivers.clone()?;
        let webhook = config.queues.get(&queue)?.webhooks.get(name)?;
        let endpoints = self.0.endpoints.lock();
        let mut endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        let key = (queue.clone(), name.to_owned());
        let known = endpoints.get(&key).filter(|of| of.webhook == *webhook);
        let endpoint = known.cloned().unwrap_or_else(|| {
            let endpoint = Arc::new(Endpoint {
                webhook: webhook.clone(),
                grant: self.0.http.grant_webhook(&queue, name, webhook),
                gone: AtomicBool::new(false),
            });
            endpoints.insert(key, endpoint.clone());
            endpoint
        });
        Some((queue, endpoint))
    }
}

/// The id of a message: that of its job, as header fields and signatures can have it.
/// It is the same in all attempts.
fn id(attempt: &Attempt) -> String {
    let job = format!("{}\n{}", attempt.queue_name(), attempt.job.id);
    let digest = hex::encode(Sha256::digest(job));
    format!("msg_{}", &digest[..32])
}

/// What is sent, the same in all attempts.
fn body(data: &str) -> Option<String> {
    let message: Message<'_> = serde_json::from_str(data).ok()?;
    let at = i64::try_from(message.ended_at()?).ok()?;
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(format!(
        "{{\"type\":{},\"timestamp\":\"{at}\",\"data\":{}}}",
        Value::from(message.kind.as_str()),
        message.data.get()
    ))
}

fn request(webhook: &Webhook, id: &str, body: String) -> Request {
    #[expect(
        clippy::disallowed_methods,
        reason = "the receiver compares it with its clock"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let signature = sign(&webhook.secrets, id, now, body.as_bytes());
    let own = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", signature),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let headers = own.into_iter().chain(webhook.headers.clone());
    Request {
        method: "POST".to_owned(),
        url: webhook.url.clone(),
        headers: headers.collect(),
        body: Some(body.into_bytes()),
        timeout: u32::try_from(webhook.timeout.as_millis()).ok(),
        redirects: 0,
        idempotent: false,
    }
}

/// Longer or shorter by up to a tenth, so that what failed together does not come back
/// together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.9 + fastrand::f64() * 0.2)
}

fn stopped(why: Stop, attempt: &Attempt) -> Outcome {
    match why {
        Stop::Shutdown => Outcome::Released,
        Stop::LockLost | Stop::Removed => Outcome::Lost,
        Stop::Cancelled => Outcome::Rejected(Failure {
            cause: Cause::Cancelled,
            ..failure(attempt.cancel_reason().to_owned())
        }),
        Stop::Deadline => Outcome::Retry {
            failure: Failure {
                cause: Cause::Deadline,
                ..failure("no answer in time".to_owned())
            },
            delay: None,
        },
    }
}

fn rejected(reason: String) -> Outcome {
    Outcome::Rejected(failure(reason))
}

fn failure(reason: String) -> Failure {
    Failure {
        cause: Cause::Returned,
        reason,
        frames: Vec::new(),
    }
}
