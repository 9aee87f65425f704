//! What went wrong, as RFC 9457 has it.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::queue;
use crate::verbs::{self, Class, add};

/// A problem (RFC 9457), sent as `application/problem+json`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct Problem {
    /// What kind of problem it is, stable: `/problems/unknown-queue`.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong here, and the way out.
    detail: String,
    /// Where in the body the fault is: a JSON Pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Seconds after which the same request may succeed, sent as `Retry-After`, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind, a word such as `unknown-queue`.
    pub(super) fn new(
        status: StatusCode,
        kind: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        let mut title = kind.replace('-', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Problem {
            kind: Cow::Owned(format!("/problems/{kind}")),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            pointer: None,
            retry_after: None,
        }
    }

    /// The fault is at this place of the body.
    pub(super) fn at(self, pointer: impl Into<String>) -> Problem {
        Problem {
            pointer: Some(pointer.into()),
            ..self
        }
    }

    /// What kind of problem it is, in a word: `unknown-queue`.
    pub(super) fn word(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    /// What is wrong here, and the way out.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same request may succeed after so many seconds.
    pub(super) fn after(self, seconds: u64) -> Problem {
        Problem {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// Who calls is not known.
    pub(super) fn unauthorized(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// Something that the request says is wrong.
    pub(super) fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
    }

    /// A query of the search language that is none.
    pub(super) fn filter(fault: crate::verbs::filter::Fault) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-filter", fault.to_string())
    }

    /// A fault of ours.
    pub(super) fn bug(detail: &str) -> Problem {
        tracing::error!(detail, "a fault of the HTTP API");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "a fault of Runner; its log says more",
        )
    }

    pub(super) fn no_route(path: &str) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-path",
            format!("nothing is at {path:?}; GET /openapi.json lists what there is"),
        )
    }

    pub(super) fn no_method(method: &Method, path: &str) -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "unknown-method",
            format!("{path:?} does not take {method}; the header Allow says what it takes"),
        )
    }
}

impl From<add::Fault> for Problem {
    fn from(fault: add::Fault) -> Problem {
        let status = match fault.kind {
            add::Kind::NotJson => StatusCode::BAD_REQUEST,
            add::Kind::InvalidJob | add::Kind::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            add::Kind::RedisUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            add::Kind::RedisRefused => StatusCode::BAD_GATEWAY,
        };
        let problem = Problem::new(status, fault.kind.name(), fault.detail);
        Problem {
            pointer: fault.pointer,
            retry_after: (fault.kind == add::Kind::RedisUnavailable).then_some(1),
            ..problem
        }
    }
}

impl From<queue::Error> for Problem {
    fn from(error: queue::Error) -> Problem {
        use queue::Error;
        let text = error.to_string();
        match error {
            Error::Unreachable { .. } | Error::Unready { .. } => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Problem::new(status, "redis-unavailable", text).after(1)
            }
            Error::Invalid(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-job", text)
            }
            Error::Url(_) | Error::Refused(_) | Error::Answer(_) => {
                Problem::new(StatusCode::BAD_GATEWAY, "redis-refused", text)
            }
        }
    }
}

impl From<verbs::Error> for Problem {
    fn from(error: verbs::Error) -> Problem {
        let refusal = match error {
            verbs::Error::Redis(error) => return error.into(),
            verbs::Error::Refused(refusal) => refusal,
        };
        let status = match refusal.kind.class() {
            Class::Unknown => StatusCode::NOT_FOUND,
            Class::Wrong => StatusCode::BAD_REQUEST,
            Class::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
            Class::Conflict => StatusCode::CONFLICT,
        };
        Problem::new(status, refusal.kind.name(), refusal.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
