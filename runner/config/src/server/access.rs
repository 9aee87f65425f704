//! Who may use the HTTP API: tokens, people, JWTs, and what each of them may do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::grant::Grant;
use super::jwt::Jwt;
use crate::plugin::Secret;

/// Who may use the HTTP API, and how browsers may reach it: keys of `[server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// `[server.tokens.<name>]`: programs.
    pub tokens: BTreeMap<String, Arc<Token>>,
    /// `[server.users.<name>]`: people.
    pub users: BTreeMap<String, Arc<User>>,
    /// `[server.jwt]`: those that somebody else vouches for.
    pub jwt: Option<Arc<Jwt>>,
    /// Names, beside the address it listens on, by which the API may be called.
    pub hosts: Vec<String>,
    /// Origins of web pages, beside its own, that may call it.
    pub origins: Vec<String>,
    /// How long somebody stays logged in. Defaults to 12 h, a working day.
    pub session: Duration,
    /// How many entries the audit list keeps. Defaults to 10 000.
    pub audit: u32,
}

/// What nobody set; each value is explained at its field.
impl Default for Access {
    fn default() -> Self {
        Self {
            tokens: BTreeMap::new(),
            users: BTreeMap::new(),
            jwt: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            session: Duration::from_secs(12 * 3600),
            audit: 10_000,
        }
    }
}

impl Access {
    /// Whether every caller must say who it is.
    pub fn authenticates(&self) -> bool {
        !self.tokens.is_empty() || !self.users.is_empty() || self.jwt.is_some()
    }
}

/// `[server.tokens.<name>]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Token {
    /// The SHA-256 of the token; the token itself is not kept.
    pub digest: [u8; 32],
    /// What it may do.
    pub grant: Grant,
}

/// `[server.users.<name>]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The argon2id hash of the password, as `runner api password` makes it.
    pub password: Secret,
    /// What the person may do.
    pub grant: Grant,
}
