//! The log of an attempt.
//!
//! A line goes to the job's log in Redis and to Runner's own log. Both are read
//! by people on terminals and pages, so control characters are escaped.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use crate::config::Contract;
use crate::host::limits::{Budget, Line};
use crate::printable;
use crate::queue::Attempt;
use crate::redact::Redactor;
use runner_bindings::runner::plugin::log::Level;

/// Bytes of one line; the rest is cut.
const LINE: usize = 8 << 10;

/// The log of one attempt, shared by the interface and the guest's stdout and
/// stderr.
#[derive(Debug, Clone)]
pub struct Log {
    attempt: Arc<Attempt>,
    secrets: Arc<Redactor>,
    contract: Option<Arc<Contract>>,
    /// Takes out the secrets and what is sensitive in the payload. Made with the first
    /// line: most jobs log nothing.
    redactor: Arc<OnceLock<Arc<Redactor>>>,
    request_id: Option<Arc<str>>,
    /// Lines and bytes this attempt may still write. How many lines Redis keeps is
    /// decided by `keepLogs`.
    budget: Arc<Budget>,
}

impl Log {
    /// A log with this budget.
    pub fn new(
        attempt: Arc<Attempt>,
        secrets: Arc<Redactor>,
        contract: Option<Arc<Contract>>,
        request_id: Option<Arc<str>>,
        budget: Arc<Budget>,
    ) -> Log {
        Log {
            attempt,
            secrets,
            contract,
            redactor: Arc::default(),
            request_id,
            budget,
        }
    }

    /// Write a line: `2026-11-23T01:02:03.456Z INFO message key=value`.
    pub fn write(&self, level: Level, message: &str, fields: &[(String, String)]) {
        if self.attempt.lost() {
            return;
        }
        let mut text = String::new();
        match self.budget.line() {
            Line::Dropped => return,
            Line::Last => {
                let max = self.budget.max_lines();
                let _ = write!(
                    text,
                    "this attempt may log {max} lines (max_logs); further lines are dropped"
                );
            }
            Line::Fits => {
                // Redacted first: escaping changes a secret, and cutting leaves
                // the beginning of one.
                let redacted = |text: &str| self.redact(text.to_owned());
                escape(&mut text, &redacted(message));
                for (key, value) in fields {
                    text.push(' ');
                    escape(&mut text, &redacted(key));
                    text.push('=');
                    escape(&mut text, &redacted(value));
                }
            }
        }
        let mut line = Log::stamped(level, &text);
        if let Err(reason) = self.budget.spend(line.len()) {
            if !self.budget.silence() {
                return;
            }
            text = format!("{reason}; further lines are dropped");
            line = Log::stamped(level, &text);
        }
        self.emit(level, &text);
        self.attempt.note(|notes| notes.logs.push(line));
    }

    #[expect(clippy::disallowed_methods, reason = "only shown")]
    fn stamped(level: Level, text: &str) -> String {
        format!("{:.3} {} {text}", jiff::Timestamp::now(), name(level))
    }

    /// A text of the guest without its secrets and without what is sensitive in its
    /// payload.
    pub fn redact(&self, text: String) -> String {
        let redactor = self.redactor.get_or_init(|| {
            let job = &self.attempt.job;
            let contract = self.contract.as_ref();
            let sensitive = contract.map(|contract| contract.sensitive(&job.name, &job.data));
            match sensitive {
                Some(values) if !values.is_empty() => Arc::new(self.secrets.with(&values)),
                _ => self.secrets.clone(),
            }
        });
        redactor.redact(text)
    }

    fn emit(&self, level: Level, text: &str) {
        let queue = self.attempt.queue_name();
        let job = &*self.attempt.job.id;
        let plugin = self.attempt.ran.get().map(String::as_str);
        let request_id = self.request_id.as_deref();
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(target: "runner::guest", tracing::Level::$level, queue, job, plugin, request_id, "{text}")
            };
        }
        match level {
            Level::Trace => event!(TRACE),
            Level::Debug => event!(DEBUG),
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}

/// Append a text on one line, escaped ([`printable`]), up to the length of a line.
pub fn escape(line: &mut String, text: &str) {
    let mut before = None;
    for c in text.chars() {
        if line.len() >= LINE {
            line.push('…');
            return;
        }
        match c {
            '\t' => line.push(c),
            c => printable::push(line, c, before),
        }
        before = Some(c);
    }
}
