//! Why a job is not added, and where the fault is.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config;
use crate::queue::{self, NewJob};

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AddFaultKind)]
pub enum Kind {
    /// The text is not JSON.
    NotJson,
    /// The job cannot be added as it is.
    InvalidJob,
    /// An idempotency key came before with another job.
    KeyReused,
    /// Redis cannot be reached, or does not serve. The job may have been added.
    RedisUnavailable,
    /// Redis refused.
    RedisRefused,
}

impl Kind {
    /// As it is written: `invalid-job`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NotJson => "not-json",
            Kind::InvalidJob => "invalid-job",
            Kind::KeyReused => "key-reused",
            Kind::RedisUnavailable => "redis-unavailable",
            Kind::RedisRefused => "redis-refused",
        }
    }
}

/// Why a job is not added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// What kind of fault it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is wrong, and the way out.
    pub detail: String,
    /// Where in the text the fault is: a JSON Pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pointer {
            Some(pointer) if !self.detail.contains(pointer.as_str()) => {
                write!(f, "{} (at {pointer})", self.detail)
            }
            _ => f.write_str(&self.detail),
        }
    }
}

impl Fault {
    /// The job cannot be added as it is.
    pub fn invalid(detail: impl Into<String>) -> Fault {
        Fault::of(Kind::InvalidJob, detail)
    }

    pub(super) fn of(kind: Kind, detail: impl Into<String>) -> Fault {
        Fault {
            kind,
            detail: detail.into(),
            pointer: None,
        }
    }

    /// The fault is at this place.
    pub(super) fn at(self, pointer: impl Into<String>) -> Fault {
        Fault {
            pointer: Some(pointer.into()),
            ..self
        }
    }

    /// The engine's word once the job was sent. What Redis answered is known; without an
    /// answer, the job may be there.
    pub(super) fn once_sent(error: queue::Error) -> Fault {
        let unanswered = matches!(error, queue::Error::Unreachable { .. });
        let mut fault = Fault::from(error);
        if unanswered {
            fault.detail += "; whether the job was added is not known";
        }
        fault
    }

    /// The engine's word for a job of a queue; `root` is where the payload stands in
    /// the text.
    pub(crate) fn of_job(
        error: queue::Error,
        queue: &config::Queue,
        job: &NewJob,
        root: &str,
    ) -> Fault {
        let fault = Fault::from(error);
        let contract = queue.base.contract.as_ref();
        let place = contract.filter(|_| fault.kind == Kind::InvalidJob);
        match place.and_then(|contract| contract.misfit(&job.name, &job.data)) {
            Some(path) => fault.at(format!("{root}{}", path.pointer())),
            None => fault,
        }
    }
}

impl From<queue::Error> for Fault {
    fn from(error: queue::Error) -> Fault {
        use queue::Error;
        let kind = match error {
            Error::Invalid(_) => Kind::InvalidJob,
            Error::Unreachable { .. } | Error::Unready { .. } => Kind::RedisUnavailable,
            Error::Url(_) | Error::Refused(_) | Error::Answer(_) => Kind::RedisRefused,
        };
        Fault::of(kind, error.to_string())
    }
}

/// A path as a JSON Pointer (RFC 6901).
pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(step).collect()
}
