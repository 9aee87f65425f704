//! Checks that a pattern cannot make: check digits, ranges, calendars, and what
//! stands before a match.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::identifiers::{self, luhn};

/// What a pattern matched.
pub(crate) struct Hit<'a> {
    pub(crate) value: &'a str,
    /// Up to 80 bytes before the match.
    pub(crate) before: &'a str,
    /// Whether the match is the value, without a word before it.
    pub(crate) bare: bool,
    /// Up to 16 bytes after the value.
    pub(crate) after: &'a str,
}

/// What the pattern matched is real.
pub(crate) fn anything<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    Some(hit.value)
}

/// Not the end of one number and the beginning of another.
pub(crate) fn standalone<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let mut after = hit.after.chars();
    let joined = matches!(after.next(), Some('-' | '.' | ',' | '/' | ':'))
        && after.next().is_some_and(|next| next.is_ascii_digit());
    (!joined).then_some(hit.value)
}

/// Not denied: no "not", "no", "never", … before it in its sentence.
pub(crate) fn affirmed<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    const DENIALS: [&str; 20] = [
        "no",
        "not",
        "never",
        "without",
        "cannot",
        "don't",
        "doesn't",
        "didn't",
        "isn't",
        "nor",
        "neither",
        "none",
        "free",
        "absence",
        "avoid",
        "prevent",
        "prohibited",
        "prohibits",
        "disable",
        "disabled",
    ];
    let sentence = hit
        .before
        .rsplit(['.', ';', '!', '?'])
        .next()
        .unwrap_or_default();
    let denied = sentence
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .any(|word| {
            DENIALS
                .iter()
                .any(|denial| word.eq_ignore_ascii_case(denial))
        });
    (!denied).then_some(hit.value)
}

/// The number of a card.
pub(crate) fn card<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    (identifiers::CARD.valid)(hit.value.as_bytes()).then_some(hit.value)
}

/// 45 CFR 162.406: Luhn's check digit over the number with the prefix 80840.
pub(crate) fn npi<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let digits: Vec<u8> = format!("80840{}", hit.value)
        .bytes()
        .map(|byte| byte.wrapping_sub(b'0'))
        .collect();
    luhn(&digits).then_some(hit.value)
}

/// 21 CFR 1301: the first, third and fifth digit plus twice the others end in
/// the seventh.
pub(crate) fn dea<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let digits: Vec<u32> = hit.value.chars().filter_map(|c| c.to_digit(10)).collect();
    let [.., a, b, c, d, e, f, check] = digits[..] else {
        return None;
    };
    ((a + c + e + 2 * (b + d + f)) % 10 == check).then_some(hit.value)
}

/// 49 CFR 565.15: the ninth character is the weighted sum modulo 11.
pub(crate) fn vin<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let mut sum = 0;
    for (character, weight) in hit.value.chars().zip(WEIGHTS) {
        let value = match character {
            '0'..='9' => character.to_digit(10)?,
            'A'..='H' => u32::from(character) - u32::from('A') + 1,
            'J'..='R' => u32::from(character) - u32::from('J') + 1,
            'S'..='Z' => u32::from(character) - u32::from('S') + 2,
            _ => return None,
        };
        sum += value * weight;
    }
    let check = char::from_digit(sum % 11, 10).unwrap_or('X');
    (hit.value.chars().nth(8) == Some(check)).then_some(hit.value)
}

/// A number or a mixture, not a word: at least four digits.
pub(crate) fn identifier<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    (digits_of(hit.value).len() >= 4).then_some(hit.value)
}

/// At least five digits, near the beginning: neither a word nor a date.
pub(crate) fn document<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let beginning = hit.value.split([' ', '-']).next()?;
    let number = beginning.len() <= 3 || beginning.contains(|c: char| c.is_ascii_digit());
    (number && digits_of(hit.value).len() >= 5 && date(hit).is_none()).then_some(hit.value)
}

/// As long as numbers are (ITU-T E.164: at most 15 digits), and not a part of
/// something else. Without a word for it or `+`, it is not what the words before
/// say is something else.
pub(crate) fn phone<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let long = (8..=15).contains(&digits_of(hit.value).len());
    let apart = !hit
        .before
        .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '=' | '#'));
    if !long || !apart {
        return None;
    }
    if !hit.bare || hit.value.starts_with('+') {
        return Some(hit.value);
    }
    let joined = hit.before.ends_with(['-', '.', ',', '$', '€', '£', '₹'])
        || hit
            .before
            .trim_end()
            .ends_with(|c: char| c.is_ascii_digit())
        || hit.after.starts_with(['-', '_', '%'])
        || hit
            .after
            .trim_start()
            .starts_with(|c: char| c.is_ascii_digit());
    let other = identifiers::is_something_else(hit.before);
    (!joined && !other).then(|| standalone(hit)).flatten()
}

