//! JSON numbers compared exactly, however many digits they have.

use std::cmp::Ordering;

/// `±0.d1d2d3… × 10^scale`, where d1 is not 0; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    digits: Vec<u8>,
    scale: i64,
}

impl Number {
    /// A number as JSON writes it; none for any other text.
    pub(super) fn read(text: &str) -> Option<Number> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, part)) => (whole, part),
            None => (mantissa, ""),
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(part) {
            return None;
        }
        let all: Vec<u8> = whole.bytes().chain(part.bytes()).collect();
        let Some(first) = all.iter().position(|digit| *digit != b'0') else {
            return Some(Number {
                negative: false,
                digits: Vec::new(),
                scale: 0,
            });
        };
        let last = all.iter().rposition(|digit| *digit != b'0')?;
        Some(Number {
            negative,
            digits: all[first..=last].to_vec(),
            scale: whole.len() as i64 - first as i64 + i64::from(power),
        })
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => -1,
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let size = |number: &Number| (number.scale, number.digits.clone());
        self.sign().cmp(&other.sign()).then_with(|| {
            let order = size(self).cmp(&size(other));
            if self.negative {
                order.reverse()
            } else {
                order
            }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_loss() {
        let number = |text: &str| Number::read(text).unwrap();
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("-2", "-1.5"),
            ("-1", "0"),
            ("0", "0.001"),
            ("0.09", "0.1"),
            ("99", "1e2"),
            ("1.2", "1.23"),
            ("-1.23", "-1.2"),
        ] {
            assert_eq!(number(less).cmp(&number(more)), Ordering::Less, "{less}");
            assert_eq!(number(more).cmp(&number(less)), Ordering::Greater, "{less}");
        }
        for (one, same) in [
            ("1", "1.0"),
            ("100", "1E2"),
            ("-0", "0.00"),
            ("0.5", "5e-1"),
        ] {
            assert_eq!(number(one), number(same), "{one}");
        }
        for none in [
            "",
            "-",
            ".5",
            "1.",
            "1e",
            "0x1",
            "1 ",
            "NaN",
            "1_0",
            "1e99999999999",
        ] {
            assert_eq!(Number::read(none), None, "{none}");
        }
    }
}
