//! The kinds of values of `queues.toml`: how each is written, and what is said
//! when it is not. The same functions read the environment, where everything is
//! text.

use std::num::NonZeroUsize;
use std::time::Duration;

use toml::de::DeValue;

use super::problem::mask_passwords;
use super::problem::nearest;
use runner_text::units;

/// A value as written.
#[derive(Clone, Copy)]
pub(super) enum Raw<'a> {
    /// In the file.
    Toml(&'a DeValue<'a>),
    /// In the environment or a flag.
    Text(&'a str),
}

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Follows the name of the setting: `must be a duration`.
    pub message: String,
    /// The way out, short enough to stand beside the caret.
    pub hint: String,
}

pub(super) fn fault(message: impl Into<String>, hint: impl Into<String>) -> Fault {
    Fault {
        message: message.into(),
        hint: hint.into(),
    }
}

impl<'a> Raw<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Text(text) => Some(text),
        }
    }

    fn integer(self) -> Option<i64> {
        match self {
            Self::Toml(value) => value
                .as_integer()
                .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok()),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }

    /// What is there, for `found …`.
    fn found(self) -> String {
        match self {
            Self::Toml(DeValue::String(text)) => format!("{:?}", mask_passwords(text)),
            Self::Toml(DeValue::Integer(n)) => format!("the number {}", n.as_str()),
            Self::Toml(DeValue::Float(n)) => format!("the number {}", n.as_str()),
            Self::Toml(DeValue::Boolean(b)) => format!("{b}"),
            Self::Toml(DeValue::Datetime(_)) => "a date".to_owned(),
            Self::Toml(DeValue::Array(_)) => "a list".to_owned(),
            Self::Toml(DeValue::Table(_)) => "a table".to_owned(),
            Self::Text(text) => format!("{:?}", mask_passwords(text)),
        }
    }

    /// In the file a number in quotes is a string.
    fn unquoted(self, hint: &str) -> String {
        match self {
            Self::Toml(_) => format!("{hint}, without quotes"),
            Self::Text(_) => hint.to_owned(),
        }
    }

    /// It is something else than what it must be.
    pub(super) fn is_not(self, what: &str, hint: impl Into<String>) -> Fault {
        fault(format!("must be {what}, found {}", self.found()), hint)
    }
}

/// Text, not empty.
pub(super) fn text(raw: Raw<'_>) -> Result<String, Fault> {
    match raw.text() {
        Some("") => Err(fault(
            "must not be empty",
            "write a value or remove the key",
        )),
        Some(text) => Ok(text.to_owned()),
        None => Err(raw.is_not("a string", "write it in quotes")),
    }
}

/// `true` or `false`; in the environment also `1` and `0`.
pub(super) fn boolean(raw: Raw<'_>) -> Result<bool, Fault> {
    let found = match raw {
        Raw::Toml(value) => value.as_bool(),
        Raw::Text("true" | "1") => Some(true),
        Raw::Text("false" | "0") => Some(false),
        Raw::Text(_) => None,
    };
    found.ok_or_else(|| raw.is_not("true or false", raw.unquoted("write true or false")))
}

/// A whole number, 0 or more.
pub(super) fn count(raw: Raw<'_>) -> Result<u32, Fault> {
    raw.integer()
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| raw.is_not("a whole number", raw.unquoted("write a number such as 5")))
}

/// A whole number, 1 or more.
pub(super) fn positive(raw: Raw<'_>) -> Result<NonZeroUsize, Fault> {
    match count(raw)? {
        0 => Err(fault("must be at least 1", "write 1 or more")),
        n => Ok(NonZeroUsize::MIN.saturating_add(n as usize - 1)),
    }
}

/// As [`count`], 1 or more.
pub(super) fn at_least_one(raw: Raw<'_>) -> Result<u32, Fault> {
    match count(raw)? {
        0 => Err(fault("must be at least 1", "write 1 or more")),
        n => Ok(n),
    }
}

/// A share from 0 to 1.
pub(super) fn share(raw: Raw<'_>) -> Result<f64, Fault> {
    let number = match raw {
        Raw::Toml(DeValue::Float(n)) => n.as_str().parse().ok(),
        _ => raw.integer().map(|n| n as f64),
    };
    number
        .filter(|n| (0.0..=1.0).contains(n))
        .ok_or_else(|| raw.is_not("a number from 0 to 1", "0.2 makes a fifth of it random"))
}

