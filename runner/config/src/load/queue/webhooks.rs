//! `[queues.<name>.webhooks.<name>]`, and the queues in which their deliveries wait.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use toml::de::DeValue;

use crate::decode::{Decoder, Entry, Table};
use crate::keys::route::is_header;
use crate::keys::webhook::WEBHOOK;
use crate::load::plugin::{network, origin};
use crate::load::route::standard_key;
use crate::load::secret::{SecretFault, secret};
use crate::origins::join;
use crate::value::{self, Fault, Raw, fault};
use crate::webhook::{Webhook, deliveries};
use crate::{DeadLetter, JobSettings, Pattern, Queue, Redis, tag};

/// How many deliveries of a queue this process makes at once.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not zero");

/// The webhooks of a queue.
pub(super) fn read(decoder: &mut Decoder<'_>, queue: &Table<'_>) -> BTreeMap<String, Arc<Webhook>> {
    let mut all = BTreeMap::new();
    for entry in decoder.free_entries(queue, "webhooks") {
        let path = join(&join(&queue.path, "webhooks"), entry.key);
        if let Err(fault) = check_name(entry.key) {
            decoder.refuse(entry.key_span.clone(), &path, fault);
        }
        let Some(table) = decoder.as_table(&entry, path) else {
            continue;
        };
        decoder.only(&table, WEBHOOK.names());
        if let Some(webhook) = one(decoder, &table) {
            all.insert(entry.key.to_owned(), Arc::new(webhook));
        }
    }
    all
}

/// The name is that of the deliveries' jobs and part of their ids.
fn check_name(name: &str) -> Result<(), Fault> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match !name.is_empty() && name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(fault(
            format!("must be the name of a webhook, found {name:?}"),
            "write letters, digits, `-` and `_`: \"crm\"",
        )),
    }
}

fn one(decoder: &mut Decoder<'_>, table: &Table<'_>) -> Option<Webhook> {
    let mut webhook = Webhook::default();
    WEBHOOK.read(decoder, table, &mut webhook);
    for key in ["url", "secret"] {
        if table.get(key).is_none() {
            let missing = fault(format!("has no `{key}`"), format!("add `{key}`"));
            decoder.refuse(table.span.clone(), &table.path, missing);
        }
    }
    let url = decoder.value(table, "url", url);
    let secrets = decoder.secrets(table, "secret", standard_key);
    webhook.http_networks = decoder.list(table, "http_networks", network);
    if table.get("on").is_some() {
        let ends = decoder.list(table, "on", |raw| {
            value::word(raw, &["completed", "failed"]).map(str::to_owned)
        });
        webhook.completed = ends.iter().any(|end| end == "completed");
        webhook.failed = ends.iter().any(|end| end == "failed");
    }
    webhook.names = decoder.list(table, "names", |raw| value::text(raw).map(Pattern));
    if table.get("waits").is_some() {
        webhook.waits = decoder.list(table, "waits", value::duration_above_zero);
    }
    headers(decoder, table, &mut webhook);
    if let Some(to) = decoder.value(table, "dead_letter", value::text) {
        webhook.dead_letter = Some(Arc::new(DeadLetter {
            queue: to,
            ..DeadLetter::default()
        }));
    }
    (webhook.url, webhook.origin) = url.map(|(url, origin)| (url, Some(origin)))?;
    webhook.secrets = secrets?;
    Some(webhook)
}

/// A URL and its origin.
fn url(raw: Raw<'_>) -> Result<(String, crate::Origin), Fault> {
    let hint = "write \"https://crm.example.com/hooks/jobs\"";
    let refused = || raw.is_not("a URL", hint);
    let text = value::text(raw).map_err(|_| refused())?;
    let url = url::Url::parse(&text).map_err(|_| refused())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(
            "must be a URL without a user",
            "send it in `headers`: Authorization = \"env:NAME\"",
        ));
    }
    if url.fragment().is_some() {
        return Err(fault(
            "must be a URL without a fragment",
            "it is never sent: leave out `#` and what follows",
        ));
    }
    let origin = origin(Raw::Text(&url.origin().ascii_serialization())).map_err(|_| refused())?;
    Ok((url.to_string(), origin))
}

