//! Check digits that several issuers use.

/// The digits of a number that has nothing else.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    let text: &[u8; N] = text.try_into().ok()?;
    text.iter()
        .all(u8::is_ascii_digit)
        .then(|| text.map(|byte| u32::from(byte - b'0')))
}

/// The sum of the digits, each times its weight.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum()
}

/// The number that digits write.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// ISO/IEC 7812-1, annex B: the check digit of cards and NPIs.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let digit = u32::from(digit);
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO/IEC 7064, MOD 97-10: letters count as two digits, A as 10.
pub(super) fn modulo_97(characters: impl Iterator<Item = u8>) -> Option<u32> {
    let mut characters = characters;
    characters.try_fold(0, |remainder, byte| {
        let value = char::from(byte).to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((remainder * shift + value) % 97)
    })
}

/// ISO/IEC 7064, MOD 11,10, with the check digit last.
pub(super) fn modulo_11_10(digits: &[u32]) -> bool {
    let Some((check, others)) = digits.split_last() else {
        return false;
    };
    let product = others.iter().fold(10, |product, digit| {
        let sum = match (product + digit) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// J. Verhoeff, Error Detecting Decimal Codes, 1969: the dihedral group of order
/// ten, with the check digit last.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    /// What the digit at each place is replaced by, again and again.
    const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (place, &digit)| {
            let digit = (0..place % 8).fold(digit as usize, |digit, _| PERMUTATION[digit]);
            product(sum, digit)
        });
    sum == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the literature: 236 has the check digit 3.
    #[test]
    fn verhoeff_takes_one_check_digit_of_ten() {
        let fitting: Vec<u32> = (0..10)
            .filter(|&check| verhoeff(&[2, 3, 6, check]))
            .collect();
        assert_eq!(fitting, [3]);
    }

    #[test]
    fn verhoeff_notices_each_wrong_digit_and_each_swap() {
        let number = [2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 6];
        assert!(verhoeff(&number));
        for place in 0..number.len() {
            for by in 1..10 {
                let mut wrong = number;
                wrong[place] = (wrong[place] + by) % 10;
                assert!(!verhoeff(&wrong), "{wrong:?}");
            }
        }
        for place in 1..number.len() {
            let mut swapped = number;
            swapped.swap(place - 1, place);
            assert!(swapped == number || !verhoeff(&swapped), "{swapped:?}");
        }
    }

    #[test]
    fn numbers_with_anything_else_are_none() {
        assert_eq!(number(b"12a"), None);
        assert_eq!(number(b"99999999999999999999"), None);
        assert_eq!(digits::<3>(b"12"), None);
        assert_eq!(digits::<3>(b"12x"), None);
        assert_eq!(modulo_97(b"1-2".iter().copied()), None);
        assert!(!modulo_11_10(&[]));
    }
}
