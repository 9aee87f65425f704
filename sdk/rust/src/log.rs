//! Structured log lines, kept with the job and in Runner's own log.
//!
//! Fields come first, as in `tracing`:
//!
//! ```no_run
//! use runner_sdk::log;
//!
//! log::info!(channel = "email", bytes = 512, "sent to {}", "an**@example.com");
//! ```

use crate::bindings::runner::plugin::log as wit;
use crate::host;

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Steps of interest to the author only.
    Trace,
    /// Details that help to explain a failure.
    Debug,
    /// Normal operation.
    Info,
    /// Unexpected, but handled.
    Warn,
    /// The attempt will probably fail.
    Error,
}

/// Write one line; the macros are the usual way.
pub fn write(level: Level, message: &str, fields: &[(String, String)]) {
    let level = match level {
        Level::Trace => wit::Level::Trace,
        Level::Debug => wit::Level::Debug,
        Level::Info => wit::Level::Info,
        Level::Warn => wit::Level::Warn,
        Level::Error => wit::Level::Error,
    };
    host::log::write(level, message, fields);
}

/// One line at a level: `log!(Info, key = value, "message {}", argument)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $($key:ident = $value:expr,)* $message:literal $(, $argument:expr)* $(,)?) => {
        $crate::log::write(
            $crate::log::Level::$level,
            &::std::format!($message $(, $argument)*),
            &[$((::std::stringify!($key).into(), ::std::string::ToString::to_string(&$value))),*],
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __trace { ($($line:tt)+) => { $crate::__log!(Trace, $($line)+) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __debug { ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __info { ($($line:tt)+) => { $crate::__log!(Info, $($line)+) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __warn { ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __error { ($($line:tt)+) => { $crate::__log!(Error, $($line)+) } }

/// Write a line with details that help to explain a failure.
#[doc(inline)]
pub use __debug as debug;
/// Write a line about what will probably make the attempt fail.
#[doc(inline)]
pub use __error as error;
/// Write a line of normal operation.
#[doc(inline)]
pub use __info as info;
/// Write a line of interest to the author only.
#[doc(inline)]
pub use __trace as trace;
/// Write a line about something unexpected that was handled.
#[doc(inline)]
pub use __warn as warn;

#[cfg(test)]
mod tests {
    use super::Level;
    use crate::{log, testing};

    #[test]
    fn a_line_carries_level_message_and_fields() {
        let host = testing::Host::new();
        let page = 3;
        log::warn!(page = page, file = "a.pdf", "page {page} of {} is empty", 5);
        log::info!("done");
        let lines = host.logs();
        assert_eq!(lines[0].level, Level::Warn);
        assert_eq!(
            lines[0].to_string(),
            "page 3 of 5 is empty page=3 file=a.pdf"
        );
        assert_eq!(lines[1].to_string(), "done");
    }
}
