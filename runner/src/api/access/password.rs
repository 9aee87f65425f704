//! Passwords of people. Checking one takes a moment of a core by design: it is done
//! beside the API's thread, few at a time, and not again for one that was right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use http::request::Parts;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::{Caller, Gate};
use crate::api::listen::{Peer, Rates, Who};
use crate::api::problem::Problem;
use crate::config::{Access, Limiter, User};
use crate::verbs::secrets;

/// How long a right password is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Checked at once, at most; each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// From one address; who mistypes does so a few times.
const PER_ADDRESS: Limiter = limit(10);
/// For one user, from anywhere.
const PER_USER: Limiter = limit(20);

const fn limit(max: u32) -> Limiter {
    Limiter {
        max,
        duration: Duration::from_secs(60),
    }
}

/// Passwords that were right, and how many were tried.
pub(super) struct Passwords {
    right: Mutex<HashMap<String, Right>>,
    turns: Arc<Semaphore>,
    tried: Rates,
    /// Makes the digests of passwords worthless outside of this process.
    salt: String,
}

/// That a password was right.
struct Right {
    digest: [u8; 32],
    user: Arc<User>,
    until: Instant,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords {
            right: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            tried: Rates::default(),
            // Without random numbers there would be no TLS and no session either.
            salt: secrets::random().unwrap_or_default(),
        }
    }
}

/// The person with this password.
pub(super) async fn caller(
    gate: &Gate,
    access: &Access,
    head: &Parts,
    name: &str,
    password: &str,
) -> Result<Caller, Problem> {
    let passwords = &gate.passwords;
    let known = access.users.get(name);
    let digest = secrets::digest(&format!("{}:{name}:{password}", passwords.salt));
    if let Some(user) = known
        && passwords.was_right(name, user, &digest)
    {
        return Caller::user(name, user);
    }
    passwords.count(head, name)?;
    let is_right = passwords.check(known, password).await?;
    match known.filter(|_| is_right) {
        Some(user) => {
            passwords.remember(name, user, digest);
            Caller::user(name, user)
        }
        None => {
            let from = super::guard::address(head).map(tracing::field::display);
            tracing::warn!(user = name, from, "a password was refused");
            Err(Problem::unauthorized("the user or the password is wrong"))
        }
    }
}

impl Passwords {
    fn was_right(&self, name: &str, user: &Arc<User>, digest: &[u8; 32]) -> bool {
        let right = self.right.lock().expect("no panic while it is held");
        right.get(name).is_some_and(|right| {
            right.user.password == user.password
                && right.until > Instant::now()
                && bool::from(right.digest.ct_eq(digest))
        })
    }

    fn remember(&self, name: &str, user: &Arc<User>, digest: [u8; 32]) {
        let right = Right {
            digest,
            user: user.clone(),
            until: Instant::now() + REMEMBERED,
        };
        let mut all = self.right.lock().expect("no panic while it is held");
        all.insert(name.to_owned(), right);
    }

    /// Count what is tried, whatever comes of it.
    fn count(&self, head: &Parts, name: &str) -> Result<(), Problem> {
        let peer = head.extensions.get::<Peer>().copied();
        let address = Who::at(peer.unwrap_or(Peer::Unix));
        // A name that somebody made up is no longer than one of ours.
        let user = Who::Named(name.chars().take(100).collect());
        let counted = self.tried.wait(address, PER_ADDRESS);
        let counted = counted.and_then(|()| self.tried.wait(user, PER_USER));
        counted.map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-attempts",
                format!("too many passwords were tried; the next may come in {seconds} s"),
            )
            .after(seconds)
        })
    }

    /// Whether this is the password. For a user who is not there it takes as long.
    async fn check(&self, user: Option<&Arc<User>>, password: &str) -> Result<bool, Problem> {
        let turn = self.turns.clone().acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, turn).await else {
            let busy = "too many passwords are being checked";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", busy).after(1));
        };
        let hash = user.map(|user| user.password.0.clone());
        let password = password.to_owned();
        let check = move || {
            let _turn = turn;
            match hash {
                Some(hash) => secrets::matches(&password, &hash),
                None => {
                    let _ = secrets::hash(&password);
                    false
                }
            }
        };
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|_| Problem::bug("a check of a password has panicked"))
    }
}
