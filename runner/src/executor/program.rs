//! What a command is called with: its arguments, made of the job.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;

use crate::config::{Argument, Piece, Placeholder, Plugin};
use crate::host::Program;
use crate::queue::{Attempt, request_id};

/// The program of this plugin for this job.
///
/// # Errors
/// What the job lacks, or has that no program can be given.
pub(super) fn of(plugin: &Plugin, attempt: &Attempt) -> Result<Program, String> {
    let job = &attempt.job;
    for (what, text) in [("id", &job.id), ("name", &job.name)] {
        no_nul(text).map_err(|reason| format!("the job's {what}: {reason}"))?;
    }
    let deadline = deadline(attempt);
    let name = plugin.argv0.as_ref().unwrap_or(&plugin.name).clone();
    let mut arguments = vec![name];
    for argument in &plugin.args {
        let told = |reason| format!("the argument {:?}: {reason}", argument.to_string());
        let text = filled(argument, attempt, deadline).map_err(told)?;
        no_nul(&text).map_err(told)?;
        arguments.push(text);
    }
    let told = |reason| format!("`stdin`: {reason}");
    let stdin = plugin.stdin.as_ref();
    let stdin = stdin.map(|text| filled(text, attempt, deadline).map_err(told));
    Ok(Program {
        arguments,
        stdin: stdin.transpose()?,
        deadline,
    })
}

/// Milliseconds since 1970, by the clock that the program sees, too.
fn deadline(attempt: &Attempt) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program compares it with this clock"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let left = attempt.deadline().saturating_duration_since(Instant::now());
    (now.unwrap_or_default() + left).as_millis() as u64
}

fn filled(argument: &Argument, attempt: &Attempt, deadline: u64) -> Result<String, String> {
    let mut text = String::new();
    for piece in &argument.0 {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Placeholder(placeholder) => {
                text.push_str(&value(placeholder, attempt, deadline)?);
            }
        }
    }
    Ok(text)
}

fn value<'a>(
    placeholder: &Placeholder,
    attempt: &'a Attempt,
    deadline: u64,
) -> Result<Cow<'a, str>, String> {
    let job = &attempt.job;
    Ok(match placeholder {
        Placeholder::Id => Cow::from(&job.id),
        Placeholder::Name => Cow::from(&job.name),
        Placeholder::Queue => Cow::from(attempt.queue_name()),
        Placeholder::Attempt => job.attempt().to_string().into(),
        Placeholder::MaxAttempts => job.max_attempts().to_string().into(),
        Placeholder::Deadline => deadline.to_string().into(),
        Placeholder::RequestId { optional } => match request_id(&job.data) {
            Some(id) => id.into(),
            None if *optional => "".into(),
            None => {
                return Err("the payload has no requestId; {requestId?} allows for that".into());
            }
        },
        Placeholder::Data { path, optional } => match found(&job.data, path) {
            Ok(value) => value,
            Err(_) if *optional => "".into(),
            Err(reason) => {
                return Err(format!("{reason}; {{{placeholder}?}} allows for that"));
            }
        },
    })
}

/// A value of the payload: a text as it is, anything else as it is written in JSON, so
/// that numbers stay exact.
fn found<'a>(data: &'a str, path: &[String]) -> Result<Cow<'a, str>, String> {
    let mut value: &RawValue = match serde_json::from_str(data) {
        Ok(value) => value,
        // All of it, whatever it is.
        Err(_) if path.is_empty() => return Ok(data.into()),
        Err(_) => return Err("the payload is not JSON".to_owned()),
    };
    let mut at = "data".to_owned();
    for part in path {
        let next = match value.get().as_bytes().first() {
            Some(b'{') => field(value, part),
            Some(b'[') => item(value, part),
            _ => None,
        };
        at.push('.');
        at.push_str(part);
        value = next.ok_or_else(|| format!("the payload has no {at}"))?;
    }
    match value.get() {
        "null" => Err(format!("{at} of the payload is null")),
        text if text.starts_with('"') => serde_json::from_str(text)
            .map(Cow::Owned)
            .map_err(|error| error.to_string()),
        text => Ok(text.into()),
    }
}

/// The last field of this name, as elsewhere.
fn field<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let mut fields: BTreeMap<Cow<'a, str>, &'a RawValue> =
        serde_json::from_str(object.get()).ok()?;
    fields.remove(name)
}

fn item<'a>(list: &'a RawValue, place: &str) -> Option<&'a RawValue> {
    let place: usize = place.parse().ok()?;
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    items.get(place).copied()
}

fn no_nul(text: &str) -> Result<(), String> {
    match text.contains('\0') {
        true => Err("it has the character U+0000, where a program would stop reading".to_owned()),
        false => Ok(()),
    }
}
