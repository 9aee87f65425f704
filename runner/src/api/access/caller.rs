//! A caller: who it is, and what it may do. Handlers take it as an argument.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::Access;
use crate::api::problem::Problem;
use crate::config::{Role, Scope};

/// Who calls. Handlers take it as an argument.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Caller(Arc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    name: String,
    /// The most that this caller may do; [`Access::Open`] without credentials.
    access: Access,
    scope: Scope,
    payloads: bool,
    /// What it has shown.
    shown: Shown,
}

/// What a caller has shown to say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Shown {
    /// Nothing.
    Nothing,
    /// What only a program sends by itself: a token.
    Token,
    /// What a browser sends by itself, also for a page of somebody else.
    Ambient,
}

impl Caller {
    /// Somebody on this machine, where no authentication is configured.
    pub(super) fn local() -> Caller {
        Caller(Arc::new(Inner {
            name: "local".to_owned(),
            access: Access::Admin,
            scope: Scope::Everything,
            payloads: true,
            shown: Shown::Nothing,
        }))
    }

    /// For the audit list: `token:ci`, `user:ann`, `jwt:4711`.
    pub(in crate::api) fn name(&self) -> &str {
        &self.0.name
    }

    /// Whose rate of requests this counts for; nobody's without credentials.
    pub(in crate::api) fn credential(&self) -> Option<&str> {
        (self.0.shown != Shown::Nothing).then_some(&*self.0.name)
    }

    /// Refuse who may not do this.
    pub(in crate::api) fn has(&self, needed: Access) -> Result<(), Problem> {
        if self.0.access >= needed {
            return Ok(());
        }
        Err(match self.0.shown {
            Shown::Nothing => Problem::unauthorized("this needs credentials"),
            _ => forbidden(format!("this needs the role {}", needed.name())),
        })
    }

    /// Whether this caller may see payloads and sensitive fields.
    pub(in crate::api) fn sees_payloads(&self) -> bool {
        self.0.payloads
    }

    /// Refuse a queue that is none of this caller's, whether or not there is one. A
    /// queue that the path names as `{queue}` has been looked at before; this is for
    /// those that a body or a query names.
    pub(in crate::api) fn may(&self, queue: &str) -> Result<(), Problem> {
        match self.0.scope.covers(queue) {
            true => Ok(()),
            false => Err(forbidden(format!(
                "the queue {queue:?} is none of those of these credentials"
            ))),
        }
    }

    /// Refuse who may touch some queues only: for what concerns all of them.
    pub(in crate::api) fn may_all(&self) -> Result<(), Problem> {
        match self.0.scope.is_everything() {
            true => Ok(()),
            false => Err(forbidden(
                "this concerns all queues, and these credentials are for some only",
            )),
        }
    }

    /// Those of these names that this caller may know of: for lists, events, searches.
    pub(in crate::api) fn filter<T: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = T>,
    ) -> Vec<T> {
        self.0.scope.filter(names)
    }

    /// The queues that this caller may touch and know of.
    pub(in crate::api) fn scope(&self) -> &Scope {
        &self.0.scope
    }
}

fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Problem::bug("a request has no caller"))
    }
}
