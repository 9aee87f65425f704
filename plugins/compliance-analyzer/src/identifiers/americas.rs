//! Numbers of the United States.

use super::digits::digits;
use super::{Groups, Identifier, Label};

/// A social security number that may be given out: not area 000, 666 or 900 and
/// up, group 00 or serial 0000, and not one of the two that were printed in
/// advertisements (SSA, POMS RM 10201.035). It has no check digit.
pub(crate) const SOCIAL_SECURITY: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[3, 2, 4]]),
    valid: social_security,
    cased: false,
    label: Label::Ungrouped(b'-'),
    words: &[
        "ssn",
        "social security",
        "social security number",
        "social security no",
        "sozialversicherungsnummer (usa)",
        "us-sozialversicherungsnummer",
        "numéro de sécurité sociale américain",
        "número de seguro social",
        "número del seguro social",
        "seguro social",
        "सामाजिक सुरक्षा संख्या",
        "सामाजिक सुरक्षा नंबर",
    ],
};

fn social_security(text: &[u8]) -> bool {
    let Some([a, b, c, d, e, rest @ ..]) = digits::<9>(text) else {
        return false;
    };
    let (area, group) = (a * 100 + b * 10 + c, d * 10 + e);
    let given_out = !matches!(area, 0 | 666 | 900..) && group != 0 && rest != [0; 4];
    given_out && !matches!(text, b"078051120" | b"219099999")
}

/// A taxpayer identification number of somebody without a social security
/// number: 9, and a fourth and fifth digit of 50 to 65, 70 to 88, 90 to 92 or 94
/// to 99 (IRS, Internal Revenue Manual 3.21.263). It has no check digit.
pub(crate) const ITIN: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[3, 2, 4]]),
    valid: itin,
    cased: false,
    label: Label::Ungrouped(b'-'),
    words: &[
        "itin",
        "individual taxpayer identification number",
        "taxpayer identification number",
        "us-steuernummer",
        "numéro fiscal américain",
        "número de identificación personal del contribuyente",
        "आईटीआईएन",
    ],
};

fn itin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|[area, _, _, d, e, ..]| {
        area == 9 && matches!(d * 10 + e, 50..=65 | 70..=88 | 90..=92 | 94..=99)
    })
}

/// A Medicare beneficiary identifier: eleven places of digits and letters
/// without S, L, O, I, B and Z (CMS, Understanding the Medicare Beneficiary
/// Identifier Format). It has no check digit.
pub(crate) const MEDICARE_BENEFICIARY: Identifier = Identifier {
    lengths: 11..=11,
    groups: Groups::Of(&[&[4, 3, 4]]),
    valid: medicare_beneficiary,
    cased: false,
    label: Label::Unshaped,
    words: &[
        "mbi",
        "medicare",
        "medicare number",
        "medicare beneficiary identifier",
        "medicare-nummer",
        "numéro medicare",
        "número de medicare",
        "मेडिकेयर",
    ],
};

fn medicare_beneficiary(text: &[u8]) -> bool {
    const PLACES: &[u8; 11] = b"1ax9ax9aa99";
    let letter = |byte: &u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(byte);
    text.len() == PLACES.len()
        && text.iter().zip(PLACES).all(|(byte, place)| match place {
            b'1' => matches!(byte, b'1'..=b'9'),
            b'9' => byte.is_ascii_digit(),
            b'a' => letter(byte),
            _ => byte.is_ascii_digit() || letter(byte),
        })
}
