//! Cardholder data and sensitive authentication data (PCI DSS 4.0, 3.2 to 4.2).

use crate::check;
use crate::framework::Framework::{Gdpr, Pci};
use crate::framework::Severity::{Critical, High, Medium};
use crate::identifiers;
use crate::redact;
use crate::rule::{Find, Rule, Subject};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "card-number",
        frameworks: &[Pci, Gdpr],
        severity: Critical,
        title: "Payment card number in clear",
        advice: "Remove card numbers, or keep a token or at most the first six and last four digits (PCI DSS 3.4, 3.5).",
        subject: Subject::Card,
        find: Find::Number(&identifiers::CARD),
        show: redact::ends,
    },
    Rule {
        id: "card-verification-code",
        frameworks: &[Pci],
        severity: Critical,
        title: "Card verification code",
        advice: "Delete card verification codes: they must not be stored after authorisation, not even encrypted (PCI DSS 3.3.1.2).",
        subject: Subject::Card,
        find: Find::Text(
            r"\b(?:cvv2?|cvc2?|card (?:verification|security) (?:code|value|number))\b(?:[\s:=#.()-]|is\b|was\b|number\b|no\b|code\b)*(\d{3,4})\b",
            check::standalone,
        ),
        show: redact::all,
    },
    Rule {
        id: "card-track-data",
        frameworks: &[Pci],
        severity: Critical,
        title: "Magnetic stripe data",
        advice: "Delete track data: it must not be stored after authorisation (PCI DSS 3.3.1.1).",
        subject: Subject::Card,
        find: Find::Text(
            r"%b(\d{12,19})\^[^\n^]+\^\d{7}|;(\d{12,19})=\d{7}",
            check::card,
        ),
        show: redact::ends,
    },
    Rule {
        id: "card-pin",
        frameworks: &[Pci],
        severity: Critical,
        title: "PIN of a payment card",
        advice: "Delete PINs and PIN blocks: they must not be stored after authorisation (PCI DSS 3.3.1.3).",
        subject: Subject::Card,
        find: Find::Text(
            r"\b(?:card|debit|credit|atm) pin(?: code| number)?\b\s*(?:is|[:=#])?\s*(\d{4,6})\b",
            check::standalone,
        ),
        show: redact::all,
    },
    Rule {
        id: "card-data-stored",
        frameworks: &[Pci],
        severity: High,
        title: "Storing of data that must not be stored",
        advice: "Stop storing verification codes, track data and PIN blocks after authorisation (PCI DSS 3.3.1).",
        subject: Subject::Card,
        find: Find::Text(
            r"\b((?:stor|retain|sav|keep|record|logg?)(?:e|es|ed|ing|s)?\s+(?:(?:the|all|full|your|customers?'?|card)\s+)*(?:cvv2?s?|cvc2?s?|card verification (?:code|value)s?|track data|magnetic stripe data|pin blocks?))\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "weak-transport",
        frameworks: &[Pci],
        severity: Medium,
        title: "Outdated transport encryption",
        advice: "Use TLS 1.2 or later for cardholder data on open networks (PCI DSS 4.2.1).",
        subject: Subject::Secret,
        find: Find::Text(r"\b(ssl ?v?[23](?:\.0)?|tls ?v?1\.[01])\b", check::affirmed),
        show: redact::nothing,
    },
];
