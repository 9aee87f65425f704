//! Numbers of India, Singapore and Australia.

use super::digits::{digits, verhoeff, weighted};
use super::{Groups, Identifier, Label};

/// A number of India's residents: twelve digits that begin with 2 to 9, the last
/// one Verhoeff's (UIDAI, Aadhaar Technology & Architecture; UIDAI, FAQ on the
/// random number). One in ten numbers passes.
pub(crate) const AADHAAR: Identifier = Identifier {
    lengths: 12..=12,
    groups: Groups::Fours,
    valid: aadhaar,
    cased: false,
    label: Label::Always,
    words: &[
        "aadhaar",
        "aadhar",
        "adhaar",
        "adhar",
        "uid",
        "uidai",
        "uid number",
        "आधार",
        "आधार संख्या",
        "आधार नंबर",
        "आधार कार्ड",
    ],
};

fn aadhaar(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|digits| digits[0] >= 2 && verhoeff(&digits))
}

/// A permanent account number of India's taxpayers: five letters, of which the
/// fourth is the kind of the holder, four digits that are not 0000, and a letter
/// (Income Tax Department, Know your PAN). How the last letter is computed is
/// not published.
pub(crate) const PAN: Identifier = Identifier {
    lengths: 10..=10,
    groups: Groups::Of(&[&[5, 4, 1]]),
    valid: pan,
    cased: false,
    label: Label::Unshaped,
    words: &[
        "pan",
        "pan card",
        "pan number",
        "permanent account number",
        "indische steuernummer",
        "numéro pan",
        "número pan",
        "पैन",
        "पैन कार्ड",
        "पैन नंबर",
        "स्थायी खाता संख्या",
    ],
};

fn pan(text: &[u8]) -> bool {
    let [head @ .., b5, d1, d2, d3, d4, last] = text else {
        return false;
    };
    let number = [*d1, *d2, *d3, *d4];
    head.len() == 4
        && head.iter().chain([b5, last]).all(u8::is_ascii_uppercase)
        && b"ABCFGHJKLPT".contains(&head[3])
        && number.iter().all(u8::is_ascii_digit)
        && number != *b"0000"
}

/// A number of Singapore's identity cards and of foreigners there: S, T, F, G or
/// M, seven digits, and the letter of their sum with the weights 2, 7, 6, 5, 4,
/// 3, 2 (the Immigration & Checkpoints Authority gives the format; the letters
/// are those of Ngiam Shih Tung, "Unique identification in Singapore", and of
/// the M series of 2022).
pub(crate) const NRIC: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[1, 7, 1]]),
    valid: nric,
    cased: false,
    label: Label::Unshaped,
    words: &[
        "nric",
        "fin",
        "nric number",
        "ic number",
        "ic no",
        "singapurische ausweisnummer",
        "numéro nric",
        "número nric",
        "एनआरआईसी",
    ],
};

fn nric(text: &[u8]) -> bool {
    let [series, number @ .., check] = text else {
        return false;
    };
    let Some(digits) = digits::<7>(number) else {
        return false;
    };
    let sum = weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, offset): (&[u8; 11], u32) = match series {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    letters[((sum + offset) % 11) as usize] == *check
}

/// A tax file number of Australia: nine digits with the weights 1, 4, 3, 7, 5, 8,
/// 6, 9, 10, or eight of older companies with 10, 7, 8, 4, 6, 3, 5, 1, and a sum
/// that 11 divides (Australian Taxation Office, TFN algorithm for developers).
/// One in eleven numbers passes.
pub(crate) const TFN: Identifier = Identifier {
    lengths: 8..=9,
    groups: Groups::Of(&[&[3, 3, 3], &[3, 3, 2], &[2, 3, 3]]),
    valid: tfn,
    cased: false,
    label: Label::Always,
    words: &[
        "tfn",
        "tax file number",
        "tax file no",
        "australische steuernummer",
        "numéro fiscal australien",
        "número de expediente tributario",
        "टैक्स फाइल नंबर",
        "टीएफएन",
    ],
};

fn tfn(text: &[u8]) -> bool {
    let sum = match text.len() {
        9 => digits::<9>(text).map(|digits| weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10])),
        _ => digits::<8>(text).map(|digits| weighted(&digits, &[10, 7, 8, 4, 6, 3, 5, 1])),
    };
    sum.is_some_and(|sum| sum != 0 && sum.is_multiple_of(11))
}
