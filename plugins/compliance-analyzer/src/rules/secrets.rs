//! Passwords and keys, which no document should carry (GDPR Art. 32, PCI DSS
//! 8.3, 45 CFR 164.312, and the general IT controls of SOX 404).

use crate::check;
use crate::framework::Framework::{self, Gdpr, Hipaa, Pci, Sox};
use crate::framework::Severity::{Critical, High};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

const EVERYONE: &[Framework] = &[Gdpr, Sox, Pci, Hipaa];

/// The same for all of them.
const ADVICE: &str =
    "Revoke the credential, which must be taken as known, and keep its successor in a vault.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "private-key",
        frameworks: EVERYONE,
        severity: Critical,
        title: "Private key",
        advice: ADVICE,
        subject: Subject::Secret,
        find: Find::Text(
            r"(?-i:(-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY(?: BLOCK)?-----))",
            check::anything,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "api-key",
        frameworks: EVERYONE,
        severity: Critical,
        title: "Access key of a service",
        advice: ADVICE,
        subject: Subject::Secret,
        find: Find::Text(
            r"\b(?-i:((?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]+|github_pat_[A-Za-z0-9_]+|glpat-[A-Za-z0-9_-]+|[sr]k_live_[A-Za-z0-9]+|sk-[A-Za-z0-9_-]+|xox[abprs]-[A-Za-z0-9-]+|AIza[A-Za-z0-9_-]+|npm_[A-Za-z0-9]+))",
            check::token,
        ),
        show: redact::secret,
    },
    Rule {
        id: "session-token",
        frameworks: EVERYONE,
        severity: High,
        title: "Signed token (JWT)",
        advice: ADVICE,
        subject: Subject::Secret,
        find: Find::Text(
            r"\b(?-i:eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)",
            check::anything,
        ),
        show: redact::secret,
    },
    Rule {
        id: "password",
        frameworks: EVERYONE,
        severity: High,
        title: "Password",
        advice: ADVICE,
        subject: Subject::Secret,
        find: Find::Text(
            r#"\b(?:password|passwd|pwd|passphrase|passwort|kennwort|mot de passe)\s*(?:is\s+|[:=]\s*)["']?([^\s"']+)"#,
            check::password,
        ),
        show: redact::secret,
    },
    Rule {
        id: "connection-string",
        frameworks: EVERYONE,
        severity: High,
        title: "Connection string with a password",
        advice: ADVICE,
        subject: Subject::Secret,
        find: Find::Text(
            r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|ftp)://[^\s:@/]*:([^\s@/]+)@",
            check::credential,
        ),
        show: redact::secret,
    },
];
