//! What ended an attempt, in words: the trap, the last thing the guest said on
//! stderr, the frames it was in, the limit it hit and by how much.

use std::fmt::Write;
use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::report::{self, Report};
use crate::config::{JobSettings, LONGEST_WAIT};
use crate::contract;
use crate::host::bindings::runner::plugin::outcome::Failure as Returned;
use crate::host::limits::Memory;
use crate::host::{State, output};
use crate::outcome::{Cause, Failure, Outcome};
use crate::plugin::Plugin;
use crate::printable;
use crate::queue::{Attempt, Stop};
use crate::units;

/// Frames kept of a backtrace: enough to see the way, too few to fill Redis.
const FRAMES: usize = 32;
/// Bytes of a reason.
const REASON: usize = 16 << 10;

/// How the call ended.
pub(super) enum Ended {
    /// It returned a value, JSON.
    Value(Option<String>),
    /// It returned a value that it says is JSON.
    Text(Option<String>),
    /// It returned what cannot be written as JSON, with the place.
    Unwritable(String),
    /// It was not called, because something it was granted is not there.
    Unready(String),
    /// It returned a failure.
    Returned(Returned),
    /// It trapped, exited, or could not be instantiated.
    Error(wasmtime::Error),
    /// It was stopped while it waited in a host call.
    Stopped(Stop),
}

pub(super) fn outcome(
    ended: Ended,
    attempt: &Attempt,
    settings: &JobSettings,
    plugin: &Plugin,
    state: &State,
    output: &[String],
) -> Outcome {
    let clean = |reason: String| {
        let reason = state.discreet(reason);
        let mut text = String::new();
        for (at, line) in reason.lines().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            output::escape(&mut text, line);
        }
        text.truncate(text.floor_char_boundary(REASON));
        text
    };
    let failure = |cause, reason, frames: Vec<String>| Failure {
        cause,
        reason: clean(reason),
        frames: frames.into_iter().map(clean).collect(),
    };
    let unwritable = |reason| Outcome::Retry {
        failure: failure(Cause::Result, reason, Vec::new()),
        delay: None,
    };
    // A guest that was asked to stop may have trapped on it, or have returned
    // just then; a lost lock overrules whatever it did.
    if attempt.lost() {
        return Outcome::Lost;
    }
    match ended {
        Ended::Value(value) => match within(value, settings) {
            Ok(value) => Outcome::Completed(plugin.grants.redactor.redact_json(value)),
            Err(reason) => unwritable(reason),
        },
        Ended::Text(value) => match within(value, settings).and_then(json) {
            Ok(value) => Outcome::Completed(plugin.grants.redactor.redact_json(value)),
            Err(reason) => unwritable(reason),
        },
        Ended::Unwritable(reason) => unwritable(reason),
        Ended::Unready(reason) => Outcome::Retry {
            failure: failure(Cause::Host, reason, Vec::new()),
            delay: None,
        },
        Ended::Returned(returned) => match returned {
            Returned::Retry(reason) => Outcome::Retry {
                failure: failure(Cause::Returned, reason, Vec::new()),
                delay: None,
            },
            Returned::RetryAfter((millis, reason)) => Outcome::Retry {
                failure: failure(Cause::Returned, reason, Vec::new()),
                delay: Some(Duration::from_millis(millis).min(LONGEST_WAIT)),
            },
            Returned::Reject(reason) => {
                Outcome::Rejected(failure(Cause::Returned, reason, Vec::new()))
            }
            Returned::Snooze((millis, reason)) => Outcome::Snoozed {
                delay: Duration::from_millis(millis).min(LONGEST_WAIT),
                reason: clean(reason),
            },
            Returned::WaitChildren => Outcome::WaitingChildren,
            Returned::RateLimit((millis, reason)) => Outcome::RateLimited {
                delay: Duration::from_millis(millis).min(LONGEST_WAIT),
                reason: clean(reason),
            },
        },
        Ended::Stopped(why) => stopped(why, attempt, &failure),
        Ended::Error(error) => {
            if matches!(error.downcast_ref(), Some(Trap::Interrupt)) {
                let why = attempt.stopped().unwrap_or(Stop::Deadline);
                return stopped(why, attempt, &failure);
            }
            let (cause, report) = trap(&error, settings, state.memory(), output);
            let mut own = report.frames;
            if own.is_empty() {
                own = frames(&error);
            }
            own.truncate(FRAMES);
            Outcome::Retry {
                failure: failure(cause, report.reason, own),
                delay: None,
            }
        }
    }
}

