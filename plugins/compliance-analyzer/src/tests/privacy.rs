//! Whatever stands in a document, no private value gets out of the plugin.

use proptest::prelude::*;

use super::{Fixture, handle};
use crate::identifiers::{self, luhn};

/// Everything that gets out: the result, logs, progress and added jobs.
fn all_output(text: &str) -> String {
    let fixture = Fixture::new();
    let outcome = handle(fixture.job(text, &["GDPR", "SOX", "PCI", "HIPAA"]));
    let json = outcome.map(|report| serde_json::to_string(&report).expect("it is JSON"));
    let host = &fixture.host;
    let added: Vec<_> = host.added().into_iter().map(|job| job.data).collect();
    format!("{json:?} {:?} {:?} {added:?}", host.logs(), host.progress())
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The number in groups of `size`, as people write it.
fn grouped(number: &str, size: usize, separator: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let groups: Vec<String> = characters
        .chunks(size)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(separator)
}

/// The digit that makes a number valid.
fn with_check_digit(payload: &[u8]) -> String {
    let number = (0..10)
        .map(|check| [payload, &[check]].concat())
        .find(|number| luhn(number))
        .expect("one of ten digits fits");
    number
        .iter()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

prop_compose! {
    fn card()(mut payload in prop::collection::vec(0..10_u8, 15), scheme in 0..3_usize) -> String {
        payload[..2].copy_from_slice([&[4, 1], &[5, 3], &[5, 5]][scheme]);
        with_check_digit(&payload)
    }
}

prop_compose! {
    fn iban()(account in "[0-9]{18}") -> String {
        // D is 13 and E is 14; the check digits are 98 minus the remainder.
        let remainder = format!("{account}131400")
            .bytes()
            .fold(0, |remainder, digit| (remainder * 10 + u32::from(digit - b'0')) % 97);
        format!("DE{:02}{account}", 98 - remainder)
    }
}

prop_compose! {
    fn ssn()(area in 1..899_u32, group in 1..=99_u32, serial in 1..=9999_u32) -> String {
        let area = if area == 666 { 667 } else { area };
        format!("{area:03}-{group:02}-{serial:04}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_card_number_gets_out(
        number in card(),
        separator in prop::sample::select(vec!["", " ", "-"]),
        before in "[a-zA-Z :\n]{0,40}",
        after in "[ ,;\n][a-z ]{0,40}",
    ) {
        let written = grouped(&number, 4, separator);
        let output = all_output(&format!("{before} {written}{after}"));
        prop_assert!(output.contains("card-number"), "{written} is not found");
        prop_assert!(!output.contains(&written));
        prop_assert!(!digits(&output).contains(&number));
    }

    #[test]
    fn no_iban_gets_out(
        number in iban(),
        separator in prop::sample::select(vec!["", " "]),
        after in prop::sample::select(vec![".", " and more", " BIC 12", ""]),
    ) {
        let written = grouped(&number, 4, separator);
        let output = all_output(&format!("IBAN: {written}{after}"));
        prop_assert!(output.contains("bank-account"), "{written} is not found");
        prop_assert!(!output.contains(&written));
        prop_assert!(!digits(&output).contains(&digits(&number)));
    }

    #[test]
    fn no_social_security_number_gets_out(number in ssn(), context in "(SSN|ssn:|Social Security Number)? ") {
        let output = all_output(&format!("{context}{number}\n"));
        let printed = ["078-05-1120", "219-09-9999"].contains(&number.as_str());
        prop_assert_eq!(output.contains("us-social-security-number"), !printed);
        prop_assert!(!output.contains(&number));
        prop_assert!(!digits(&output).contains(&digits(&number)));
    }

    #[test]
    fn values_side_by_side_do_not_uncover_each_other(a in card(), b in iban(), c in ssn()) {
        for text in [
            format!("{a} {b} {c}"),
            format!("{c}{a}"),
            format!("ssn {a} card {c}, passport {a}"),
            format!("{} {}", grouped(&a, 4, " "), grouped(&a, 4, " ")),
            format!("password: {a} iban {b} dob {c}"),
            format!("%B{a}^DOE/JANE^29051010000"),
            format!("phone: {a} patient id {a} {b}"),
            format!("write to x@{a}.com or y@{c}.com"),
            format!("{a}@mail.de redis://x:{a}@host national id: {b}"),
        ] {
            let output = all_output(&text);
            for private in [&a, &b, &c] {
                prop_assert!(!output.contains(private.as_str()), "{private} of {text} in {output}");
            }
        }
    }

    #[test]
    fn any_text_is_analysed(text in any::<String>()) {
        all_output(&text);
    }

    #[test]
    fn a_digit_that_is_wrong_is_no_card_and_no_iban(number in card(), account in iban(), at in 4..16_usize, by in 1..10_u8) {
        let changed = |text: &str| -> String {
            text.char_indices()
                .map(|(place, c)| if place == at { char::from(b'0' + (c as u8 - b'0' + by) % 10) } else { c })
                .collect()
        };
        let card = changed(&number);
        prop_assert!(!(identifiers::CARD.valid)(card.as_bytes()));
        let iban = changed(&account);
        prop_assert!(!(identifiers::IBAN.valid)(iban.as_bytes()));
    }
}
