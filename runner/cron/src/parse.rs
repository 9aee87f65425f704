//! From the text of a pattern to its values.

use std::fmt;

use super::Cron;

/// What a macro stands for.
const MACROS: [(&str, &str); 10] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
    ("@minutely", "0 * * * * *"),
    ("@secondly", "* * * * * *"),
    ("@weekdays", "0 0 0 * * 1-5"),
    ("@weekends", "0 0 0 * * 0,6"),
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Days of each month, with the leap day.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What one field of a pattern may say.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Words for its values, from `least` on.
    words: &'static [&'static str],
    /// Whether `L` stands for the last one.
    last: bool,
}

const FIELDS: [Field; 6] = [
    field("second", 0, 59),
    field("minute", 0, 59),
    field("hour", 0, 23),
    Field {
        last: true,
        ..field("day of month", 1, 31)
    },
    Field {
        words: &MONTHS,
        ..field("month", 1, 12)
    },
    Field {
        words: &WEEKDAYS,
        last: true,
        ..field("day of week", 0, 7)
    },
];

const fn field(name: &'static str, least: u32, most: u32) -> Field {
    Field {
        name,
        least,
        most,
        words: &[],
        last: false,
    }
}

/// Why a text is no pattern: which field, and what it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// The values of one field, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Values {
    pub(super) bits: u64,
    /// `*` or `?`, and nothing else.
    pub(super) any: bool,
    /// `L`: the last day of the month; or of these weekdays the last in it.
    pub(super) last: bool,
    pub(super) last_of: u64,
}

impl Values {
    pub(super) fn has(self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }

    /// The first value from this one on.
    pub(super) fn from(self, value: u32) -> Option<u32> {
        let rest = self.bits.checked_shr(value).unwrap_or(0);
        (rest != 0).then(|| value + rest.trailing_zeros())
    }

    pub(super) fn first(self) -> u32 {
        self.bits.trailing_zeros()
    }
}

impl Cron {
    /// Read a pattern of up to 6 fields, or a macro. Of fewer than 6 those from
    /// the left are left out: seconds are 0, others any.
    ///
    /// # Errors
    /// With the field and what it may be.
    pub fn parse(pattern: &str) -> Result<Cron, Error> {
        let wrong = |reason: String| Err(Error(reason));
        let text = match MACROS.iter().find(|(name, _)| *name == pattern) {
            Some((_, text)) => text,
            None if pattern.trim_start().starts_with('@') => {
                let names: Vec<&str> = MACROS.iter().map(|(name, _)| *name).collect();
                return wrong(format!("macros are {}", names.join(", ")));
            }
            None => pattern,
        };
        let written: Vec<&str> = text.split_whitespace().collect();
        if written.is_empty() || written.len() > 6 {
            return wrong(format!(
                "{} fields; write 5, or 6 with seconds",
                written.len()
            ));
        }
        let defaults = ["0", "*", "*", "*", "*", "*"];
        let mut fields = defaults[..6 - written.len()].to_vec();
        fields.extend(&written);
        let (weekday, nth) = nth_weekday(fields[5])?;
        let read = |at: usize| values(&FIELDS[at], fields[at]);
        let cron = Cron {
            second: read(0)?,
            minute: read(1)?,
            hour: read(2)?,
            day: read(3)?,
            month: read(4)?,
            weekday: values(&FIELDS[5], weekday)?.weekdays(fields[5]),
            nth,
            fields: written.len(),
        };
        cron.check_day()?;
        Ok(cron)
    }

    /// A day that no such month has.
    fn check_day(&self) -> Result<(), Error> {
        let one = self.month.bits.count_ones() == 1;
        let month = self.month.first();
        if one && !self.day.last && self.day.first() > DAYS[month as usize - 1] {
            return Err(Error(format!(
                "the day of month {} is not in the month {}",
                self.day.first(),
                MONTHS[month as usize - 1]
            )));
        }
        Ok(())
    }
}

