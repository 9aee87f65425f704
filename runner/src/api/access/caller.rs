//! A caller: who it is, and what it may do. Handlers take it as an argument.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::Access;
use crate::api::problem::Problem;
use crate::config::{self, Grant, Jwt, Role, Scope, Token, User};

/// The header of a request whose answer goes where people look: what is sensitive is
/// covered, whatever the caller may see.
pub const COVER: &str = "runner-cover";

/// Who calls. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub(in crate::api) struct Caller(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    name: String,
    /// The most that this caller may do; [`Access::Open`] without credentials.
    access: Access,
    scope: Scope,
    payloads: bool,
    /// What it is known by.
    known: Known,
    /// Whether a browser sends that by itself, also for a page of somebody else.
    ambient: bool,
    /// When it is known no longer.
    until: Option<SystemTime>,
    /// The hash of its session.
    session: Option<String>,
    from: Option<IpAddr>,
}

/// What a caller is known by.
#[derive(Debug, Clone)]
enum Known {
    /// That it is on this machine, where no authentication is configured.
    Local,
    /// Nothing.
    No,
    Token(String, Arc<Token>),
    User(String, Arc<User>),
    Jwt(Arc<Jwt>),
}

/// What a JWT says of whoever shows it.
pub(super) struct Claimed {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    pub(super) scope: Scope,
    pub(super) payloads: Option<bool>,
    pub(super) until: SystemTime,
}

impl Caller {
    /// Somebody on this machine, where no authentication is configured.
    pub(super) fn local(from: Option<IpAddr>) -> Caller {
        Caller(Arc::new(Inner {
            name: "local".to_owned(),
            access: Access::Admin,
            scope: Scope::Everything,
            payloads: true,
            known: Known::Local,
            ambient: true,
            until: None,
            session: None,
            from,
        }))
    }

    /// Somebody who has not said who it is.
    pub(super) fn anonymous() -> Caller {
        Caller(Arc::new(Inner {
            name: "anonymous".to_owned(),
            access: Access::Open,
            scope: Scope::Queues(Vec::new()),
            payloads: false,
            known: Known::No,
            ambient: true,
            until: None,
            session: None,
            from: None,
        }))
    }

    /// Whoever shows this token.
    pub(super) fn token(name: &str, token: &Arc<Token>) -> Result<Caller, Problem> {
        let known = Known::Token(name.to_owned(), token.clone());
        Caller::granted(format!("token:{name}"), &token.grant, known, false)
    }

    /// This person.
    pub(super) fn user(name: &str, user: &Arc<User>) -> Result<Caller, Problem> {
        let known = Known::User(name.to_owned(), user.clone());
        Caller::granted(format!("user:{name}"), &user.grant, known, true)
    }

    fn granted(
        name: String,
        grant: &Grant,
        known: Known,
        ambient: bool,
    ) -> Result<Caller, Problem> {
        let until = grant.expires.map(|at| {
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or_default())
        });
        if until.is_some_and(|until| until <= super::now()) {
            return Err(Problem::unauthorized("these credentials have expired"));
        }
        Ok(Caller(Arc::new(Inner {
            name,
            access: grant.role.into(),
            scope: grant.scope.clone(),
            payloads: grant.shows_payloads(),
            known,
            ambient,
            until,
            session: None,
            from: None,
        })))
    }

    /// Whoever shows a JWT that says this.
    pub(super) fn jwt(jwt: &Arc<Jwt>, claimed: Claimed) -> Caller {
        let is_admin = claimed.role == Some(Role::Admin);
        Caller(Arc::new(Inner {
            name: format!("jwt:{}", claimed.name),
            access: claimed.role.map_or(Access::Open, Access::from),
            scope: claimed.scope,
            payloads: claimed.payloads.unwrap_or(is_admin),
            known: Known::Jwt(jwt.clone()),
            ambient: false,
            until: Some(claimed.until),
            session: None,
            from: None,
        }))
    }

    /// The same, calling from this address.
    pub(super) fn from(self, from: Option<IpAddr>) -> Caller {
        Caller(Arc::new(Inner {
            from,
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The same, until then at the most.
    pub(super) fn until(self, until: SystemTime) -> Caller {
        let own = self.0.until.unwrap_or(until);
        Caller(Arc::new(Inner {
            until: Some(own.min(until)),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The same, in the session with this hash.
    pub(super) fn within(self, session: String) -> Caller {
        Caller(Arc::new(Inner {
            session: Some(session),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The same, without what is sensitive if the request asks so.
    pub(in crate::api) fn covered(self, head: &Parts) -> Caller {
        if !head.headers.contains_key(COVER) {
            return self;
        }
        Caller(Arc::new(Inner {
            payloads: false,
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The hash of the session that it is in.
    pub(super) fn session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// Whether only a program sends what this caller has shown, and no browser by itself.
    pub(super) fn shows_token(&self) -> bool {
        !self.0.ambient
    }

    /// When it is known no longer.
    pub(in crate::api) fn ends(&self) -> Option<SystemTime> {
        self.0.until
    }

    /// Whether it is still what it was by this configuration.
    pub(super) fn is_still(&self, access: &config::Access) -> bool {
        match &self.0.known {
            Known::Local => !access.authenticates(),
            Known::No => true,
            Known::Token(name, token) => access.tokens.get(name) == Some(token),
            Known::User(name, user) => access.users.get(name) == Some(user),
            Known::Jwt(jwt) => access.jwt.as_ref() == Some(jwt),
        }
    }

    /// For the audit list: `token:ci`, `user:ann`, `jwt:4711`, `local`.
    pub(in crate::api) fn name(&self) -> &str {
        &self.0.name
    }

    /// The address that it calls from, if it calls over a network.
    pub(in crate::api) fn address(&self) -> Option<IpAddr> {
        self.0.from
    }

    /// Whose rate of requests this counts for; nobody's without credentials.
    pub(in crate::api) fn credential(&self) -> Option<&str> {
        match self.0.known {
            Known::Local | Known::No => None,
            _ => Some(&self.0.name),
        }
    }

    /// The most that it may do.
    pub(in crate::api) fn access(&self) -> Access {
        self.0.access
    }

    /// Refuse who may not do this.
    pub(in crate::api) fn has(&self, needed: Access) -> Result<(), Problem> {
        if self.0.access >= needed {
            return Ok(());
        }
        Err(match self.0.known {
            Known::No => Problem::unauthorized(
                "this needs credentials: send Authorization: Bearer and a token",
            ),
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
