//! What a caller of the HTTP API may do: its role, its queues, how long.

use crate::pattern::Pattern;

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
