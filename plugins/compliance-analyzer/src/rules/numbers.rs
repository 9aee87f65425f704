//! Numbers that authorities, banks and ledgers give out, each with the form in
//! `identifiers/`.

use crate::framework::Framework::{Gdpr, Hipaa};
use crate::framework::Severity::{self, High, Low, Medium};
use crate::identifiers::{self, Identifier};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

/// The same for all that the law of a country restricts.
const NATIONAL: &str = "Remove national numbers unless the law asks for them (GDPR Art. 87; 45 CFR 164.514(b)(2)(i)); a reference of your own serves as well.";

const HEALTH: &str =
    "Remove numbers of patients, or replace them by a study code (45 CFR 164.514(c); GDPR Art. 9).";

const MONEY: &str =
    "Mask account numbers, or keep them in a system with access control (GDPR Art. 32).";

pub(super) const RULES: &[Rule] = &[
    national(
        "us-taxpayer-number",
        "US taxpayer number (ITIN)",
        &identifiers::ITIN,
    ),
    national(
        "uk-national-insurance-number",
        "UK national insurance number",
        &identifiers::NINO,
    ),
    national(
        "es-tax-number",
        "Spanish tax number (NIF, NIE)",
        &identifiers::NIF_SPAIN,
    ),
    national(
        "pt-tax-number",
        "Portuguese tax number (NIF)",
        &identifiers::NIF_PORTUGAL,
    ),
    national(
        "it-tax-code",
        "Italian tax code (codice fiscale)",
        &identifiers::CODICE_FISCALE,
    ),
    national(
        "pl-national-number",
        "Polish national number (PESEL)",
        &identifiers::PESEL,
    ),
    national(
        "de-tax-number",
        "German tax number (Steuer-ID)",
        &identifiers::TAX_ID_GERMANY,
    ),
    national(
        "fr-social-security-number",
        "French social security number (NIR)",
        &identifiers::NIR,
    ),
    national(
        "in-aadhaar-number",
        "Indian resident's number (Aadhaar)",
        &identifiers::AADHAAR,
    ),
    national(
        "in-tax-number",
        "Indian tax number (PAN)",
        &identifiers::PAN,
    ),
    national(
        "sg-identity-number",
        "Singapore identity number (NRIC, FIN)",
        &identifiers::NRIC,
    ),
    national(
        "au-tax-file-number",
        "Australian tax file number",
        &identifiers::TFN,
    ),
    health(
        "uk-nhs-number",
        "UK patient's number (NHS)",
        &identifiers::NHS,
    ),
    health(
        "medicare-beneficiary-number",
        "US Medicare number (MBI)",
        &identifiers::MEDICARE_BENEFICIARY,
    ),
    money(
        "us-routing-number",
        "US bank's routing number (ABA)",
        Low,
        &identifiers::ROUTING,
    ),
    money(
        "crypto-wallet",
        "Address of a crypto wallet",
        Medium,
        &identifiers::WALLET,
    ),
];

const fn national(id: &'static str, title: &'static str, kind: &'static Identifier) -> Rule {
    Rule {
        id,
        frameworks: &[Gdpr, Hipaa],
        severity: High,
        title,
        advice: NATIONAL,
        subject: Subject::Person,
        find: Find::Number(kind),
        show: redact::all,
    }
}

const fn health(id: &'static str, title: &'static str, kind: &'static Identifier) -> Rule {
    Rule {
        subject: Subject::Health,
        advice: HEALTH,
        ..national(id, title, kind)
    }
}

const fn money(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    kind: &'static Identifier,
) -> Rule {
    Rule {
        id,
        frameworks: &[Gdpr],
        severity,
        title,
        advice: MONEY,
        subject: Subject::Person,
        find: Find::Number(kind),
        show: redact::ends,
    }
}
