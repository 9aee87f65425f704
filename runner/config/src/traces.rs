//! `[traces]`: where spans are sent.

use std::collections::BTreeMap;

use url::Url;

use super::Secret;

/// `[traces]`: spans of jobs and their host calls, sent by OTLP over HTTP. Without an
/// endpoint none are.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// Where the collector takes traces: `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: Option<Url>,
    /// Header fields of each request, such as one that authenticates.
    pub headers: BTreeMap<String, Secret>,
    /// The share of traces that begin here and are recorded, from 0 to 1. A trace that
    /// a producer began is recorded if the producer records it. Defaults to 1.
    pub sample: f64,
    /// How the span of a job belongs to that of its producer.
    pub relation: Relation,
    /// `service.name`. Defaults to `runner`.
    pub service: String,
}

/// How the span of a job belongs to that of its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relation {
    /// A trace of its own with a link, as the messaging conventions have it: a job may
    /// run much later, and more than once.
    #[default]
    Link,
    /// A child in the producer's trace.
    Parent,
}

impl Relation {
    pub(crate) const ALL: [Relation; 2] = [Relation::Link, Relation::Parent];

    /// As `queues.toml` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Link => "link",
            Relation::Parent => "parent",
        }
    }
}

/// What nobody set; each value is explained at its field.
impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: BTreeMap::new(),
            sample: 1.0,
            relation: Relation::default(),
            service: "runner".to_owned(),
        }
    }
}
