//! Dates and times in Postgres' binary form, as text. Its range, 4713 BC to 294276 AD, and
//! its infinities are beyond what the crates for times hold.

use std::fmt::Write;

/// Days from 0000-03-01 to 2000-01-01, from which Postgres counts.
const EPOCH: i64 = 730_425;
const DAY: i64 = 86_400_000_000;

/// A year, month and day of the proleptic Gregorian calendar, and ` BC` where it is.
fn civil(days: i64) -> (String, &'static str) {
    // From March on, leap days come last. 146 097 days are 400 years.
    let days = days + EPOCH;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year > 0 {
        true => (format!("{year:04}-{month:02}-{day:02}"), ""),
        false => (format!("{:04}-{month:02}-{day:02}", 1 - year), " BC"),
    }
}

/// `23:59:59.123456`, without the zeros at the end of the fraction.
pub(super) fn time(microseconds: i64) -> String {
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
    let mut out = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction != 0 {
        let _ = write!(out, ".{fraction:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
    out
}

pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => {
            let (date, era) = civil(i64::from(days));
            format!("{date}{era}")
        }
    }
}

/// A date and time with `zone` behind it.
pub(super) fn timestamp(microseconds: i64, zone: &str) -> String {
    match microseconds {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            let (date, era) = civil(microseconds.div_euclid(DAY));
            format!("{date}T{}{zone}{era}", time(microseconds.rem_euclid(DAY)))
        }
    }
}

/// `23:59:59+02`, whose zone is in seconds west of Greenwich.
pub(super) fn timetz(microseconds: i64, west: i32) -> String {
    let sign = if west > 0 { '-' } else { '+' };
    let east = west.unsigned_abs();
    let mut out = format!("{}{sign}{:02}", time(microseconds), east / 3600);
    if !east.is_multiple_of(3600) {
        let _ = write!(out, ":{:02}", east / 60 % 60);
    }
    if !east.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", east % 60);
    }
    out
}

/// `1 year 2 mons -3 days +04:05:06.789`, as Postgres writes an interval by itself.
pub(super) fn interval(microseconds: i64, days: i32, months: i32) -> String {
    let mut out = String::new();
    // A part after a negative one shows that it is positive.
    let mut negative = false;
    for (count, one) in [
        (i64::from(months / 12), "year"),
        (i64::from(months % 12), "mon"),
        (i64::from(days), "day"),
    ] {
        if count != 0 {
            let space = if out.is_empty() { "" } else { " " };
            let plus = if negative && count > 0 { "+" } else { "" };
            let many = if count == 1 { "" } else { "s" };
            let _ = write!(out, "{space}{plus}{count} {one}{many}");
            negative = count < 0;
        }
    }
    if microseconds != 0 || out.is_empty() {
        let space = if out.is_empty() { "" } else { " " };
        let sign = match (microseconds < 0, negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        // Of the smallest number there is no positive one.
        let size = i64::try_from(microseconds.unsigned_abs()).unwrap_or(i64::MAX);
        let _ = write!(out, "{space}{sign}{}", time(size));
    }
    out
}
