//! Accounts and the numbers of banks.

use super::digits::{digits, modulo_97, weighted};
use super::{Groups, Identifier, Label};

/// An IBAN (ISO 13616): as long as its country has it in the registry of SWIFT,
/// and 1 modulo 97 (ISO/IEC 7064, MOD 97-10). In capitals or not, in one piece
/// or in fours.
pub(crate) const IBAN: Identifier = Identifier {
    lengths: 15..=33,
    groups: Groups::Fours,
    valid: iban,
    cased: false,
    label: Label::Never,
    words: &[],
};

/// The length of a country's IBANs (ISO 13616 registry).
fn iban_length(country: &[u8]) -> Option<usize> {
    Some(match country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL"
        | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}

fn iban(text: &[u8]) -> bool {
    let Some((head, account)) = text.split_at_checked(4) else {
        return false;
    };
    iban_length(&head[..2]) == Some(text.len())
        && head[2..].iter().all(u8::is_ascii_digit)
        && modulo_97(account.iter().chain(head).copied()) == Some(1)
}

/// A routing transit number of a US bank: the weights 3, 7 and 1, and the
/// districts that are in use (American Bankers Association, Key to Routing
/// Numbers; Regulation CC, 12 CFR 229, appendix A). One in twenty-five numbers
/// passes.
pub(crate) const ROUTING: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[4, 4, 1]]),
    valid: routing,
    cased: false,
    label: Label::Always,
    words: &[
        "aba",
        "routing",
        "routing number",
        "routing no",
        "routing transit number",
        "rtn",
        "bankleitzahl (usa)",
        "us-bankleitzahl",
        "numéro de routage",
        "code de routage",
        "número de ruta",
        "número de enrutamiento",
        "código de ruta",
        "रूटिंग नंबर",
        "रूटिंग संख्या",
    ],
};

fn routing(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else {
        return false;
    };
    let district = digits[0] * 10 + digits[1];
    matches!(district, 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}
