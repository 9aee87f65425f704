//! Webhooks, counted: requests that came in, by the route of `queues.toml` that they are
//! for, and messages that went out.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{Delivered, OfRoute, OfWebhook, Refused};
use crate::config::Queue;
use crate::config::webhook::Route;

/// What can become of a request that proves who has sent it.
pub(super) const TAKEN: [&str; 2] = ["accepted", "duplicate"];
/// What can become of an attempt to deliver a message.
const OUTCOMES: [&str; 3] = ["delivered", "retried", "failed"];

/// What came in, and what went out.
#[derive(Debug)]
pub(super) struct Webhooks {
    taken: Family<OfRoute, Counter>,
    refused: Family<Refused, Counter>,
    sent: Family<Delivered, Counter>,
    delays: Family<OfWebhook, Histogram, fn() -> Histogram>,
}

impl Webhooks {
    pub(super) fn new(seconds: fn() -> Histogram) -> Webhooks {
        Webhooks {
            taken: Family::default(),
            refused: Family::default(),
            sent: Family::default(),
            delays: Family::new_with_constructor(seconds),
        }
    }

    /// A request became jobs, or was known.
    pub(super) fn taken(&self, route: &str, outcome: &'static str) {
        let route = route.to_owned();
        self.taken.get_or_create(&OfRoute { route, outcome }).inc();
    }

    /// A request was refused.
    pub(super) fn refused(&self, route: &str, reason: &str) {
        let labels = Refused {
            route: route.to_owned(),
            reason: reason.to_owned(),
        };
        self.refused.get_or_create(&labels).inc();
    }

    /// An attempt to deliver has ended.
    pub(super) fn sent(&self, queue: &str, webhook: &str, outcome: &'static str) {
        let of = OfWebhook::new(queue, webhook);
        self.sent.get_or_create(&Delivered { of, outcome }).inc();
    }

    /// A message was taken so many seconds after its job had ended.
    pub(super) fn delivered(&self, queue: &str, webhook: &str, seconds: f64) {
        let delays = self.delays.get_or_create(&OfWebhook::new(queue, webhook));
        delays.observe(seconds);
    }

    /// Put it on a page, with what is configured from the start.
    pub(super) fn register(
        &self,
        registry: &mut Registry,
        queues: &BTreeMap<String, Arc<Queue>>,
        routes: &[Arc<Route>],
    ) {
        for route in routes {
            for outcome in TAKEN {
                let route = route.to_string();
                drop(self.taken.get_or_create(&OfRoute { route, outcome }));
            }
        }
        for queue in queues.values() {
            let webhooks = queue.delivers.as_ref().and_then(|of| queues.get(of));
            for webhook in webhooks.iter().flat_map(|of| of.webhooks.keys()) {
                let of = OfWebhook::new(&queue.name, webhook);
                for outcome in OUTCOMES {
                    let of = of.clone();
                    drop(self.sent.get_or_create(&Delivered { of, outcome }));
                }
            }
        }
        registry.register(
            "runner_webhook_requests",
            "Requests of others that became jobs, or had come before",
            self.taken.clone(),
        );
        registry.register(
            "runner_webhook_refusals",
            "Requests of others that became no jobs, by reason",
            self.refused.clone(),
        );
        registry.register(
            "runner_webhook_deliveries",
            "Attempts to tell others how a job has ended",
            self.sent.clone(),
        );
        registry.register(
            "runner_webhook_delivery_seconds",
            "From the end of a job until a receiver had taken the message",
            self.delays.clone(),
        );
    }
}
