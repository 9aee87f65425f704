//! Protected health information (HIPAA, 45 CFR 160.103), which is a special
//! category of GDPR Art. 9 as well.

use crate::check;
use crate::framework::Framework::{Gdpr, Hipaa};
use crate::framework::Severity::{High, Low, Medium};
use crate::redact;
use crate::rule::{Find, Rule, Subject};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "health-condition",
        frameworks: &[Hipaa, Gdpr],
        severity: High,
        title: "Health condition of a person",
        advice: "Remove diagnoses, or separate them from the person (45 CFR 164.514; GDPR Art. 9).",
        subject: Subject::Health,
        find: Find::Text(
            r"\b(?:diagnosed with|diagnosis(?: of|:)|suffers from|suffering from|treated for|tested positive for|medical history of|patient has|hospitali[sz]ed (?:for|with))\s+(?:an?\s+|the\s+)?(?:[a-z0-9-]+\s+){0,2}(cancer|carcinoma|leuka?emia|lymphoma|melanoma|diabetes|hiv|aids|depression|asthma|epilepsy|hepatitis|schizophrenia|bipolar disorder|parkinson|alzheimer|dementia|multiple sclerosis|covid-19|tuberculosis|anxiety disorder|alcoholism|stroke|heart failure|hypertension|pneumonia|autism|ptsd)\b",
            check::affirmed,
        ),
        show: redact::nothing,
    },
    Rule {
        id: "diagnosis-code",
        frameworks: &[Hipaa, Gdpr],
        severity: High,
        title: "Diagnosis code (ICD-10)",
        advice: "Remove diagnosis codes, or separate them from the person (45 CFR 164.514; GDPR Art. 9).",
        subject: Subject::Health,
        find: Find::Text(
            r"\b(?:icd-?10(?:-?(?:cm|gm|who))?|diagnos(?:is|es)|dx)(?: codes?)?\s*[:#(]?\s*(?-i:([A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?))\b",
            check::standalone,
        ),
        show: redact::all,
    },
    Rule {
        id: "medical-record-number",
        frameworks: &[Hipaa, Gdpr],
        severity: High,
        title: "Medical record number",
        advice: "Remove medical record numbers, or replace them by a study code (45 CFR 164.514(c)).",
        subject: Subject::Health,
        find: Find::Label(
            r"\b(?:mrn|medical record(?: number| no\.?| #)?|patient (?:id|number|no\.?))\s*(?:is\s+|[:#]\s*)?([a-z]{0,3}-?\d{5,12})\b",
            check::standalone,
        ),
        show: redact::all,
    },
    Rule {
        id: "health-plan-number",
        frameworks: &[Hipaa, Gdpr],
        severity: High,
        title: "Health plan beneficiary number",
        advice: "Remove health plan numbers (45 CFR 164.514(b)(2)(i)(I)).",
        subject: Subject::Health,
        find: Find::Label(
            r"\b(?:health (?:plan|insurance)(?: beneficiary| member| policy)?|medicare(?: beneficiary)?|medicaid|beneficiary|mbi|krankenversicherten)[ -]?(?:id|identifier|number|no\.?|nummer)?\s*(?:is\s+|[:#]\s*)(?-i:([A-Z0-9]+(?:-[A-Z0-9]+)*))\b",
            check::identifier,
        ),
        show: redact::all,
    },
    Rule {
        id: "prescription",
        frameworks: &[Hipaa, Gdpr],
        severity: Medium,
        title: "Prescribed medicine",
        advice: "Remove prescriptions, or separate them from the person (45 CFR 164.514; GDPR Art. 9).",
        subject: Subject::Health,
        find: Find::Text(
            r"\b(?:prescribed|prescription(?: for|:)|rx:|takes|taking)\s+([a-z]+ \d+(?:\.\d+)? ?(?:mg|mcg|µg|iu))\b",
            check::affirmed,
        ),
        show: redact::all,
    },
    Rule {
        id: "provider-number",
        frameworks: &[Hipaa],
        severity: Low,
        title: "National provider identifier (NPI)",
        advice: "Check that the provider may be named: with a patient it shows who treats them.",
        subject: Subject::Health,
        find: Find::Text(
            r"\b(?:npi|national provider id(?:entifier)?)(?: number| no\.?| #)?\s*[:#]?\s*([12]\d{9})\b",
            check::npi,
        ),
        show: redact::tail,
    },
    Rule {
        id: "prescriber-number",
        frameworks: &[Hipaa],
        severity: Medium,
        title: "Number of a prescriber (DEA)",
        advice: "Remove DEA numbers: they allow forged prescriptions.",
        subject: Subject::Health,
        find: Find::Text(
            r"\bdea(?: registration)?(?: number| no\.?| #)?\s*[:#]?\s*([a-z][a-z9]\d{7})\b",
            check::dea,
        ),
        show: redact::tail,
    },
];
