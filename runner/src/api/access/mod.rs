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

use axum::response::Response;
use http::request::Parts;

pub(super) use self::caller::Caller;
use self::credentials::Credentials;
pub(super) use self::guard::{cors, is_script};
pub(super) use self::jwt::claims;
pub(super) use self::stream::while_allowed;
use super::problem::Problem;
use super::shared::Shared;
use crate::config::{Role, Server};

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

/// What is remembered of those who have called.
#[derive(Default)]
pub(super) struct Memory {
    passwords: password::Passwords,
    keys: jwt::Keys,
}

/// Who sends this request.
pub(super) async fn caller(shared: &Shared, head: &Parts) -> Result<Caller, Problem> {
    let config = shared.config();
    let server = config.server.clone().unwrap_or_default();
    guard::host(head, &server)?;
    let caller = known(shared, head, &server).await?;
    if !caller.shows_token() {
        guard::same_site(head, &server)?;
    }
    Ok(caller)
}

async fn known(shared: &Shared, head: &Parts, server: &Server) -> Result<Caller, Problem> {
    let from = guard::address(head);
    let access = &server.access;
    if !access.authenticates() {
        return Ok(Caller::local(from));
    }
    let caller = match credentials::of(&head.headers)? {
        Credentials::None => match session::shown(&head.headers) {
            Some(id) => session::caller(shared, access, id).await?,
            None => Caller::anonymous(),
        },
        Credentials::Bearer(shown) => match (token::caller(access, shown), &access.jwt) {
            (Some(caller), _) => caller?,
            (None, Some(jwt)) => jwt::caller(shared, jwt, shown).await?,
            (None, None) => return Err(Problem::unauthorized("this token is not accepted")),
        },
        Credentials::Basic { user, password } => {
            password::caller(shared, access, head, &user, &password).await?
        }
    };
    Ok(caller.from(from))
}

/// What every answer says to browsers, and a refused one about how to come in.
pub(super) fn finish(shared: &Shared, is_script: bool, mut response: Response) -> Response {
    guard::seal(&mut response);
    if response.status() == http::StatusCode::UNAUTHORIZED {
        let config = shared.config();
        let server = config.server.clone().unwrap_or_default();
        guard::challenge(is_script, &server.access, response.headers_mut());
    }
    response
}
