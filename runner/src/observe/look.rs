//! One look at all declared queues: what the page, the verdicts and `/autoscale` are made
//! of. At most five calls of Redis for two hundred queues.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::health::{Facts, Verdict};
use crate::config::{self, Config};
use crate::plugin::Status;
use crate::queue::{self, Error, Queue, Redis, Server, Survey};

/// What was seen.
#[derive(Debug)]
pub struct Look {
    config: Arc<Config>,
    plugins: Vec<Status>,
    /// Queues whose jobs this process takes.
    here: BTreeSet<String>,
    queues: Vec<(Arc<config::Queue>, Survey)>,
    workers: Option<BTreeMap<String, u64>>,
    server: Server,
}

impl Look {
    /// Look now. `queue` gives the queue of a name; `failures` asks which jobs failed last, too.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn now(
        config: Arc<Config>,
        plugins: Vec<Status>,
        here: BTreeSet<String>,
        redis: &Redis,
        queue: impl Fn(&str) -> Queue,
        failures: bool,
    ) -> Result<Look, Error> {
        let queues: Vec<Queue> = config.queues.keys().map(|name| queue(name)).collect();
        // One connection answers them in this order.
        let (surveys, workers, server) = futures::try_join!(
            queue::survey(&queues, failures),
            queue::workers(redis),
            queue::server(redis),
        )?;
        let queues = config.queues.values().cloned().zip(surveys).collect();
        Ok(Look {
            config,
            plugins,
            here,
            queues,
            workers,
            server,
        })
    }

    /// The declared queues, by name.
    pub fn queues(&self) -> &[(Arc<config::Queue>, Survey)] {
        &self.queues
    }

    /// How many workers each queue has, by what Redis tells; `None` when it does not.
    pub fn workers(&self) -> Option<&BTreeMap<String, u64>> {
        self.workers.as_ref()
    }

    /// What Redis says of itself.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The plugins.
    pub fn plugins(&self) -> &[Status] {
        &self.plugins
    }

    /// How many workers take jobs of a queue.
    pub fn consumers(&self, queue: &str) -> u64 {
        self.judged(|facts| facts.consumers(queue))
    }

    /// The verdict on each queue, by name.
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.judged(|facts| {
            let queues = self.queues.iter();
            queues
                .map(|(queue, survey)| facts.verdict(queue, survey))
                .collect()
        })
    }

    fn judged<T>(&self, judge: impl FnOnce(&Facts<'_>) -> T) -> T {
        judge(&Facts {
            config: &self.config,
            plugins: &self.plugins,
            workers: self.workers.as_ref(),
            here: &self.here,
            server: &self.server,
        })
    }
}
