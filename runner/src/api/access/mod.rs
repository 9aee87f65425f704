//! Who calls, and what that caller may do. `caller` says who shows what; the other files
//! each know one way to say who one is (`token`, `password`, `session`, `jwt`) or one
//! thing that browsers could be made to do (`guard`). Only `routing` asks.

mod caller;
mod credentials;
mod guard;
mod jwt;
mod password;
pub(super) mod session;
mod stream;
mod token;

use std::sync::Arc;
use std::time::SystemTime;

use axum::response::Response;
use http::request::Parts;
use tokio::sync::watch;

pub use self::caller::COVER;
pub(super) use self::caller::Caller;
use self::credentials::Credentials;
pub(super) use self::guard::{cors, is_script, seal};
pub(super) use self::jwt::claims;
pub(super) use self::stream::while_allowed;
use super::problem::Problem;
use crate::config::{Config, Role, Server};
use crate::queue::Redis;

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

impl From<Role> for Access {
    fn from(role: Role) -> Access {
        match role {
            Role::Viewer => Access::Viewer,
            Role::Operator => Access::Operator,
            Role::Admin => Access::Admin,
        }
    }
}

/// Where callers are let in: who may, sessions in Redis, and what is remembered of those
/// who have called.
pub(super) struct Gate {
    configs: watch::Receiver<Arc<Config>>,
    redis: Redis,
    passwords: password::Passwords,
    keys: jwt::Keys,
    /// Told when somebody has logged out.
    logouts: watch::Sender<()>,
}

impl Gate {
    /// Over the API's own connections.
    pub(super) fn new(redis: Redis, configs: watch::Receiver<Arc<Config>>) -> Gate {
        Gate {
            configs,
            redis,
            passwords: password::Passwords::default(),
            keys: jwt::Keys::default(),
            logouts: watch::Sender::new(()),
        }
    }

    /// `[server]` as it is now.
    fn server(&self) -> Arc<Server> {
        let server = self.configs.borrow().server.clone();
        server.unwrap_or_default()
    }
}

/// When it is for those who end at a date: tokens, JWTs, sessions.
#[expect(clippy::disallowed_methods, reason = "a date is by the clock of both")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Who sends this request.
pub(super) async fn caller(gate: &Gate, head: &Parts) -> Result<Caller, Problem> {
    let server = gate.server();
    guard::host(head, &server)?;
    let caller = known(gate, head, &server).await?;
    if !caller.shows_token() {
        guard::same_site(head, &server)?;
    }
    Ok(caller)
}

async fn known(gate: &Gate, head: &Parts, server: &Server) -> Result<Caller, Problem> {
    let from = guard::address(head);
    let access = &server.access;
    if !access.authenticates() {
        return Ok(Caller::local(from));
    }
    let caller = match credentials::of(&head.headers)? {
        Credentials::None => match session::shown(&head.headers) {
            Some(id) => session::caller(gate, access, id).await?,
            None => Caller::anonymous(),
        },
        Credentials::Bearer(shown) => match (token::caller(access, shown), &access.jwt) {
            (Some(caller), _) => caller?,
            (None, Some(jwt)) => jwt::caller(gate, jwt, shown).await?,
            (None, None) => return Err(Problem::unauthorized("this token is not accepted")),
        },
        Credentials::Basic { user, password } => {
            password::caller(gate, access, head, &user, &password).await?
        }
    };
    Ok(caller.from(from))
}

/// Refuse what a page of another site makes a browser send.
pub(super) fn own_site(gate: &Gate, head: &Parts) -> Result<(), Problem> {
    guard::same_site(head, &gate.server())
}

/// What every answer says to browsers, and a refused one about how to come in.
pub(super) fn finish(gate: &Gate, is_script: bool, mut response: Response) -> Response {
    guard::seal(&mut response);
    if response.status() == http::StatusCode::UNAUTHORIZED {
        let server = gate.server();
        guard::challenge(is_script, &server.access, response.headers_mut());
    }
    response
}
