//! Numbers of payment cards.

use super::{Groups, Identifier, Label, digits};

/// A number that some scheme gives out, of its length and with its check digit
/// (ISO/IEC 7812-1, annex B): one in sixty numbers of 16 digits passes.
///
/// In fours, as American Express and Diners Club print theirs, or as UnionPay
/// does; the groups that follow may be those of a validity or of the code.
pub(crate) const CARD: Identifier = Identifier {
    lengths: 12..=19,
    groups: Groups::Of(&[
        &[4, 4, 4, 1],
        &[4, 4, 4, 2],
        &[4, 4, 4, 3],
        &[4, 4, 4, 4],
        &[4, 4, 4, 4, 1],
        &[4, 4, 4, 4, 2],
        &[4, 4, 4, 4, 3],
        &[4, 6, 4],
        &[4, 6, 5],
        &[6, 10],
        &[6, 11],
        &[6, 12],
        &[6, 13],
    ]),
    valid,
    cased: false,
    label: Label::Never,
    words: &[],
};

fn valid(text: &[u8]) -> bool {
    let digits: Vec<u8> = text.iter().map(|byte| byte.wrapping_sub(b'0')).collect();
    digits.iter().all(|digit| *digit < 10) && scheme_has(&digits) && digits::luhn(&digits)
}

/// Whether a card scheme gives out numbers with this prefix and length: the
/// ranges that the schemes tell acquirers.
pub(super) fn scheme_has(digits: &[u8]) -> bool {
    let Some(prefix) = digits.get(..4) else {
        return false;
    };
    let prefix = prefix
        .iter()
        .fold(0_u32, |prefix, &digit| prefix * 10 + u32::from(digit));
    let length = digits.len();
    match prefix {
        4000..=4999 => matches!(length, 13 | 16 | 19), // Visa
        5100..=5599 | 2221..=2720 => length == 16,     // Mastercard
        3400..=3499 | 3700..=3799 => length == 15,     // American Express
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length), // Diners Club
        6011 | 6440..=6599 => (16..=19).contains(&length), // Discover
        3528..=3589 => (16..=19).contains(&length),    // JCB
        6200..=6299 => (16..=19).contains(&length),    // UnionPay
        2200..=2204 => (16..=19).contains(&length),    // Mir
        5080..=5089 | 6060..=6089 | 8100..=8299 => length == 16, // RuPay
        5018 | 5020 | 5038 | 5893 | 6304 | 6759..=6763 => (12..=19).contains(&length), // Maestro
        _ => false,
    }
}
