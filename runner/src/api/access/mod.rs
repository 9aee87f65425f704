//! Who calls, and what that caller may do.

mod caller;

use http::request::Parts;

pub(super) use self::caller::Caller;
use super::problem::Problem;
use super::shared::Shared;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// Nothing: probes.
    Open,
    /// To look.
    Viewer,
    /// To add, retry, pause.
    Operator,
    /// Everything.
    Admin,
}

impl Access {
    /// As the OpenAPI document has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Access::Open => "open",
            Access::Viewer => "viewer",
            Access::Operator => "operator",
            Access::Admin => "admin",
        }
    }
}

/// Who sends this request.
pub(super) async fn caller(_: &Shared, _: &Parts) -> Result<Caller, Problem> {
    Ok(Caller::local())
}

/// The claims of the JWT that a request carries.
pub(super) async fn claims(
    _: &Shared,
    _: &Parts,
) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
    Err(Problem::unauthorized(
        "[server.jwt] is missing in queues.toml",
    ))
}
