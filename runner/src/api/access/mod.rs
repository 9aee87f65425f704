//! Who calls, and what that caller may do.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

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

/// Who calls. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    name: String,
    /// The most that this caller may do; [`Access::Open`] without credentials.
    access: Access,
}

impl Caller {
    /// Somebody on this machine, where no authentication is configured.
    fn local() -> Caller {
        Caller {
            name: "local".to_owned(),
            access: Access::Admin,
        }
    }

    /// For the audit list.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Refuse who may not do this.
    pub(super) fn has(&self, needed: Access) -> Result<(), Problem> {
        match self.access >= needed {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("this needs the role {}", needed.name()),
            )),
        }
    }

    /// Whether this caller may see payloads and sensitive fields.
    pub(super) fn sees_payloads(&self) -> bool {
        self.access == Access::Admin
    }

    /// Refuse a queue that is none of this caller's.
    pub(super) fn may(&self, _queue: &str) -> Result<(), Problem> {
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Problem::bug("a request has no caller"))
    }
}

/// Who sends this request.
pub(super) async fn caller(_: &Shared, _: &Parts) -> Result<Caller, Problem> {
    Ok(Caller::local())
}
