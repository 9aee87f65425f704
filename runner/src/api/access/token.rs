//! Tokens of programs.

use subtle::ConstantTimeEq;

use super::Caller;
use crate::api::problem::Problem;
use crate::config::Access;
use crate::verbs::secrets;

/// Whoever shows this token, if it is one. All are compared, by their hashes, so that
/// the time it takes tells nothing about any of them.
pub(super) fn caller(access: &Access, shown: &str) -> Option<Result<Caller, Problem>> {
    let digest = secrets::digest(shown);
    let mut found = None;
    for (name, token) in &access.tokens {
        if bool::from(token.digest.ct_eq(&digest)) {
            found = Some((name, token));
        }
    }
    found.map(|(name, token)| Caller::token(name, token))
}
