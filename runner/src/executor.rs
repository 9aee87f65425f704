//! One attempt, top to bottom: resolve the plugin, instantiate, call, classify.

use std::sync::Arc;

use crate::config::JobSettings;
use crate::outcome::Outcome;
use crate::plugin::Plugins;
use crate::queue::Attempt;

/// Runs attempts on threads of its own, where guests cannot delay Redis I/O.
#[derive(Debug)]
pub struct Executor {
    plugins: Arc<Plugins>,
}

impl Executor {
    /// An executor for these plugins.
    pub fn new(plugins: Arc<Plugins>) -> Self {
        Executor { plugins }
    }

    /// Start an attempt. `done` is called exactly once, from a guest thread,
    /// whatever happens in between, a panic of our own code included.
    pub fn start(
        &self,
        attempt: Arc<Attempt>,
        _settings: &JobSettings,
        _done: impl FnOnce(Arc<Attempt>, Outcome) + Send + 'static,
    ) {
        let _ = (&self.plugins, attempt);
        unimplemented!("executor")
    }
}
