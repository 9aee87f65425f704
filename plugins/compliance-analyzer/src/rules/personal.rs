//! Data by which a person is known (GDPR Art. 4 and 87; the identifiers of
//! HIPAA, 45 CFR 164.514(b)(2)).

use crate::check;
use crate::framework::Framework::{Gdpr, Hipaa};
use crate::framework::Severity::{High, Low, Medium};
use crate::identifiers;
use crate::redact;
use crate::rule::{Find, Rule, Subject};

/// Behind a word for it, as people write theirs in several languages; as ITU-T
/// E.123 writes international ones; or in the groups of North America, Germany
/// and the United Kingdom, France, Spain and India.
const PHONE: &str = concat!(
    r"(?:\b(?:phone|tele(?:ph|f)one?|tel|mobile|cell|fax|handy|portable|movil)|t(?:é|É|e)l(?:é|É|e)phone|tel(?:é|É)fono|m(?:ó|Ó)vil|फ़ोन|फोन|मोबाइल|दूरभाष)(?:\.| ?number| no\.?|-?nummer| नंबर)?\s*[:#]?\s*((?:\+|\(|\d)[\d(][\d ()./-]+\d)\b",
    r"|(\+[1-9]\d{0,2}[ .-]?(?:\(\d+\)[ .-]?)?\d+(?:[ ./-]\d+)*)\b",
    r"|(\(\d{3}\) ?\d{3}[-. ]\d{4})\b",
    r"|\b([2-9]\d\d[-.][2-9]\d\d[-.]\d{4}",
    r"|0[1-9]\d{1,3}[ /-]\d{3,4}[ -]?\d{3,5}",
    r"|0[1-9](?:[ .-]\d\d){4}",
    r"|07[1-9]\d{8}|01[567]\d{8,9}",
    r"|[67]\d\d(?: \d\d){3}",
    r"|[6-9]\d{4}[ -]\d{5})\b",
);

/// A dot-atom (RFC 5322) with letters beyond ASCII (RFC 6531), `@`, and a domain
/// with such labels (RFC 5890). Letters of two and three bytes without the
/// blocks of punctuation and signs.
const EMAIL: &str = concat!(
    r"(?:[a-z0-9]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe4-\xed][\x80-\xbf][\x80-\xbf])(?:[a-z0-9._%+'-]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe4-\xed][\x80-\xbf][\x80-\xbf])*",
    r"@(?:(?:[a-z0-9-]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe4-\xed][\x80-\xbf][\x80-\xbf])+\.)+(?:[a-z]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe4-\xed][\x80-\xbf][\x80-\xbf])(?:[a-z]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe4-\xed][\x80-\xbf][\x80-\xbf])+",
);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "email-address",
        frameworks: &[Gdpr, Hipaa],
        severity: Low,
        title: "E-mail address of a person",
        advice: "Leave out e-mail addresses that the reader does not need (GDPR Art. 5(1)(c)).",
        subject: Subject::Person,
        find: Find::Text(EMAIL, check::email),
        show: redact::email,
    },
    Rule {
        id: "phone-number",
        frameworks: &[Gdpr, Hipaa],
        severity: Low,
        title: "Telephone number",
        advice: "Leave out telephone numbers that the reader does not need (GDPR Art. 5(1)(c)).",
        subject: Subject::Person,
        find: Find::Label(PHONE, check::phone),
        show: redact::tail,
    },
    Rule {
        id: "bank-account",
        frameworks: &[Gdpr],
        severity: Medium,
        title: "Bank account (IBAN)",
        advice: "Mask account numbers, or keep them in a system with access control (GDPR Art. 32).",
        subject: Subject::Person,
        find: Find::Number(&identifiers::IBAN),
        show: redact::ends,
    },
    Rule {
        id: "us-social-security-number",
        frameworks: &[Gdpr, Hipaa],
        severity: High,
        title: "US social security number",
        advice: "Remove social security numbers, or show the last four digits only.",
        subject: Subject::Person,
        find: Find::Number(&identifiers::SOCIAL_SECURITY),
        show: redact::tail,
    },
    Rule {
        id: "passport-number",
        frameworks: &[Gdpr, Hipaa],
        severity: High,
        title: "Passport number",
        advice: "Remove passport numbers, or record only that the passport was seen.",
        subject: Subject::Person,
        find: Find::Label(
            r"(?:\b(?:passport|reisepass|passeport|pasaporte)|पासपोर्ट)(?:[ -]?(?:number|no\.?|nr\.?|nummer|nummer|#)| नंबर| संख्या)?\s*(?:is\s+|[:#]\s*)?(?-i:([A-Z]{0,2}\d{6,9}|[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}))\b",
            check::identifier,
        ),
        show: redact::all,
    },
    Rule {
        id: "identity-document",
        frameworks: &[Gdpr, Hipaa],
        severity: High,
        title: "Number of an identity document",
        advice: "Remove national identification, licence and tax numbers unless the law asks for them (GDPR Art. 87).",
        subject: Subject::Person,
        find: Find::Label(
            r"(?:\b(?:national (?:id(?:entity|entification)?|insurance)|id(?:entity)? card|personalausweis|f(?:ü|Ü|ue)hrerschein|driv(?:er'?s?|ing) licen[cs]e|tax(?:payer)? id(?:entification)?|steuer-?id|nino|carte d'identit(?:é|e)|permis de conduire|documento de identidad|licencia de conducir)|पहचान पत्र|ड्राइविंग लाइसेंस)(?:[ -]?(?:number|no\.?|nr\.?|nummer|#)| नंबर| संख्या)?\s*(?:is\s+|[:#]\s*)?(?-i:([A-Z0-9]+(?:[ -][A-Z0-9]+)*))\b",
            check::document,
        ),
        show: redact::all,
    },
    Rule {
        id: "date-of-birth",
        frameworks: &[Gdpr, Hipaa],
        severity: Medium,
        title: "Date of birth",
        advice: "Give an age or a year instead of a date of birth (GDPR Art. 5(1)(c); 45 CFR 164.514(b)(2)(i)(C)).",
        subject: Subject::Person,
        find: Find::Text(
            r"(?:\b(?:date of birth|birth ?date|dob|d\.o\.b\.|born(?: on)?|geburtsdatum|geboren(?: am)?|date de naissance|né(?:e)? le|fecha de nacimiento|nacid[oa] el)|जन्म ?तिथि|जन्मतिथि)[\s:=().-]*(\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2}\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})\b",
            check::date,
        ),
        show: redact::all,
    },
    Rule {
        id: "ip-address",
        frameworks: &[Gdpr, Hipaa],
        severity: Low,
        title: "Public IP address",
        advice: "Shorten IP addresses of people, e.g. to the first two parts (CJEU C-582/14).",
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}\b",
            check::ip,
        ),
        show: redact::ip,
    },
    Rule {
        id: "vehicle-number",
        frameworks: &[Gdpr, Hipaa],
        severity: Low,
        title: "Vehicle identification number",
        advice: "Leave out vehicle numbers that the reader does not need (45 CFR 164.514(b)(2)(i)(L)).",
        subject: Subject::Person,
        find: Find::Text(
            r"\b(?:vin|vehicle identification(?: number)?|chassis(?: number| no\.?)?)\s*[:#]?\s*(?-i:([A-HJ-NPR-Z0-9]{17}))\b",
            check::vin,
        ),
        show: redact::tail,
    },
];
