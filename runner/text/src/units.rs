//! Durations, sizes and counts as people read and write them: `1h30m`, `64MiB`,
//! `12 jobs`. There is one way for each, that of `queues.toml`, so that what a
//! message says can be pasted into the file.
//!
//! Any module may use it.

use std::time::Duration;

/// From small to large, in milliseconds.
const TIME: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// In the order in which they are tried: binary units first, as Runner's own
/// limits are powers of two.
const SIZE: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Read `30s` or `1h30m`. Spaces are allowed, each unit at most once.
pub fn read_duration(text: &str) -> Option<Duration> {
    sum(text, &TIME).map(Duration::from_millis)
}

/// Read `64MiB` or `10kB`, in bytes.
pub fn read_size(text: &str) -> Option<u64> {
    sum(text, &SIZE)
}

fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut used = Vec::new();
    let mut sum: u64 = 0;
    while !rest.is_empty() || used.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (_, factor) = units.iter().find(|(unit, _)| *unit == &rest[..letters])?;
        if used.contains(factor) {
            return None;
        }
        used.push(*factor);
        sum = sum.checked_add(number.checked_mul(*factor)?)?;
        rest = rest[letters..].trim_start();
    }
    Some(sum)
}

/// To the millisecond: `1h30m`, `2s250ms`.
pub fn duration(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    let mut shown = String::new();
    for (unit, factor) in TIME.into_iter().rev() {
        let n = millis / u128::from(factor);
        millis %= u128::from(factor);
        if n > 0 {
            shown.push_str(&format!("{n}{unit}"));
        }
    }
    match shown.is_empty() {
        true => "0s".to_owned(),
        false => shown,
    }
}

/// Its two largest units, to the second: `3d4h`, `1m30s`.
pub fn rough_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let finest = match seconds {
        0..3_600 => 1,
        3_600..86_400 => 60,
        _ => 3_600,
    };
    duration(Duration::from_secs(seconds - seconds % finest))
}

/// Exactly, in the largest unit that divides it: `64MiB`, `1500B`.
pub fn size(bytes: u64) -> String {
    let divides = |unit: u64| bytes >= unit && bytes.is_multiple_of(unit);
    match SIZE.iter().find(|(_, unit)| divides(*unit)) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => "0B".to_owned(),
    }
}

/// To a tenth of a binary unit: `1.4MiB`, `312B`.
pub fn rough_size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut name = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        name = next;
    }
    let tenths = format!("{value:.1}");
    format!("{}{name}", tenths.trim_end_matches(".0"))
}

/// A number of things, for nouns that take an `s`: `1 job`, `12 jobs`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_shown_as_they_are_read() {
        for text in ["0s", "1ms", "30s", "1m30s", "1h", "7d", "1d2h3m4s5ms"] {
            assert_eq!(duration(read_duration(text).unwrap()), text);
        }
        for text in ["0B", "1B", "1500B", "64MiB", "5KiB", "2GiB", "3MB", "10kB"] {
            assert_eq!(size(read_size(text).unwrap()), text);
        }
        assert_eq!(read_duration(" 1h 30 m "), read_duration("90m"));
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "s",
            "5",
            "1s1s",
            "-1s",
            "1.5s",
            "1 fortnight",
            "99999999999999999999s",
        ] {
            assert_eq!(read_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_rough_is_short() {
        for (seconds, text) in [
            (0.9, "0s"),
            (62.5, "1m2s"),
            (3661.0, "1h1m"),
            (86402.0, "1d"),
        ] {
            assert_eq!(rough_duration(Duration::from_secs_f64(seconds)), text);
        }
        for (bytes, text) in [(312, "312B"), (1_500_000, "1.4MiB"), (64 << 20, "64MiB")] {
            assert_eq!(rough_size(bytes), text);
        }
    }

    #[test]
    fn one_is_singular() {
        let counts = [0, 1, 12].map(|n| count(n, "job"));
        assert_eq!(counts, ["0 jobs", "1 job", "12 jobs"]);
    }
}
