//! Who may use the HTTP API: tokens, people, JWTs, and what each of them may do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::jwt::Jwt;
use crate::pattern::Pattern;
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

/// What a token or a person may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Defaults to the least, [`Role::Viewer`].
    pub role: Role,
    /// `queues`: those that may be touched and known of.
    pub scope: Scope,
    /// Whether payloads and sensitive fields are shown; not said: to admins.
    pub payloads: Option<bool>,
    /// When it ends, in ms since 1970.
    pub expires: Option<i64>,
}

impl Default for Grant {
    fn default() -> Self {
        Self {
            role: Role::Viewer,
            scope: Scope::Everything,
            payloads: None,
            expires: None,
        }
    }
}

impl Grant {
    /// Whether payloads and sensitive fields are shown.
    pub fn shows_payloads(&self) -> bool {
        self.payloads.unwrap_or(self.role == Role::Admin)
    }
}

/// What somebody may do; each may also do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look.
    Viewer,
    /// Add, retry, pause.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// From the least to the most.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

    /// As it is written: `viewer`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The queues that somebody may touch and know of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// All of them.
    #[default]
    Everything,
    /// Those whose names one of these covers.
    Queues(Vec<Pattern>),
}

impl Scope {
    /// Whether this queue is one of them.
    pub fn covers(&self, queue: &str) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Queues(patterns) => patterns.iter().any(|pattern| pattern.matches(queue)),
        }
    }

    /// Whether all queues are.
    pub fn is_everything(&self) -> bool {
        *self == Scope::Everything
    }

    /// Those of these that it covers.
    pub fn filter<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> Vec<T> {
        let names = names.into_iter();
        names.filter(|name| self.covers(name.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_a_pattern_of_it_covers() {
        let scope = Scope::Queues(vec![Pattern("otp-*".into()), Pattern("mail".into())]);
        assert_eq!(
            scope.filter(["otp-sms", "mail", "mail2", "otp"]),
            ["otp-sms", "mail"]
        );
        assert!(!Scope::Queues(Vec::new()).covers("mail"));
        assert!(Scope::Everything.covers("mail"));
    }
}
