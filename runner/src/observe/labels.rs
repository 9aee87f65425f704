//! Label sets of metrics. All are bounded: queues and plugins are those of the
//! configuration, and so are routes and webhooks; names of jobs are counted (`meters`), the
//! rest are words of ours.

use prometheus_client::encoding::EncodeLabelSet;

/// What has one queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfQueue {
    pub(super) queue: String,
}

impl OfQueue {
    pub(super) fn new(queue: &str) -> OfQueue {
        OfQueue {
            queue: queue.to_owned(),
        }
    }
}

/// Jobs of a queue in one state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InState {
    pub(super) queue: String,
    pub(super) state: &'static str,
}

/// One part of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfPart {
    pub(super) queue: String,
    pub(super) part: &'static str,
}

/// Attempts that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfJob {
    pub(super) queue: String,
    pub(super) name: String,
    pub(super) plugin: String,
}

/// How such attempts ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) queue: String,
    pub(super) name: String,
    pub(super) plugin: String,
    pub(super) outcome: &'static str,
}

/// Why attempts failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FailedBy {
    pub(super) queue: String,
    pub(super) plugin: String,
    pub(super) cause: &'static str,
}

/// What has one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfPlugin {
    pub(super) plugin: String,
}

/// A plugin and its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfVersion {
    pub(super) plugin: String,
    pub(super) version: String,
}

/// Calls to the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Called {
    pub(super) plugin: String,
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
}

/// Calls to the host of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfKind {
    pub(super) plugin: String,
    pub(super) kind: &'static str,
}

/// Requests of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfRoute {
    pub(super) route: String,
    pub(super) outcome: &'static str,
}

/// Requests of others that were refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    pub(super) route: String,
    pub(super) reason: String,
}

/// Messages to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfWebhook {
    pub(super) queue: String,
    pub(super) webhook: String,
}

impl OfWebhook {
    pub(super) fn new(queue: &str, webhook: &str) -> OfWebhook {
        OfWebhook {
            queue: queue.to_owned(),
            webhook: webhook.to_owned(),
        }
    }
}

/// How attempts to deliver them ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Delivered {
    #[prometheus(flatten)]
    pub(super) of: OfWebhook,
    pub(super) outcome: &'static str,
}

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
    pub(super) runner: String,
}
