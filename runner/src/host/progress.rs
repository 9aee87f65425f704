//! `runner:plugin/progress`: kept with the attempt until the worker writes it.

use serde_json::json;

use super::State;
use crate::contract::check_json;
use runner_bindings::runner::plugin::log::Level;
use runner_bindings::runner::plugin::progress::Host;

/// Bytes of progress; it is written to Redis and to the event stream each time.
const MAX: usize = 64 << 10;

impl Host for State {
    async fn set(&mut self, percent: f64, message: Option<String>) {
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
        self.note_progress(value.to_string());
    }

    async fn set_json(&mut self, value: String) {
        match check_json("progress", &value, self.settings.max_depth) {
            Ok(()) => self.note_progress(value),
            Err(_) => self.note_progress(json!(value).to_string()),
        }
    }
}

impl State {
    fn note_progress(&self, value: String) {
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
