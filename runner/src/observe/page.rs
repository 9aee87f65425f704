//! The page for Prometheus: what has ended here, what Redis holds, and this process.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::health::{Grade, Verdict};
use super::labels::{Build, InState, OfPart, OfPlugin, OfQueue, OfVersion};
use super::look::Look;
use super::{Meters, process, text};
use crate::config::Config;
use crate::queue::{State, Survey};

/// The forms of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format that was there before.
    Text,
}

impl Form {
    /// What this `Accept` asks for; the older form unless it names the other.
    pub fn of(accept: &str) -> Form {
        match accept.contains("application/openmetrics-text") {
            true => Form::OpenMetrics,
            false => Form::Text,
        }
    }

    /// Its content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Form::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

type Counts<L> = Family<L, Gauge>;
type Seconds<L> = Family<L, Gauge<f64, AtomicU64>>;

/// Write the page. Without a look at Redis it says that Redis did not answer, and has
/// what this process knows itself.
pub fn write(
    form: Form,
    meters: &Meters,
    look: Option<&Look>,
    config: &Config,
    runner: &str,
    took: Duration,
) -> String {
    let mut registry = Registry::default();
    meters.register(&mut registry, &config.queues, &config.routes);
    if let Some(look) = look {
        held(&mut registry, look);
        judged(&mut registry, &look.verdicts());
        plugins(&mut registry, look);
        redis(&mut registry, look);
    }
    one(
        &mut registry,
        "runner_redis_up",
        "Whether Redis answered this scrape",
        f64::from(u8::from(look.is_some())),
    );
    one(
        &mut registry,
        "runner_scrape_redis_seconds",
        "How long Redis took to answer for this scrape",
        took.as_secs_f64(),
    );
    let build = Counts::<Build>::default();
    let labels = Build {
        version: env!("CARGO_PKG_VERSION"),
        runner: runner.to_owned(),
    };
    build.get_or_create(&labels).set(1);
    registry.register("runner_build_info", "The version of Runner", build);
    process::register(&mut registry);
    let mut page = String::new();
    // Writing to a String does not fail.
    let _ = encode(&mut page, &registry);
    match form {
        Form::OpenMetrics => page,
        Form::Text => text::older(&page),
    }
}

fn one(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Gauge::<f64, AtomicU64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

/// Seconds of each queue: their name, their help, and how they follow from a survey.
type OfEach = (&'static str, &'static str, fn(&Survey) -> u64);

const SECONDS: [OfEach; 2] = [
    (
        "runner_queue_oldest_waiting_seconds",
        "How long the oldest job that waits has waited",
        Survey::oldest_age,
    ),
    (
        "runner_queue_rate_limited_seconds",
        "For how long a rate limit still holds the queue",
        |survey| survey.limited_for,
    ),
];

/// What Redis holds.
fn held(registry: &mut Registry, look: &Look) {
    for (name, help, millis) in SECONDS {
        let seconds = Seconds::<OfQueue>::default();
        for (queue, survey) in look.queues() {
            let labels = OfQueue::new(&queue.name);
            let value = millis(survey) as f64 / 1000.0;
            seconds.get_or_create(&labels).set(value);
        }
        registry.register(name, help, seconds);
    }
    counted(registry, look);
}

/// Numbers of each queue, from none to all of its jobs.
fn counted(registry: &mut Registry, look: &Look) {
    let depths = Counts::<OfQueue>::default();
    let paused = Counts::<OfQueue>::default();
    let consumers = Counts::<OfQueue>::default();
    let slots = Counts::<OfQueue>::default();
    let states = Counts::<InState>::default();
    for (queue, survey) in look.queues() {
        let labels = OfQueue::new(&queue.name);
        let concurrency = match queue.is_consumed() {
            true => queue.concurrency.get(),
            false => 0,
        };
        let counts = [
            (&depths, survey.depth()),
            (&paused, u64::from(survey.counts.paused)),
            (&consumers, look.consumers(&queue.name)),
            (&slots, concurrency as u64),
        ];
        for (family, count) in counts {
            family.get_or_create(&labels).set(count.cast_signed());
        }
        for state in State::ALL {
            let labels = InState {
                queue: queue.name.clone(),
                state: state.name(),
            };
            let count = survey.counts.of(state).cast_signed();
            states.get_or_create(&labels).set(count);
        }
    }
    let families = [
        (
            "queue_depth",
            "Jobs that could start now: waiting and prioritized, also while the queue is paused",
            depths,
        ),
        (
            "consumer_count",
            "Workers that take jobs of the queue, of all processes",
            consumers,
        ),
        ("runner_queue_paused", "Whether the queue is paused", paused),
        (
            "runner_queue_slots",
            "Jobs of the queue that this process runs at once",
            slots,
        ),
    ];
    for (name, help, family) in families {
        registry.register(name, help, family);
    }
    let help = "Number of jobs in the queue by state";
    registry.register("bullmq_job_count", help, states);
}

/// How the queues fare.
fn judged(registry: &mut Registry, verdicts: &[Verdict]) {
    let parts = Counts::<OfPart>::default();
    for verdict in verdicts {
        for (part, judged) in verdict.parts() {
            let labels = OfPart {
                queue: verdict.queue.clone(),
                part,
            };
            let grade = match judged.state {
                Grade::Ok => 0,
                Grade::Warning => 1,
                Grade::Failing => 2,
            };
            parts.get_or_create(&labels).set(grade);
        }
    }
    registry.register(
        "runner_queue_verdict",
        "How the queue fares: 0 ok, 1 warning, 2 failing; /queue/health says why",
        parts,
    );
}

fn plugins(registry: &mut Registry, look: &Look) {
    let serving = Counts::<OfPlugin>::default();
    let versions = Counts::<OfVersion>::default();
    let swaps = Family::<OfPlugin, Counter>::default();
    let refusals = Family::<OfPlugin, Counter>::default();
    for plugin in look.plugins() {
        let labels = OfPlugin {
            plugin: plugin.name.clone(),
        };
        let serves = i64::from(plugin.serving.is_some());
        serving.get_or_create(&labels).set(serves);
        swaps.get_or_create(&labels).inc_by(plugin.swaps);
        refusals.get_or_create(&labels).inc_by(plugin.refusals);
        if let Some(version) = &plugin.serving {
            let labels = OfVersion {
                plugin: plugin.name.clone(),
                version: version.version.to_string(),
            };
            versions.get_or_create(&labels).set(1);
        }
    }
    registry.register(
        "runner_plugin_serving",
        "Whether a version of the plugin serves",
        serving,
    );
    registry.register(
        "runner_plugin_info",
        "The version of the plugin that serves",
        versions,
    );
    registry.register(
        "runner_plugin_swaps",
        "Versions of the plugin that took the place of another",
        swaps,
    );
    registry.register(
        "runner_plugin_refusals",
        "Files of the plugin that were refused",
        refusals,
    );
}

/// What Redis says of itself, as far as it may be asked.
fn redis(registry: &mut Registry, look: &Look) {
    let server = look.server();
    let fields = [
        (
            "used_memory",
            "runner_redis_memory_bytes",
            "Memory that Redis uses",
        ),
        (
            "maxmemory",
            "runner_redis_max_memory_bytes",
            "Memory that Redis may use; 0 is no limit",
        ),
        (
            "connected_clients",
            "runner_redis_clients",
            "Clients of Redis",
        ),
        (
            "instantaneous_ops_per_sec",
            "runner_redis_commands_per_second",
            "Commands that Redis runs per second",
        ),
        (
            "connected_slaves",
            "runner_redis_replicas",
            "Replicas of Redis",
        ),
    ];
    for (field, name, help) in fields {
        if let Some(value) = server.number(field) {
            one(registry, name, help, value);
        }
    }
    if server.is_known() {
        let refuses = f64::from(u8::from(server.refuses().is_some()));
        let help = "Whether Redis refuses writes: memory, disk, or it is a replica";
        one(registry, "runner_redis_refuses_writes", help, refuses);
    }
}
