//! What ended an attempt, in words: the trap, the last thing the guest said on
//! stderr, the frames it was in, the limit it reached and by how much.

use std::fmt::Write;
use std::time::Duration;

use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use super::exit::{self, Verdict};
use super::frames;
use super::report::{self, Report};
use crate::config::{JobSettings, LONGEST_WAIT};
use crate::contract;
use crate::host::{NoResult, State, output};
use crate::outcome::{Cause, Failure, Outcome};
use crate::plugin::Plugin;
use crate::queue::{Attempt, Stop};
use crate::units;
use runner_bindings::runner::plugin::outcome::Failure as Returned;

/// Frames kept of a backtrace: enough to follow the calls, too few to fill Redis.
const FRAMES: usize = 32;
/// Bytes kept of a reason or a frame.
const REASON: usize = 16 << 10;

/// How the call ended.
pub(super) enum Ended {
    /// It returned a value that is JSON.
    Value(Option<String>),
    /// It returned a value that it says is JSON.
    Text(Option<String>),
    /// It returned what cannot be written as JSON; this says where.
    Unwritable(String),
    /// It was not called, because something that it was granted is missing.
    Unready(String),
    /// It returned a failure.
    Returned(Returned),
    /// It is a program that exited with this code.
    Exited(i32),
    /// It trapped, exited, or could not be instantiated.
    Error(wasmtime::Error),
    /// It was stopped while it waited in a host call.
    Stopped(Stop),
}

/// What an ended call means for the job. Reasons and frames are freed of secrets and
/// control characters.
pub(super) fn outcome(
    ended: Ended,
    attempt: &Attempt,
    settings: &JobSettings,
    plugin: &Plugin,
    state: &State,
    output: &[String],
) -> Outcome {
    // A guest that was asked to stop may have trapped on it, or have returned
    // just then; a lost lock overrules whatever it did.
    if attempt.lost() {
        return Outcome::Lost;
    }
    let completed = |value| match value {
        Ok(value) => Outcome::Completed(plugin.grants.redactor.redact_json(value)),
        Err(reason) => retry(failure(state, Cause::Result, reason)),
    };
    match ended {
        Ended::Value(value) => completed(within(value, settings)),
        Ended::Text(value) => completed(within(value, settings).and_then(json)),
        Ended::Unwritable(reason) => completed(Err(reason)),
        Ended::Unready(reason) => retry(failure(state, Cause::Host, reason)),
        Ended::Returned(answer) => returned(answer, state, output),
        Ended::Stopped(why) => stopped(why, attempt, state),
        Ended::Exited(0) => completed(written(state.result(), attempt, settings)),
        Ended::Exited(code) => exited(code, state, output),
        Ended::Error(_) if state.wrote_too_much() => {
            completed(written(Err(NoResult::TooLarge), attempt, settings))
        }
        Ended::Error(error) => match error.downcast_ref() {
            Some(Trap::Interrupt) => {
                let why = attempt.stopped().unwrap_or(Stop::Deadline);
                stopped(why, attempt, state)
            }
            _ => {
                let (cause, mut report) = trap(&error, state, output);
                if report.frames.is_empty() {
                    report.frames = frames::of(&error);
                }
                retry(reported(state, cause, report))
            }
        },
    }
}

fn retry(failure: Failure) -> Outcome {
    Outcome::Retry {
        failure,
        delay: None,
    }
}

fn failure(state: &State, cause: Cause, reason: String) -> Failure {
    Failure {
        cause,
        reason: clean(state, reason),
        frames: Vec::new(),
    }
}

/// A failure with these frames of the guest.
fn framed(failure: Failure, frames: Vec<String>, state: &State) -> Failure {
    let frames = frames::folded(frames, FRAMES).into_iter();
    Failure {
        frames: frames.map(|frame| clean(state, frame)).collect(),
        ..failure
    }
}

/// What a guest's runtime or program said of its end.
fn reported(state: &State, cause: Cause, report: Report) -> Failure {
    framed(failure(state, cause, report.reason), report.frames, state)
}

/// A program exited with a code that is not 0.
fn exited(code: i32, state: &State, output: &[String]) -> Outcome {
    let (mut cause, mut report) = exit::told(code, output);
    let verdict = exit::verdict(code);
    if verdict == Verdict::Failed
        && let Some(asked) = state.memory().refused()
    {
        report.reason = format!("{}; {}", out_of_memory(state, asked), report.reason);
        cause = Cause::Memory;
    }
    let failure = reported(state, cause, report);
    match verdict {
        Verdict::Reject => Outcome::Rejected(failure),
        Verdict::Retry | Verdict::Failed => retry(failure),
    }
}

/// The result that a program has written, if it is one of this queue.
fn written(
    result: Result<Option<String>, NoResult>,
    attempt: &Attempt,
    settings: &JobSettings,
) -> Result<String, String> {
    let value = result.map_err(|why| match why {
        NoResult::TooLarge => format!(
            "the result, on stdout, has more than the {} bytes that this queue stores (max_result)",
            settings.max_result
        ),
        NoResult::NotText(at) => {
            format!("the result, on stdout, is not UTF-8 from byte {at} on; `stdout = \"base64\"` of the plugin takes any")
        }
    })?;
    let value = within(value, settings)?;
    match &settings.contract {
        Some(contract) => contract
            .check_result(&attempt.job.name, &value)
            .map(|()| value),
        None => Ok(value),
    }
}