/// `5#3`: the weekday, and its number in the month.
fn nth_weekday(text: &str) -> Result<(&str, Option<u32>), Error> {
    let Some((weekday, nth)) = text.split_once('#') else {
        return Ok((text, None));
    };
    let number = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
    match number {
        Some(nth) if !weekday.contains(['-', ',', '/']) => Ok((weekday, Some(nth))),
        _ => Err(refused(&FIELDS[5], text, "5#3 is the third Friday")),
    }
}

fn refused(field: &Field, text: &str, reason: impl fmt::Display) -> Error {
    Error(format!("the {} is {text:?}: {reason}", field.name))
}

/// The values that a field names.
fn values(field: &Field, text: &str) -> Result<Values, Error> {
    let wrong = |reason: String| refused(field, text, reason);
    let range = || match field.words {
        [] => format!("it may be {} to {}", field.least, field.most),
        [first, .., last] => format!(
            "it may be {} to {}, or {first} to {last}",
            field.least, field.most
        ),
        [_] => unreachable!("a field has no words or many"),
    };
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let word = field.words.iter().position(|word| *word == lower);
        word.map(|at| at as u32 + field.least)
            .or_else(|| text.parse().ok())
            .filter(|n| (field.least..=field.most).contains(n))
            .ok_or_else(|| wrong(range()))
    };
    let mut found = Values {
        any: matches!(text, "*" | "?"),
        ..Values::default()
    };
    for part in text.split(',') {
        if let Some(weekday) = part.strip_suffix('L').filter(|_| field.last) {
            found.last = true;
            match (weekday, field.words) {
                ("", []) => {}
                ("", _) => return Err(wrong("5L is the last Friday".to_owned())),
                (_, []) => return Err(wrong("L is the last day".to_owned())),
                (weekday, _) => found.last_of |= 1 << (number(weekday)? % 7),
            }
            continue;
        }
        let (span, step) = match part.split_once('/') {
            None => (part, None),
            Some((span, step)) => {
                let step: Option<u32> = step.parse().ok().filter(|step| *step > 0);
                (
                    span,
                    Some(step.ok_or_else(|| wrong("a step is 1 or more".to_owned()))?),
                )
            }
        };
        let (least, most) = match span.split_once('-') {
            _ if matches!(span, "*" | "?") => (field.least, field.most),
            Some((least, most)) => (number(least)?, number(most)?),
            None if step.is_some() => (number(span)?, field.most),
            None => (number(span)?, number(span)?),
        };
        if least > most {
            return Err(wrong(format!("{least} is more than {most}")));
        }
        for value in (least..=most).step_by(step.unwrap_or(1) as usize) {
            found.bits |= 1 << value;
        }
    }
    Ok(found)
}

impl Values {
    /// Sunday is 0 and 7.
    fn weekdays(mut self, text: &str) -> Self {
        self.any = matches!(text, "*" | "?");
        self.bits = (self.bits | self.bits >> 7) & 0x7f;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pattern: &str) -> String {
        Cron::parse(pattern).unwrap_err().to_string()
    }

    #[test]
    fn a_fault_names_its_field() {
        assert_eq!(
            refusal("61 * * * *"),
            "the minute is \"61\": it may be 0 to 59"
        );
        assert_eq!(
            refusal("* * * foo *"),
            "the month is \"foo\": it may be 1 to 12, or jan to dec"
        );
        assert_eq!(
            refusal("5-2 * * * *"),
            "the minute is \"5-2\": 5 is more than 2"
        );
        assert_eq!(
            refusal("*/0 * * * *"),
            "the minute is \"*/0\": a step is 1 or more"
        );
        assert_eq!(
            refusal("0 0 31 2 *"),
            "the day of month 31 is not in the month feb"
        );
        assert_eq!(
            refusal("* * * * 5#9"),
            "the day of week is \"5#9\": 5#3 is the third Friday"
        );
        assert_eq!(
            refusal("1 2 3 4 5 6 7"),
            "7 fields; write 5, or 6 with seconds"
        );
        assert!(refusal("@fortnightly").starts_with("macros are @yearly, "));
    }
}
