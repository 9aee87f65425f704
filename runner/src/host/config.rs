//! `runner:plugin/config`: settings and secrets of the plugin.

use super::State;
use runner_bindings::runner::plugin::config::Host;

impl Host for State {
    async fn get(&mut self, key: String) -> Option<String> {
        self.plugin.config.get(&key).cloned()
    }

    async fn get_all(&mut self) -> Vec<(String, String)> {
        self.all_settings()
    }

    async fn secret(&mut self, name: String) -> Option<String> {
        self.plugin
            .secrets
            .get(&name)
            .map(|secret| secret.0.clone())
    }
}