/// A guest's text as it may be stored and shown: without secrets and control
/// characters, and not too long.
fn clean(state: &State, text: String) -> String {
    let text = state.discreet(text);
    let mut clean = String::new();
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            clean.push('\n');
        }
        output::escape(&mut clean, line);
    }
    clean.truncate(clean.floor_char_boundary(REASON));
    clean
}

/// The handler chose the outcome itself. What its SDK caught and returned, it may have
/// written to stderr as well, with frames.
fn returned(answer: Returned, state: &State, output: &[String]) -> Outcome {
    let delay = |millis| Duration::from_millis(millis).min(LONGEST_WAIT);
    let failure = |reason: String| {
        let report = report::read(output).filter(|report| report.tells(&reason));
        let reason = match state.memory().refused() {
            Some(asked) if report::is_about_memory(&reason) => {
                format!("{}: {reason}", out_of_memory(state, asked))
            }
            _ => reason,
        };
        let frames = report.map(|report| report.frames).unwrap_or_default();
        framed(failure(state, Cause::Returned, reason), frames, state)
    };
    match answer {
        Returned::Retry(reason) => retry(failure(reason)),
        Returned::RetryAfter((millis, reason)) => Outcome::Retry {
            failure: failure(reason),
            delay: Some(delay(millis)),
        },
        Returned::Reject(reason) => Outcome::Rejected(failure(reason)),
        Returned::Snooze((millis, reason)) => Outcome::Snoozed {
            delay: delay(millis),
            reason: clean(state, reason),
        },
        Returned::WaitChildren => Outcome::WaitingChildren,
        Returned::RateLimit((millis, reason)) => Outcome::RateLimited {
            delay: delay(millis),
            reason: clean(state, reason),
        },
    }
}

/// The attempt was stopped from outside.
fn stopped(why: Stop, attempt: &Attempt, state: &State) -> Outcome {
    match why {
        Stop::Shutdown => Outcome::Released,
        Stop::LockLost | Stop::Removed => Outcome::Lost,
        Stop::Cancelled => {
            let reason = attempt.cancel_reason().to_owned();
            Outcome::Rejected(failure(state, Cause::Cancelled, reason))
        }
        Stop::Deadline => {
            let timeout = units::duration(attempt.timeout);
            let reason = format!("timed out after {timeout}");
            retry(failure(state, Cause::Deadline, reason))
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
fn trap(error: &wasmtime::Error, state: &State, output: &[String]) -> (Cause, Report) {
    let report = report::read(output);
    // It may have been refused memory, gone on, and have ended by something else.
    if let Some(asked) = state.memory().refused()
        && report.as_ref().is_none_or(Report::is_about_memory)
    {
        let reason = out_of_memory(state, asked);
        let frames = report.map(|report| report.frames).unwrap_or_default();
        return (Cause::Memory, Report { reason, frames });
    }
    if let Some(report) = report {
        return (Cause::Panic, report);
    }
    let (cause, reason) = if let Some(exit) = error.downcast_ref::<I32Exit>() {
        // WASI 0.2 passes on no more than whether the status was 0.
        let how = if exit.0 == 0 { "" } else { " with an error" };
        let reason = format!("the plugin exited{how}; a handler returns its result or a failure");
        (Cause::Exit, reason)
    } else if let Some(trap) = error.downcast_ref::<Trap>() {
        (Cause::Trap, trapped(*trap, error, output))
    } else {
        let reason = format!("the plugin was stopped: {}", error.root_cause());
        (Cause::Trap, reason)
    };
    (cause, Report::of(with_output(reason, output)))
}

/// What a trap means for the author of a plugin.
fn trapped(trap: Trap, error: &wasmtime::Error, output: &[String]) -> String {
    match trap {
        Trap::StackOverflow => "the plugin used up its stack: recursion without end?".into(),
        Trap::UnreachableCodeReached => match output {
            [] => "the plugin aborted and wrote no reason".into(),
            _ => "the plugin aborted".into(),
        },
        // Of C and Rust: their own stack is in their memory.
        Trap::MemoryOutOfBounds if frames::recur(&frames::of(error)) => {
            "the plugin used up its own stack: recursion without end?".into()
        }
        Trap::MemoryOutOfBounds => "memory access out of bounds: a bug in unsafe code".into(),
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
            "the plugin called a function pointer that is none of its functions of that type".into()
        }
        other => format!(
            "the plugin trapped: {}",
            other.to_string().trim_start_matches("wasm trap: ")
        ),
    }
}

fn out_of_memory(state: &State, asked: usize) -> String {
    format!(
        "memory limit of {} reached (asked for {})",
        units::size(state.memory().max() as u64),
        units::rough_size(asked as u64)
    )
}

fn with_output(mut reason: String, output: &[String]) -> String {
    if let Some(last) = output.iter().rfind(|line| !line.trim().is_empty()) {
        let _ = write!(reason, "; it last wrote {last:?}");
    }
    reason
}
