//! What each rule finds, how it is shown, and what it leaves alone.

use std::collections::BTreeSet;

use super::all;
use crate::scan::Scanner;

struct Example {
    rule: &'static str,
    /// The text, and what is shown of it.
    found: &'static [(&'static str, &'static str)],
    left_alone: &'static [&'static str],
}

const EXAMPLES: &[Example] = &[
    Example {
        rule: "card-number",
        found: &[
            ("pay with 4111 1111 1111 1111 today", "4111 **** **** 1111"),
            ("4111111111111111", "4111********1111"),
            ("5555-5555-5555-4444", "5555-****-****-4444"),
            ("3782 822463 10005", "3782 ****** *0005"),
            ("amex 378282246310005.", "3782*******0005"),
            ("card 4111 1111 1111 1111 123", "4111 **** **** 1111"),
            ("order 12 4111 1111 1111 1111", "4111 **** **** 1111"),
            ("6011 1111 1111 1117", "6011 **** **** 1117"),
            ("3530111333300000", "3530********0000"),
            ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "4111 **** **** 1111"),
            ("30569309025904", "3056******5904"),
        ],
        left_alone: &[
            "4111 1111 1111 1112",
            "0000 0000 0000 0000",
            "1234 5678 9012 3452",
            "tracking number 94001118992231975",
            "3.4111111111111111",
            "2026-11-23 12:00:00",
        ],
    },
    Example {
        rule: "card-verification-code",
        found: &[("CVV: 123", "***"), ("card security code is 1234", "****")],
        left_alone: &["CVV is required", "security code of 1974", "CVV 12345"],
    },
    Example {
        rule: "card-track-data",
        found: &[
            (
                "%B4111111111111111^DOE/JANE^29051010000",
                "4111********1111",
            ),
            (";4111111111111111=29051010000?", "4111********1111"),
        ],
        left_alone: &["%B4111111111111112^DOE/JANE^29051010000", ";x=29051010000?"],
    },
    Example {
        rule: "card-pin",
        found: &[
            ("debit PIN: 1234", "****"),
            ("ATM pin code 987654", "******"),
        ],
        left_alone: &["PIN code 560001, Bangalore", "the card PIN is secret"],
    },
    Example {
        rule: "card-data-stored",
        found: &[
            ("our servers store the CVV for later", "store the CVV"),
            ("we keep all track data", "keep all track data"),
        ],
        left_alone: &[
            "we do not store the CVV",
            "We never retain card verification codes.",
        ],
    },
    Example {
        rule: "weak-transport",
        found: &[
            ("the gateway speaks TLS 1.0", "TLS 1.0"),
            ("SSLv3 is used", "SSLv3"),
        ],
        left_alone: &["TLS 1.2", "we do not allow TLS 1.1", "tls 1.10"],
    },
    Example {
        rule: "email-address",
        found: &[(
            "write to ada.lovelace@analytical.co.uk.",
            "a***@analytical.co.uk",
        )],
        left_alone: &[
            "info@analytical.co.uk",
            "ada@example.com",
            "ada@mail.example.org",
            "a@b",
            "@mention",
        ],
    },
    Example {
        rule: "phone-number",
        found: &[
            ("+49 170 1234567", "+** *** ***4567"),
            ("Phone: 030 1234 5678", "*** **** 5678"),
            ("call (415) 555-2671", "(***) ***-2671"),
            ("Tel. +44 (20) 7946 0958", "+** (**) **** 0958"),
        ],
        left_alone: &[
            "phone: 110",
            "2026-11-23",
            "4155552671",
            "a+4911111111",
            "the number 12345678 of things",
        ],
    },
    Example {
        rule: "bank-account",
        found: &[
            (
                "IBAN DE89 3704 0044 0532 0130 00 and more",
                "DE89 **** **** **** **30 00",
            ),
            (
                "NL91\u{a0}ABNA\u{a0}0417\u{a0}1643\u{a0}00",
                "NL91 **** **** **43 00",
            ),
            ("GB82WEST12345698765432", "GB82**************5432"),
            ("NO93 8601 1117 947", "NO93 **** ***7 947"),
            (
                "DE89 3704 0044 0532 0130 00 BIC GENODEF1",
                "DE89 **** **** **** **30 00",
            ),
        ],
        left_alone: &[
            "DE88 3704 0044 0532 0130 00",
            "DE89 3704 0044 0532 0130 001",
            "ZZ89 3704 0044 0532 0130 00",
            "GB82 WEST 1234",
        ],
    },
    Example {
        rule: "us-social-security-number",
        found: &[
            ("123-45-6789", "***-**-6789"),
            ("SSN: 123456789", "*****6789"),
            ("Social Security Number is 123 45 6789", "*** ** 6789"),
        ],
        left_alone: &[
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "123-00-6789",
            "123-45-0000",
            "078-05-1120",
            "123456789",
            "1-123-45-6789",
        ],
    },
    Example {
        rule: "us-taxpayer-number",
        found: &[("ITIN 912-70-1234", "***-**-****")],
        left_alone: &["912-49-1234"],
    },
    Example {
        rule: "uk-national-insurance-number",
        found: &[("NINO AB 12 34 56 C", "** ** ** ** *")],
        left_alone: &["QQ 12 34 56 C"],
    },
    Example {
        rule: "es-tax-number",
        found: &[("NIF 12345678Z", "*********")],
        left_alone: &["NIF 12345678A"],
    },
    Example {
        rule: "pt-tax-number",
        found: &[("contribuinte 501964843", "*********")],
        left_alone: &["501964843"],
    },
    Example {
        rule: "it-tax-code",
        found: &[("RSSMRA85T10A562S", "****************")],
        left_alone: &["RSSMRA85T10A562T"],
    },
    Example {
        rule: "pl-national-number",
        found: &[("PESEL 44051401359", "***********")],
        left_alone: &["44051401359"],
    },
    Example {
        rule: "de-tax-number",
        found: &[("Steuer-ID 86 095 742 719", "** *** *** ***")],
        left_alone: &["86 095 742 719"],
    },
    Example {
        rule: "fr-social-security-number",
        found: &[("2 55 08 14 168 025 38", "* ** ** ** *** *** **")],
        left_alone: &["2 55 08 14 168 025 39"],
    },
    Example {
        rule: "in-aadhaar-number",
        found: &[("Aadhaar: 2341 2341 2346", "**** **** ****")],
        left_alone: &["2341 2341 2346"],
    },
    Example {
        rule: "in-tax-number",
        found: &[("PAN ABCPE1234F", "**********")],
        left_alone: &["ABCDE1234F"],
    },
    Example {
        rule: "sg-identity-number",
        found: &[("NRIC S1234567D", "*********")],
        left_alone: &["NRIC S1234567E"],
    },
    Example {
        rule: "au-tax-file-number",
        found: &[("TFN 123 456 782", "*** *** ***")],
        left_alone: &["123 456 782"],
    },
    Example {
        rule: "uk-nhs-number",
        found: &[("NHS number 943 476 5919", "*** *** ****")],
        left_alone: &["943 476 5919"],
    },
    Example {
        rule: "medicare-beneficiary-number",
        found: &[("MBI 1EG4-TE5-MK73", "****-***-****")],
        left_alone: &["1SG4-TE5-MK73"],
    },
    Example {
        rule: "us-routing-number",
        found: &[("ABA 021000021", "*********")],
        left_alone: &["021000021"],
    },
    Example {
        rule: "crypto-wallet",
        found: &[(
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "1A1z**************************vfNa",
        )],
        left_alone: &["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"],
    },
    Example {
        rule: "passport-number",
        found: &[
            ("Passport No. C01234567", "*********"),
            ("passport: 123456789", "*********"),
        ],
        left_alone: &[
            "a passport is needed",
            "passport required by 2026",
            "passport office 12345",
        ],
    },
    Example {
        rule: "identity-document",
        found: &[
            ("Driver's license number: D1234567", "********"),
            ("National Insurance number: QQ 12 34 56 C", "** ** ** ** *"),
        ],
        left_alone: &["driver's license: REQUIRED", "identity card: see page 12"],
    },
    Example {
        rule: "date-of-birth",
        found: &[
            ("Date of birth: 1990-02-28", "****-**-**"),
            ("born on 12 March 1985", "** ***** ****"),
            ("DOB 02/29/2000", "**/**/****"),
            ("Geburtsdatum: 31.12.1999", "**.**.****"),
        ],
        left_alone: &[
            "Date: 1990-02-28",
            "DOB 1990-02-30",
            "born on 31.11.1990",
            "born in 1985",
        ],
    },
    Example {
        rule: "ip-address",
        found: &[
            ("from 8.8.8.8 at noon", "8.8.*.*"),
            ("2a00:1450:4001:81b::200e", "2a00:1450:*"),
        ],
        left_alone: &[
            "192.168.1.1",
            "127.0.0.1",
            "203.0.113.7",
            "300.1.1.1",
            "version 8.8.8.8",
            "8.8.8.8.8",
            "12:30:45",
            "2001:db8::1",
        ],
    },
    Example {
        rule: "vehicle-number",
        found: &[("VIN: 1M8GDM9AXKP042788", "*************2788")],
        left_alone: &["VIN: 1M8GDM9A1KP042788", "1M8GDM9AXKP042788"],
    },
    Example {
        rule: "religion",
        found: &[
            ("Religion: Catholic", "Catholic"),
            ("she is a practicing Muslim", "Muslim"),
        ],
        left_alone: &[
            "freedom of religion",
            "the Catholic church",
            "Religion: not stated",
        ],
    },
    Example {
        rule: "trade-union",
        found: &[
            (
                "He is a member of the metal workers trade union",
                "trade union",
            ),
            ("Union dues: 12 EUR", "Union dues"),
        ],
        left_alone: &[
            "member of the European Union",
            "a credit union",
            "she never joined a trade union",
        ],
    },
    Example {
        rule: "political-opinion",
        found: &[
            ("Political affiliation: Republican", "Republican"),
            ("she is a member of the Labour Party", "Labour Party"),
        ],
        left_alone: &[
            "the Labour Party won",
            "she is a member of the board",
            "third party",
        ],
    },
    Example {
        rule: "ethnic-origin",
        found: &[("Ethnicity: Hispanic", "Hispanic")],
        left_alone: &["race: 100 m", "a black car", "White paper"],
    },
    Example {
        rule: "sexual-orientation",
        found: &[
            ("sexual orientation: bisexual", "bisexual"),
            ("he is openly gay", "gay"),
        ],
        left_alone: &["regardless of sexual orientation", "a straight line"],
    },
    Example {
        rule: "biometric-data",
        found: &[("the fingerprint template of staff", "fingerprint template")],
        left_alone: &[
            "we do not keep DNA samples",
            "a fingerprint of the certificate",
        ],
    },
    Example {
        rule: "criminal-offence",
        found: &[("was convicted of armed robbery in May", "robbery")],
        left_alone: &["fraud prevention", "he was never convicted of theft"],
    },
    Example {
        rule: "health-condition",
        found: &[
            ("was diagnosed with type 2 diabetes", "diabetes"),
            ("the patient suffers from asthma", "asthma"),
        ],
        left_alone: &[
            "diabetes research",
            "was not diagnosed with cancer",
            "suffers from delays",
        ],
    },
    Example {
        rule: "diagnosis-code",
        found: &[
            ("ICD-10: E11.9", "***.*"),
            ("diagnosis code: J45.909", "***.***"),
        ],
        left_alone: &["E11.9", "ICD-10 is a catalogue", "diagnosis: unclear"],
    },
    Example {
        rule: "medical-record-number",
        found: &[
            ("MRN: 00123456", "********"),
            ("Patient ID 987654", "******"),
        ],
        left_alone: &["MRN pending", "patient number 12", "record 00123456"],
    },
    Example {
        rule: "health-plan-number",
        found: &[
            ("Health plan ID: XYZ-123456", "***-******"),
            ("Medicare number: 1EG4-TE5-MK73", "****-***-****"),
        ],
        left_alone: &["Health plan: GOLD", "Medicare is a programme"],
    },
    Example {
        rule: "prescription",
        found: &[("prescribed metformin 500 mg daily", "********* *** **")],
        left_alone: &["prescribed by law", "500 mg of salt", "takes 500 mg"],
    },
    Example {
        rule: "provider-number",
        found: &[("NPI: 1234567893", "******7893")],
        left_alone: &["NPI: 1234567890", "1234567893"],
    },
    Example {
        rule: "prescriber-number",
        found: &[("DEA number: AB1234563", "*****4563")],
        left_alone: &["DEA number: AB1234561", "AB1234563"],
    },
    Example {
        rule: "material-weakness",
        found: &[(
            "we identified a material\nweakness in revenue",
            "material weakness",
        )],
        left_alone: &[
            "We found no material weaknesses.",
            "a weakness of the material",
        ],
    },
    Example {
        rule: "significant-deficiency",
        found: &[(
            "two significant deficiencies remain",
            "significant deficiencies",
        )],
        left_alone: &["without any significant deficiency"],
    },
    Example {
        rule: "ineffective-control",
        found: &[(
            "our internal control over financial reporting was not effective",
            "internal control over financial reporting was not effective",
        )],
        left_alone: &["internal control over financial reporting was effective"],
    },
    Example {
        rule: "restatement",
        found: &[
            (
                "a restatement of our financial statements",
                "restatement of our financial statements",
            ),
            (
                "the financial statements must be restated",
                "financial statements must be restated",
            ),
        ],
        left_alone: &["no restatement of earnings", "to restate the obvious"],
    },
    Example {
        rule: "destroyed-records",
        found: &[(
            "please shred the audit papers tonight",
            "shred the audit papers",
        )],
        left_alone: &["never destroy audit records", "destroy old hardware"],
    },
    Example {
        rule: "irregular-accounting",
        found: &[("this was channel stuffing in Q4", "channel stuffing")],
        left_alone: &[
            "there are no off-the-books accounts",
            "cooking books for sale",
        ],
    },
    Example {
        rule: "control-override",
        found: &[(
            "he bypassed the approval controls",
            "bypassed the approval controls",
        )],
        left_alone: &["controls prevent management override", "bypass the city"],
    },
    Example {
        rule: "financial-figure",
        found: &[
            ("Revenue was $12.5 million", "$**.* *******"),
            ("net income of EUR 3,400,000", "*** *,***,***"),
        ],
        left_alone: &[
            "revenue grew",
            "a budget of $12.5 million",
            "earnings call at 9",
        ],
    },
    Example {
        rule: "private-key",
        found: &[(
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "-----BEGIN RSA PRIVATE KEY-----",
        )],
        left_alone: &["-----BEGIN PUBLIC KEY-----"],
    },
    Example {
        rule: "api-key",
        found: &[
            ("key AKIAIOSFODNN7ABCDEFG", "AKIA********"),
            ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_********"),
        ],
        left_alone: &["AKIAIOSFODNN7EXAMPLE", "sk-learn", "AKIA"],
    },
    Example {
        rule: "session-token",
        found: &[("Bearer eyJhbGciOi.eyJzdWIi.c2ln", "eyJ********")],
        left_alone: &["eyJhbGciOi", "eyJhbGciOi.foo.bar"],
    },
    Example {
        rule: "password",
        found: &[
            ("password: hunter2!", "********"),
            ("Passwort = \"geheim-1\"", "********"),
        ],
        left_alone: &[
            "password: required",
            "password: <your-password1>",
            "password=${DB_PASSWORD1}",
            "the password is long",
            "Password: ********",
        ],
    },
    Example {
        rule: "connection-string",
        found: &[("postgres://app:s3cret@db/prod", "********")],
        left_alone: &["postgres://db/prod", "postgres://app:${PASSWORD}@db/prod"],
    },
    Example {
        rule: "legal-basis",
        found: &[
            ("The legal basis is a contract.", "legal basis"),
            ("with your explicit consent", "with your explicit consent"),
        ],
        left_alone: &["a legal matter", "customers have given up"],
    },
    Example {
        rule: "retention-period",
        found: &[("Data is deleted after two years", "deleted after")],
        left_alone: &["staff retention"],
    },
    Example {
        rule: "control-statement",
        found: &[(
            "internal control over financial reporting",
            "internal control over financial reporting",
        )],
        left_alone: &["remote control"],
    },
    Example {
        rule: "protection-statement",
        found: &[("card numbers are tokenised", "tokenised")],
        left_alone: &["card numbers are here"],
    },
    Example {
        rule: "health-privacy-notice",
        found: &[(
            "see our Notice of Privacy Practices",
            "Notice of Privacy Practices",
        )],
        left_alone: &["a private notice"],
    },
];

