//! A panic of our own code is logged and costs at most one attempt. Whoever calls
//! code that must not end its task does it through here. Knows only `outcome`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::outcome::{Cause, Failure, Outcome};

/// Do it. A panic is logged, and its text is the error.
pub(crate) fn caught<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| told(&*panic))
}

/// Log a panic. Returns its text.
pub(crate) fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!("a bug in runner: {text}");
    text.to_owned()
}

/// The outcome of an attempt that ended in a panic.
pub(crate) fn outcome(text: &str) -> Outcome {
    Outcome::Retry {
        failure: Failure {
            cause: Cause::Host,
            reason: format!("internal panic of runner: {text}"),
            frames: Vec::new(),
        },
        delay: None,
    }
}
