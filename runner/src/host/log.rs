//! `runner:plugin/log`.

use super::State;
use runner_bindings::runner::plugin::log::{Host, Level};

impl Host for State {
    async fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        self.log.write(level, &message, &fields);
    }
}