/// What one rule shows of a text.
fn shown(rule: &str, text: &str) -> Vec<String> {
    let rule = all()
        .find(|known| known.id == rule)
        .unwrap_or_else(|| panic!("there is no rule {rule}"));
    let found = Scanner::new(vec![rule]).scan(text, &[0], 10, |_| {});
    found[0]
        .places
        .iter()
        .map(|place| place.excerpt.clone())
        .collect()
}

#[test]
fn each_rule_finds_what_it_is_for_and_leaves_the_rest_alone() {
    let mut wrong = Vec::new();
    for example in EXAMPLES {
        for (text, excerpt) in example.found {
            let shown = shown(example.rule, text);
            if shown != [*excerpt] {
                wrong.push(format!(
                    "{}: {text:?} shows {shown:?}, not {excerpt:?}",
                    example.rule
                ));
            }
        }
        for text in example.left_alone {
            let shown = shown(example.rule, text);
            if !shown.is_empty() {
                wrong.push(format!("{}: {text:?} shows {shown:?}", example.rule));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_examples_of_both_kinds_and_an_id_of_its_own() {
    let examples: BTreeSet<_> = EXAMPLES
        .iter()
        .filter(|example| !example.found.is_empty() && !example.left_alone.is_empty())
        .map(|example| example.rule)
        .collect();
    let rules: BTreeSet<_> = all().map(|rule| rule.id).collect();
    assert_eq!(examples, rules);
    assert_eq!(rules.len(), all().count());
}