fn stopped(
    why: Stop,
    attempt: &Attempt,
    failure: &dyn Fn(Cause, String, Vec<String>) -> Failure,
) -> Outcome {
    match why {
        Stop::Shutdown => Outcome::Released,
        Stop::LockLost | Stop::Removed => Outcome::Lost,
        Stop::Cancelled => {
            let reason = attempt.cancel_reason().to_owned();
            Outcome::Rejected(failure(Cause::Cancelled, reason, Vec::new()))
        }
        Stop::Deadline => {
            let timeout = units::duration(attempt.timeout);
            let reason = format!("timed out after {timeout}");
            Outcome::Retry {
                failure: failure(Cause::Deadline, reason, Vec::new()),
                delay: None,
            }
        }
    }
}

/// The result within its limit.
fn within(value: Option<String>, settings: &JobSettings) -> Result<String, String> {
    let value = value.unwrap_or_else(|| "null".into());
    if value.len() > settings.max_result {
        return Err(format!(
            "the result has {} bytes; this queue stores {} (max_result)",
            value.len(),
            settings.max_result
        ));
    }
    match contract::too_deep("result", &value, settings.max_depth) {
        Some(fault) => Err(format!("the result is nested too deep: {fault}")),
        None => Ok(value),
    }
}

/// The result, if it is the JSON it should be.
fn json(value: String) -> Result<String, String> {
    match contract::is_json(&value) {
        Ok(()) => Ok(value),
        Err(fault) => {
            let mut start = value;
            start.truncate(start.floor_char_boundary(64));
            Err(format!("the result {fault}: {start:?}"))
        }
    }
}

/// Why the guest could not go on, with frames if it told them itself.
fn trap(
    error: &wasmtime::Error,
    settings: &JobSettings,
    limits: &Memory,
    output: &[String],
) -> (Cause, Report) {
    let of = |cause, reason| (cause, Report::of(reason));
    if let Some(asked) = limits.refused() {
        let reason = format!(
            "memory limit of {} reached (asked for {})",
            units::size(settings.memory as u64),
            units::rough_size(asked as u64)
        );
        return of(Cause::Memory, reason);
    }
    if let Some(report) = report::read(output) {
        return (Cause::Panic, report);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        // WASI 0.2 passes on no more than whether the status was 0.
        let how = if exit.0 == 0 { "" } else { " with an error" };
        let reason = format!("the plugin exited{how}; a handler returns its result or a failure");
        return of(Cause::Exit, with_output(reason, output));
    }
    let Some(trap) = error.downcast_ref::<Trap>() else {
        let reason = format!("the plugin was stopped: {}", error.root_cause());
        return of(Cause::Trap, with_output(reason, output));
    };
    let reason = match trap {
        Trap::StackOverflow => "the plugin used up its stack: recursion without end?".into(),
        Trap::UnreachableCodeReached => "the plugin aborted (unreachable)".into(),
        // A Rust guest's own stack is at the bottom of its memory.
        Trap::MemoryOutOfBounds => {
            "memory access out of bounds: recursion without end, or a bug in unsafe code".into()
        }
        other => format!("the plugin trapped: {other}"),
    };
    of(Cause::Trap, with_output(reason, output))
}

fn with_output(mut reason: String, output: &[String]) -> String {
    if let Some(last) = output.iter().rfind(|line| !line.trim().is_empty()) {
        let _ = write!(reason, "; it last wrote {last:?}");
    }
    reason
}

/// The guest's frames, innermost first: `otp_sender::send (otp_sender.wasm)`.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let frame = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        // The alternative form leaves out the hash at the end.
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
        None => format!("function {}", frame.func_index()),
    };
    // A name in a component may be any text.
    let frame = |info| printable::inline(&frame(info)).into_owned();
    let mut frames: Vec<String> = backtrace.frames().iter().map(frame).collect();
    let named = frames.iter().any(|name| !name.starts_with("function "));
    // What a panic of Rust does to end itself says nothing about the plugin.
    if let Some(at) = frames
        .iter()
        .rposition(|name| name.starts_with("core::panicking::"))
    {
        frames.drain(..=at);
    }
    // Nor does the way in, which has no names.
    while named
        && frames
            .last()
            .is_some_and(|name| name.starts_with("function "))
    {
        frames.pop();
    }
    frames
}
