//! Spans for collectors, sent by OTLP: one for each attempt, one for each of its calls to
//! the host. They are made when the attempt has ended, from what is recorded of it, so
//! that a running job costs no more than an id. Only an application starts them.
//!
//! Names and attributes follow OpenTelemetry's semantic conventions for messaging, FaaS
//! and HTTP clients.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanExporter, SpanLinks, SpanProcessor,
};
use url::Url;

use crate::config::{self, Relation};
use crate::cost::{Call, DONE, Kind};
use crate::outcome::Outcome;
use crate::queue::Attempt;
use crate::telemetry::limit::limited;
use crate::trace::Context;

/// How long a collector may take, and how long the last spans get when the process ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends spans.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    sample: f64,
    relation: Relation,
}

impl Traces {
    /// Spans as `[traces]` wants them; none without an endpoint.
    ///
    /// # Errors
    /// When the exporter cannot be made: a header field that is none.
    pub fn start(config: &config::Traces, runner: &str) -> Result<Option<Arc<Traces>>, String> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(None);
        };
        // Somebody else may have been first, with the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = config.headers.iter();
        let headers = headers.map(|(name, secret)| (name.clone(), secret.0.clone()));
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .with_timeout(PATIENCE)
            .with_headers(headers.collect::<HashMap<_, _>>())
            .build()
            .map_err(|error| error.to_string())?;
        let told = Told {
            exporter,
            endpoint: endpoint.clone(),
        };
        let mut processor = BatchSpanProcessor::builder(told).build();
        let resource = Resource::builder()
            .with_service_name(config.service.clone())
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", runner.to_owned()),
            ]);
        processor.set_resource(&resource.build());
        Ok(Some(Arc::new(Traces {
            processor,
            scope: InstrumentationScope::builder("runner")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
            sample: config.sample,
            relation: config.relation,
        })))
    }

    /// Give an attempt its span, which its requests and the jobs it adds carry on.
    pub fn begin(&self, attempt: &Attempt) {
        let producer = attempt.job.options.trace;
        let trace = match producer {
            Some(producer) if self.relation == Relation::Parent => producer.trace,
            _ => fastrand::u128(1..),
        };
        let sampled = match producer {
            Some(producer) => producer.sampled,
            None => fastrand::f64() < self.sample,
        };
        attempt.trace_as(Context {
            trace,
            span: fastrand::u64(1..),
            sampled,
        });
    }

    /// Send the spans of an attempt that has ended. What was never run has none.
    pub fn end(&self, attempt: &Attempt, outcome: &Outcome) {
        let Some(own) = attempt.trace().filter(|own| own.sampled) else {
            return;
        };
        let now = Now::new();
        for call in attempt.cost.calls().0 {
            self.processor.on_end(self.call(own, &call, &now));
        }
        self.processor
            .on_end(self.attempt(own, attempt, outcome, &now));
    }

    /// Send what is left, within a few seconds. May block.
    pub fn stop(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }

    fn attempt(&self, own: Context, attempt: &Attempt, outcome: &Outcome, now: &Now) -> SpanData {
        let producer = attempt.job.options.trace;
        let (parent, links) = match (producer, self.relation) {
            (Some(producer), Relation::Parent) => (producer.span, SpanLinks::default()),
            (Some(producer), Relation::Link) => {
                let mut links = SpanLinks::default();
                links
                    .links
                    .push(Link::with_context(context(producer, true)));
                (0, links)
            }
            (None, _) => (0, SpanLinks::default()),
        };
        let queue = attempt.queue_name();
        let job = &attempt.job;
        let mut attributes = vec![
            KeyValue::new("messaging.system", "bullmq"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.destination.name", queue.to_owned()),
            KeyValue::new("messaging.message.id", job.id.clone()),
            KeyValue::new("faas.trigger", "pubsub"),
            KeyValue::new("bullmq.job.name", job.name.clone()),
            KeyValue::new("bullmq.job.attempt", i64::from(job.attempt())),
            KeyValue::new("runner.outcome", outcome.as_str()),
            KeyValue::new("runner.cpu_ms", millis(attempt.cost.processor())),
            KeyValue::new("runner.peak_memory", int(attempt.cost.memory())),
            KeyValue::new(
                "runner.waited_ms",
                int(job.started_at.saturating_sub(job.added_at + job.delay)),
            ),
        ];
        if let Some((plugin, version)) = attempt.ran.get().and_then(|ran| ran.split_once('@')) {
            attributes.push(KeyValue::new("faas.name", plugin.to_owned()));
            attributes.push(KeyValue::new("faas.version", version.to_owned()));
        }
        let status = match outcome {
            Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
                attributes.push(KeyValue::new("error.type", failure.cause.as_str()));
                let line = failure.reason.lines().next().unwrap_or_default();
                Status::error(line.to_owned())
            }
            Outcome::Completed(_) => Status::Ok,
            _ => Status::Unset,
        };
        SpanData {
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: parent != 0,
            span_kind: SpanKind::Consumer,
            links,
            status,
            ..self.span(
                own,
                format!("process {queue}").into(),
                now.at(attempt.started),
                now.wall,
                attributes,
            )
        }
    }

    fn call(&self, own: Context, call: &Call, now: &Now) -> SpanData {
        let target = call.target.clone();
        let (name, kind, mut attributes): (Cow<'static, str>, _, _) = match call.kind {
            Kind::Http => (call.method.clone().into(), SpanKind::Client, http(call)),
            Kind::Add => (
                format!("send {target}").into(),
                SpanKind::Producer,
                vec![
                    KeyValue::new("messaging.system", "bullmq"),
                    KeyValue::new("messaging.operation.type", "send"),
                    KeyValue::new("messaging.operation.name", "add"),
                    KeyValue::new("messaging.destination.name", target),
                ],
            ),
            kind => (
                kind.name().into(),
                SpanKind::Internal,
                vec![KeyValue::new("runner.target", target)],
            ),
        };
        let is_error = call.outcome != DONE || call.status.is_some_and(|status| status >= 400);
        if is_error {
            let what = match call.status {
                Some(status) if call.outcome == DONE => status.to_string(),
                _ => call.outcome.to_owned(),
            };
            attributes.push(KeyValue::new("error.type", what));
        }
        SpanData {
            parent_span_id: SpanId::from(own.span),
            span_kind: kind,
            status: match is_error {
                true => Status::error(""),
                false => Status::Unset,
            },
            ..self.span(
                own.with_span(call.span),
                name,
                now.at(call.began),
                now.at(call.began + call.took),
                attributes,
            )
        }
    }

    fn span(
        &self,
        own: Context,
        name: Cow<'static, str>,
        start_time: SystemTime,
        end_time: SystemTime,
        attributes: Vec<KeyValue>,
    ) -> SpanData {
        SpanData {
            span_context: context(own, false),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name,
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// What the conventions say of an HTTP client's request.
fn http(call: &Call) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", call.method.clone()),
        KeyValue::new("url.full", call.target.clone()),
        KeyValue::new("http.request.body.size", int(call.sent)),
        KeyValue::new("http.response.body.size", int(call.received)),
    ];
    if let Some(status) = call.status {
        attributes.push(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
    }
    if let Ok(url) = Url::parse(&call.target) {
        attributes.extend(
            url.host_str()
                .map(|host| KeyValue::new("server.address", host.to_owned())),
        );
        let port = url.port_or_known_default();
        attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
    }
    attributes
}

/// One instant on both clocks.
struct Now {
    wall: SystemTime,
    steady: Instant,
}

impl Now {
    #[expect(clippy::disallowed_methods, reason = "a span has the time of its host")]
    fn new() -> Now {
        Now {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }

    fn at(&self, then: Instant) -> SystemTime {
        self.wall - self.steady.saturating_duration_since(then)
    }
}

fn context(of: Context, remote: bool) -> SpanContext {
    let flags = match of.sampled {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::default(),
    };
    SpanContext::new(
        TraceId::from(of.trace),
        SpanId::from(of.span),
        flags,
        remote,
        TraceState::NONE,
    )
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// An exporter whose failures are told in our log.
#[derive(Debug)]
struct Told {
    exporter: opentelemetry_otlp::SpanExporter,
    endpoint: Url,
}

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        if let Err(error) = &sent {
            let endpoint = &self.endpoint;
            limited!(
                warn,
                endpoint.as_str(),
                "spans were not sent to {endpoint}: {error}"
            );
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
