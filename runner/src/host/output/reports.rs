//! The progress of an attempt: kept with it until the worker writes it.

use std::sync::Arc;

use serde_json::json;

use super::Log;
use crate::host::limits::Budget;
use crate::queue::Attempt;
use crate::redact::Redactor;
use runner_bindings::runner::plugin::log::Level;

/// Bytes of progress; it is written to Redis and to the event stream each time.
const MAX: usize = 64 << 10;

/// Where an attempt reports its progress.
pub(in crate::host) struct Reports {
    pub(in crate::host) attempt: Arc<Attempt>,
    pub(in crate::host) redactor: Arc<Redactor>,
    pub(in crate::host) budget: Arc<Budget>,
    pub(in crate::host) log: Log,
}

impl Reports {
    /// A percentage, with a message or without.
    pub(in crate::host) fn set(&self, percent: f64, message: Option<&str>) {
        let percent = if percent.is_nan() {
            0.0
        } else {
            percent.clamp(0.0, 100.0)
        };
        // Whole percentages as whole numbers: Node would write 40, not 40.0.
        let percent = match percent.fract() == 0.0 {
            true => json!(percent as u8),
            false => json!(percent),
        };
        let value = match message {
            None => percent,
            Some(message) => json!({ "percent": percent, "message": message }),
        };
        self.note(value.to_string());
    }

    /// Any JSON.
    pub(in crate::host) fn note(&self, value: String) {
        if self.attempt.lost() || value.len() > MAX {
            return;
        }
        let value = self.redactor.redact_json(value);
        let mut refused = None;
        self.attempt.note(|notes| {
            // What takes the place of an earlier value is sent instead of it.
            let earlier = notes.progress.as_ref().map_or(0, String::len);
            match self.budget.spend(value.len().saturating_sub(earlier)) {
                Ok(()) => notes.progress = Some(value),
                Err(reason) => refused = Some(reason),
            }
        });
        if let Some(reason) = refused {
            let told = format!("progress is dropped: {reason}");
            self.log.write(Level::Warn, &told, &[]);
        }
    }
}
