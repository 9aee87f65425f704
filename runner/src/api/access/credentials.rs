//! What `Authorization` says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use crate::api::problem::Problem;

/// What a request shows.
pub(super) enum Credentials<'h> {
    None,
    /// RFC 6750
    Bearer(&'h str),
    /// RFC 7617
    Basic {
        user: String,
        password: String,
    },
}

/// What the header says. Two of it would let a proxy and us see different callers.
pub(super) fn of(headers: &HeaderMap) -> Result<Credentials<'_>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Ok(Credentials::None);
    };
    if all.next().is_some() {
        return Err(Problem::unauthorized("there are two headers Authorization"));
    }
    let refused = || {
        Problem::unauthorized("Authorization is neither Bearer with a token nor Basic with a user")
    };
    let (scheme, rest) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(refused)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("Bearer") && !rest.is_empty() {
        return Ok(Credentials::Bearer(rest));
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(refused());
    }
    let decoded = STANDARD.decode(rest).map_err(|_| refused())?;
    let decoded = String::from_utf8(decoded).map_err(|_| refused())?;
    let (user, password) = decoded.split_once(':').ok_or_else(refused)?;
    Ok(Credentials::Basic {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}