/// An address of a person: not of a role (RFC 2142 and its kind), not of a
/// domain for examples (RFC 2606).
pub(crate) fn email<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    const ROLES: [&str; 22] = [
        "abuse",
        "accounts",
        "admin",
        "billing",
        "contact",
        "dpo",
        "hello",
        "help",
        "hr",
        "info",
        "legal",
        "marketing",
        "no-reply",
        "noreply",
        "office",
        "postmaster",
        "privacy",
        "sales",
        "security",
        "service",
        "support",
        "webmaster",
    ];
    let (local, domain) = hit.value.split_once('@')?;
    let domain = domain.to_ascii_lowercase();
    let example = ["example.com", "example.net", "example.org"]
        .iter()
        .any(|example| domain == *example || domain.ends_with(&format!(".{example}")))
        || [".example", ".test", ".invalid", ".localhost"]
            .iter()
            .any(|end| domain.ends_with(end));
    let role = ROLES.iter().any(|role| local.eq_ignore_ascii_case(role));
    (!example && !role).then_some(hit.value)
}

/// A public address: neither private nor for documentation, and no version.
pub(crate) fn ip<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let continued = hit.before.ends_with(['.', ':', '-'])
        || matches!(hit.after.as_bytes(), [b'.' | b':', next, ..] if next.is_ascii_hexdigit());
    if continued {
        return None;
    }
    let public = if let Ok(ip) = hit.value.parse::<Ipv4Addr>() {
        let [a, b, ..] = ip.octets();
        let special = a == 0
            || a >= 224
            || (a == 100 && (64..128).contains(&b))
            || (a == 198 && (18..20).contains(&b))
            || ip.is_private()
            || ip.is_loopback()
            || ip.is_link_local()
            || ip.is_documentation();
        let version = ["version", "release", "v.", "section", "§", "ver."]
            .iter()
            .any(|word| ends_with_word(hit.before, word));
        !(special || version)
    } else if let Ok(ip) = hit.value.parse::<Ipv6Addr>() {
        // 2000::/3 is what is given out, 2001:db8::/32 is for documentation.
        let [a, b, ..] = ip.segments();
        a & 0xe000 == 0x2000 && (a, b) != (0x2001, 0xdb8)
    } else {
        false
    };
    public.then_some(hit.value)
}

/// A day of the calendar since 1900.
pub(crate) fn date<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let lower = hit.value.to_ascii_lowercase();
    let numbers: Vec<u32> = lower
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let named = MONTHS.iter().position(|month| lower.contains(month));
    let valid = match (named, &numbers[..]) {
        (Some(month), &[day, year]) => is_day(year, month as u32 + 1, day),
        (None, &[year, month, day]) if year >= 1000 => is_day(year, month, day),
        // Day or month first: people write both.
        (None, &[a, b, year]) => is_day(year, a, b) || is_day(year, b, a),
        _ => false,
    };
    valid.then_some(hit.value)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1900..2100).contains(&year) && (1..=days).contains(&day)
}

/// A key as long as such keys are, and not the one of the manual.
pub(crate) fn token<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let example = hit.value.contains("EXAMPLE") || hit.value.contains("xxxx");
    (hit.value.len() >= 20 && !example && credential(hit).is_some()).then_some(hit.value)
}

/// A password: it has letters and something else, as no placeholder and no word
/// of a sentence has.
pub(crate) fn password<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let value = hit.value.trim_end_matches(['.', ',', ';', ')']);
    let letters = value.contains(|c: char| c.is_alphabetic());
    let others = value.contains(|c: char| !c.is_alphabetic() && !matches!(c, '-' | '_'));
    (letters && others && value.len() >= 6 && credential(hit).is_some()).then_some(value)
}

/// Not a placeholder such as `<password>`, `${PASSWORD}` or `****`.
pub(crate) fn credential<'a>(hit: &Hit<'a>) -> Option<&'a str> {
    let placeholder = hit.value.starts_with(['<', '$', '{', '[', '%', '(', '*'])
        || hit.value.contains("***")
        || hit.value.contains("...")
        || hit.value.contains("xxx");
    (!placeholder).then_some(hit.value)
}

fn digits_of(value: &str) -> String {
    value.chars().filter(char::is_ascii_digit).collect()
}

/// Whether the text ends with the word, and perhaps a space.
fn ends_with_word(text: &str, word: &str) -> bool {
    let text = text.trim_end();
    text.get(text.len().saturating_sub(word.len())..)
        .is_some_and(|end| end.eq_ignore_ascii_case(word))
}
