//! Special categories of personal data and offences (GDPR Art. 9 and 10), with
//! the words that make a person the subject.
//!
//! What is shown is one of the words of the pattern, never a neighbour of it.

use crate::check;
use crate::framework::Framework::Gdpr;
use crate::framework::Severity::{High, Medium};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

/// The same for all of them.
const ADVICE: &str = "Remove special categories of personal data, or name the exception of GDPR Art. 9(2) (for offences Art. 10) that allows them.";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "religion",
        frameworks: &[Gdpr],
        severity: High,
        title: "Religious belief of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:religion|religious (?:beliefs?|affiliation|denomination)|faith|konfession)\s*[:=]\s*(?:roman )?(catholic|protestant|christian|muslim|islam|jewish|judaism|hindu|buddhist|sikh|atheist|katholisch|evangelisch)\b|\b(?:he|she|i|who|employee|applicant|patient|customer) (?:is|was|am) an? (?:practi[cs]ing |devout )?(catholic|protestant|christian|muslim|jew|hindu|buddhist|sikh|atheist)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "trade-union",
        frameworks: &[Gdpr],
        severity: High,
        title: "Trade union membership of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:member of|belongs to|joined|active in)\s+(?:an?\s+|the\s+|his\s+|her\s+)?(?:[a-z]+\s+){0,2}(trade union|labou?r union|workers'? union)\b|\b(trade union member(?:ship)?|union dues)\s*[:=]|\b(gewerkschaftsmitglied)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "political-opinion",
        frameworks: &[Gdpr],
        severity: High,
        title: "Political opinion of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:he|she|i|who|employee|applicant|customer)\s+(?:is|was|am)\s+(?:a\s+)?(?:registered\s+)?(?:member of the\s+)?(democratic party|republican party|labour party|conservative party|communist party|green party|socialist party|democrat|republican|communist)\b|\b(?:political (?:affiliation|opinions?|party)|party membership)\s*[:=]\s*(democrat|republican|labour|conservative|communist|green|socialist|liberal)",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "ethnic-origin",
        frameworks: &[Gdpr],
        severity: High,
        title: "Racial or ethnic origin of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:race|race/ethnicity|ethnicity|ethnic (?:origin|background|group)|racial origin)\s*[:=]\s*(white|black|african[ -]american|asian|hispanic|latin[oax]|caucasian|roma|native american|pacific islander|arab|jewish)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "sexual-orientation",
        frameworks: &[Gdpr],
        severity: High,
        title: "Sexual orientation of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\bsexual (?:orientation|preference)\s*[:=]\s*(heterosexual|homosexual|straight|gay|lesbian|bisexual|asexual|queer)\b|\b(?:he|she|i|who|employee|applicant) (?:is|was|am) (?:openly )?(homosexual|gay|lesbian|bisexual)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "biometric-data",
        frameworks: &[Gdpr],
        severity: Medium,
        title: "Biometric or genetic data",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b((?:fingerprint|face|facial|iris|retina|voice|palm) (?:templates?|scans?|records?|prints? on file)|voiceprints?|dna (?:profiles?|samples?|test results?)|genetic test results?)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "criminal-offence",
        frameworks: &[Gdpr],
        severity: High,
        title: "Criminal conviction of a person",
        advice: ADVICE,
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:convicted (?:of|for)|found guilty of|pleaded guilty to|criminal record for|conviction for)\s+(?:an?\s+)?(?:[a-z]+\s+)?(theft|fraud|assault|robbery|burglary|murder|manslaughter|embezzlement|forgery|perjury|arson|bribery|tax evasion|money laundering|drug (?:possession|trafficking)|drunk driving)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
];
