//! What the end of a program means: its exit code, by the conventions of sysexits.h,
//! and what it wrote to stderr last.

use super::report::{self, Report};
use crate::outcome::Cause;

/// Lines of stderr in a reason.
const LINES: usize = 5;

/// What a code that is not 0 asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The program says that another attempt may do.
    Retry,
    /// The program says that no attempt will do.
    Reject,
    /// It failed.
    Failed,
}

/// The verdict of a code.
pub(super) fn verdict(code: i32) -> Verdict {
    match named(code) {
        Some((verdict, _)) => verdict,
        None => Verdict::Failed,
    }
}

/// The codes of sysexits.h that say whose fault it is.
fn named(code: i32) -> Option<(Verdict, &'static str)> {
    Some(match code {
        64 => (Verdict::Reject, "usage"),
        65 => (Verdict::Reject, "data"),
        66 => (Verdict::Reject, "input"),
        75 => (Verdict::Retry, "temporary failure"),
        77 => (Verdict::Reject, "permission"),
        78 => (Verdict::Reject, "configuration"),
        _ => return None,
    })
}

/// The code with what the program wrote last, in words.
pub(super) fn told(code: i32, output: &[String]) -> (Cause, Report) {
    let verdict = named(code);
    let what = match verdict {
        Some((_, name)) => format!("exit code {code} ({name})"),
        None => format!("exit code {code}"),
    };
    if verdict.is_none()
        && let Some(report) = report::read(output)
    {
        let reason = format!("{} ({what})", report.reason);
        return (Cause::Panic, Report { reason, ..report });
    }
    let lines: Vec<&str> = output.iter().map(|line| line.trim_end()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let reason = match last {
        [] => format!("{what}; the program wrote nothing to stderr"),
        lines => format!("{what}: {}", lines.join("\n")),
    };
    let cause = match verdict {
        Some(_) => Cause::Returned,
        None => Cause::Exit,
    };
    (cause, Report::of(reason))
}