/// One of these words.
pub(super) fn word<'w>(raw: Raw<'_>, words: &[&'w str]) -> Result<&'w str, Fault> {
    let found = raw.text().unwrap_or_default();
    if let Some(word) = words.iter().find(|word| **word == found) {
        return Ok(word);
    }
    let all = words.join("\" or \"");
    let hint = match nearest(found, words.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write one of these words".to_owned(),
    };
    Err(raw.is_not(&format!("\"{all}\""), hint))
}

/// The pieces of a text with placeholders in braces: what is plain, and what `field`
/// makes of the words in them. `{{` and `}}` are braces as such.
pub(super) fn pieces<T>(
    whole: &str,
    plain: fn(String) -> T,
    field: impl Fn(&str) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = whole;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let inside = after.split_once('}').filter(|_| brace == "{");
        let Some((word, after)) = inside else {
            return Err(fault(
                format!("has a `{brace}` without its other half"),
                format!("write `{brace}{brace}` for a brace as such"),
            ));
        };
        if !text.is_empty() {
            pieces.push(plain(std::mem::take(&mut text)));
        }
        pieces.push(field(word)?);
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(plain(text));
    }
    Ok(pieces)
}

/// A value of TOML as JSON.
pub(super) fn json(value: &DeValue<'_>) -> Result<serde_json::Value, Fault> {
    let refused = || {
        Raw::Toml(value).is_not(
            "a value that JSON can represent",
            "write a number that fits 64 bits",
        )
    };
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(b) => (*b).into(),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_err(|_| refused())?
            .into(),
        DeValue::Float(n) => n
            .as_str()
            .parse()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .ok_or_else(refused)?
            .into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(items) => items
            .iter()
            .map(|item| json(item.get_ref()))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)))
            .collect::<Result<serde_json::Map<_, _>, Fault>>()?
            .into(),
    })
}

/// A year and a bit: what is longer is a slip of the pen.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// `"30s"`, `"1h30m"`; zero is allowed.
pub(super) fn duration(raw: Raw<'_>) -> Result<Duration, Fault> {
    let what = "a duration";
    if let (Raw::Toml(_), Some(n)) = (raw, raw.integer()) {
        return Err(raw.is_not(
            what,
            format!("write \"{n}s\" for seconds or \"{n}ms\" for milliseconds"),
        ));
    }
    let hint = "write numbers with the unit ms, s, m, h or d: \"30s\", \"1h30m\"";
    let duration = raw
        .text()
        .and_then(units::read_duration)
        .ok_or_else(|| raw.is_not(what, hint))?;
    if duration > LONGEST {
        return Err(fault("must be at most 400 days", "write less"));
    }
    Ok(duration)
}

/// As [`duration`], more than zero.
pub(super) fn duration_above_zero(raw: Raw<'_>) -> Result<Duration, Fault> {
    match duration(raw)? {
        Duration::ZERO => Err(fault("must be more than zero", "write \"1ms\" or more")),
        duration => Ok(duration),
    }
}

/// As [`duration`], in whole seconds, as BullMQ keeps ages.
pub(super) fn seconds(raw: Raw<'_>) -> Result<u64, Fault> {
    let duration = duration_above_zero(raw)?;
    if duration.subsec_nanos() > 0 {
        return Err(fault(
            "must be whole seconds",
            "BullMQ keeps ages in seconds",
        ));
    }
    Ok(duration.as_secs())
}

/// Redis strings end at 512 MiB (`proto-max-bulk-len`).
pub(super) const LARGEST_STRING: usize = 512 << 20;
/// What 32-bit linear memory can address.
pub(super) const LARGEST_MEMORY: usize = 4 << 30;

/// What a disk may have for one job.
pub(super) const LARGEST_SCRATCH: usize = 1 << 40;

/// `"64MiB"` in bytes, more than zero and at most `max`.
pub(super) fn size(raw: Raw<'_>, max: usize) -> Result<usize, Fault> {
    let what = "a size";
    if let (Raw::Toml(_), Some(n)) = (raw, raw.integer()) {
        return Err(raw.is_not(what, format!("write \"{n}MiB\", or \"{n}B\" for bytes")));
    }
    let hint = "write a number with the unit B, KiB, MiB, GiB, kB, MB or GB: \"64MiB\"";
    let bytes = raw
        .text()
        .and_then(units::read_size)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| raw.is_not(what, hint))?;
    if bytes == 0 || bytes > max {
        let most = units::size(max as u64);
        return Err(fault(
            format!("must be more than zero and at most {most}"),
            format!("write \"1B\" to \"{most}\""),
        ));
    }
    Ok(bytes)
}