/// Further header fields; the value of one may be a secret.
fn headers(decoder: &mut Decoder<'_>, table: &Table<'_>, webhook: &mut Webhook) {
    for entry in decoder.free_entries(table, "headers") {
        let path = join(&join(&table.path, "headers"), entry.key);
        let own = [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "content-type",
        ];
        let set_by_us = own.iter().any(|own| entry.key.eq_ignore_ascii_case(own));
        if !is_header(entry.key) || set_by_us {
            let what = match set_by_us {
                true => "is a header that Runner sets itself",
                false => "is not the name of a header",
            };
            let odd = fault(what, "write X-Source = \"runner\"");
            decoder.refuse(entry.key_span.clone(), &path, odd);
            continue;
        }
        let raw = Raw::Toml(entry.value);
        let value = match secret(decoder, raw) {
            Ok(Some(secret)) => Ok(secret.0),
            Ok(None) => continue,
            Err(SecretFault::Missing(fault)) => Err(fault),
            Err(SecretFault::Literal(_)) => value::text(raw),
        };
        let plain = |text: &String| {
            text.bytes()
                .all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
        };
        match value {
            Ok(value) if plain(&value) => {
                webhook.headers.insert(entry.key.to_owned(), value);
            }
            Ok(_) => {
                let odd = fault("must be printable ASCII", "encode what is not");
                decoder.refuse(entry.span.clone(), &path, odd);
            }
            Err(fault) => decoder.refuse(entry.span.clone(), &path, fault),
        }
    }
}

/// Declare the queues in which deliveries wait.
pub(super) fn declare(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    redis: &Redis,
    queues: &mut BTreeMap<String, Queue>,
) {
    let mut declared = Vec::new();
    for entry in &root.entries {
        let Some(queue) = queues.get(entry.key).filter(|of| !of.webhooks.is_empty()) else {
            continue;
        };
        let path = join(&join("queues", entry.key), "webhooks");
        let name = deliveries(&queue.name);
        if queues.contains_key(&name) {
            let taken = fault(
                format!("puts its deliveries into the queue {name:?}, which is declared, too"),
                "give that queue another name",
            );
            decoder.refuse(entry.key_span.clone(), &path, taken);
            continue;
        }
        if redis.by_queue && tag(&queue.name).is_none() {
            // It has been refused.
            continue;
        }
        let jobs = jobs(decoder, entry, redis, queue, queues);
        declared.push(Queue {
            name,
            concurrency: CONCURRENCY,
            jobs,
            delivers: Some(queue.name.clone()),
            ..Queue::default()
        });
    }
    queues.extend(declared.into_iter().map(|of| (of.name.clone(), of)));
}

/// What the deliveries of each webhook of a queue may use.
fn jobs(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    redis: &Redis,
    queue: &Queue,
    queues: &BTreeMap<String, Queue>,
) -> Vec<(Pattern, JobSettings)> {
    let mut jobs = Vec::new();
    for (webhook, of) in &queue.webhooks {
        let mut dead_letter = of.dead_letter.clone();
        if let Some(to) = &mut dead_letter {
            match queues.get(&to.queue) {
                Some(found) if !redis.parts(&queue.name, &to.queue) => {
                    Arc::make_mut(to).defaults = found.defaults.clone();
                }
                Some(_) => {
                    let apart = super::apart(&to.queue, redis);
                    refuse(decoder, entry, webhook, apart);
                }
                None => {
                    let missing = super::dead_letter::undeclared(&to.queue, queues);
                    refuse(decoder, entry, webhook, missing);
                }
            }
        }
        let settings = JobSettings {
            timeout: of.timeout,
            max_payload: usize::MAX,
            dead_letter,
            ..JobSettings::default()
        };
        jobs.push((Pattern(webhook.clone()), settings));
    }
    jobs
}

/// A fault of a webhook's `dead_letter`.
fn refuse(decoder: &mut Decoder<'_>, queue: &Entry<'_>, webhook: &str, fault: Fault) {
    let place = |value: &DeValue<'_>| {
        let table = value.as_table()?.get("webhooks")?.get_ref().as_table()?;
        let table = table.get(webhook)?.get_ref().as_table()?;
        Some(table.get("dead_letter")?.span())
    };
    let span = place(queue.value).unwrap_or(queue.key_span.clone());
    let path = join(&join(&join("queues", queue.key), "webhooks"), webhook);
    decoder.refuse(span, &join(&path, "dead_letter"), fault);
}
