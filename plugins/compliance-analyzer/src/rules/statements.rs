//! Wording that a document ought to have when it has certain data, and what its
//! absence means.

use crate::check;
use crate::framework::Framework::{self, Gdpr, Hipaa, Pci, Sox};
use crate::framework::Severity::{self, Info, Low, Medium};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

/// A finding when a document has the subject but not the statement.
pub(crate) struct Absence {
    pub(crate) id: &'static str,
    pub(crate) frameworks: &'static [Framework],
    pub(crate) severity: Severity,
    pub(crate) title: &'static str,
    pub(crate) advice: &'static str,
    /// What calls for the statement.
    pub(crate) given: &'static [Subject],
    /// The id of the rule that recognises the statement.
    pub(crate) statement: &'static str,
}

pub(crate) const ABSENCES: &[Absence] = &[
    Absence {
        id: "no-legal-basis",
        frameworks: &[Gdpr],
        severity: Medium,
        title: "Personal data without a legal basis",
        advice: "State the legal basis of the processing: consent, contract, legal obligation, … (GDPR Art. 6, 13(1)(c)).",
        given: &[Subject::Person, Subject::Health],
        statement: "legal-basis",
    },
    Absence {
        id: "no-retention-period",
        frameworks: &[Gdpr],
        severity: Low,
        title: "Personal data without a retention period",
        advice: "State how long the data is kept, or by which rule that is decided (GDPR Art. 5(1)(e), 13(2)(a)).",
        given: &[Subject::Person, Subject::Health],
        statement: "retention-period",
    },
    Absence {
        id: "no-control-statement",
        frameworks: &[Sox],
        severity: Medium,
        title: "Financial results without a statement on internal control",
        advice: "Add or refer to management's assessment of internal control over financial reporting (SOX 404(a)).",
        given: &[Subject::Company],
        statement: "control-statement",
    },
    Absence {
        id: "no-protection-statement",
        frameworks: &[Pci],
        severity: Low,
        title: "Card data without a statement on its protection",
        advice: "State how card data is protected: truncated, tokenised, encrypted (PCI DSS 3.5.1).",
        given: &[Subject::Card],
        statement: "protection-statement",
    },
    Absence {
        id: "no-health-privacy-notice",
        frameworks: &[Hipaa],
        severity: Medium,
        title: "Health information without authorisation or notice",
        advice: "Refer to the patient's authorisation or the notice of privacy practices (45 CFR 164.508, 164.520).",
        given: &[Subject::Health],
        statement: "health-privacy-notice",
    },
];

/// A rule that recognises a statement.
const fn statement(id: &'static str, pattern: &'static str) -> Rule {
    Rule {
        id,
        frameworks: &[],
        severity: Info,
        title: "",
        advice: "",
        subject: Subject::Statement,
        find: Find::Text(pattern, check::anything),
        show: redact::nothing,
    }
}

pub(super) const RULES: &[Rule] = &[
    statement(
        "legal-basis",
        r"\b(?:(?:legal|lawful)\s+(?:basis|ground)|legitimate\s+interests?|art(?:icle|\.)?\s*6\b|(?:with|on|upon|gives?|gave|given)\s+(?:\w+\s+){0,2}consent|consent(?:ed|s)\s+to|performance\s+of\s+(?:a|the)\s+contract|rechtsgrundlage|einwilligung)",
    ),
    statement(
        "retention-period",
        r"\b(?:retention\s+(?:period|policy|schedule)|(?:retained|stored|kept|deleted|erased)\s+(?:for|after|within|until|no\s+longer)|storage\s+(?:period|limitation)|speicherdauer|aufbewahrungsfrist|l(?:oe|ö)schfrist)",
    ),
    statement(
        "control-statement",
        r"\b(?:internal\s+controls?\s+over\s+financial\s+reporting|disclosure\s+controls\s+and\s+procedures|section\s+(?:302|404|906)|sarbanes[- ]oxley)\b",
    ),
    statement(
        "protection-statement",
        r"\b(?:encrypt(?:ed|ion|s)|tokeni[sz](?:ed|ation)|truncat(?:ed|ion)|masked|pci[- ]dss)\b",
    ),
    statement(
        "health-privacy-notice",
        r"\b(?:notice\s+of\s+privacy\s+practices|hipaa|protected\s+health\s+information|(?:patient|written|signed)\s+authori[sz]ation|de-?identified|minimum\s+necessary|business\s+associate)\b",
    ),
];
