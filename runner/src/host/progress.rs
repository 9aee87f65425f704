//! `runner:plugin/progress`: kept with the attempt until the worker writes it.

use serde_json::json;

use super::State;
use super::output::Reports;
use crate::contract::check_json;
use runner_bindings::runner::plugin::progress::Host;

impl Host for State {
    async fn set(&mut self, percent: f64, message: Option<String>) {
        self.reports().set(percent, message.as_deref());
    }

    async fn set_json(&mut self, value: String) {
        match check_json("progress", &value, self.settings.max_depth) {
            Ok(()) => self.reports().note(value),
            Err(_) => self.reports().note(json!(value).to_string()),
        }
    }
}

impl State {
    fn reports(&self) -> Reports {
        Reports {
            attempt: self.attempt.clone(),
            redactor: self.redactor.clone(),
            budget: self.budget.clone(),
            log: self.log.clone(),
        }
    }
}
