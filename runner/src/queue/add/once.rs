//! Deliveries of webhooks that became flows. A job by itself is told apart by its
//! deduplication, which a flow cannot have: it is remembered after it was added, so that
//! nothing is lost when the process ends in between.

use std::time::Duration;

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::text;

impl Queue {
    /// The job that a delivery became, if it is known.
    pub async fn delivery(&self, name: &str) -> Result<Option<String>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(self.delivered(name));
        self.redis().call(&command).await.map(text)
    }

    /// Remember what a delivery became.
    pub async fn remember_delivery(
        &self,
        name: &str,
        id: &str,
        time: Duration,
    ) -> Result<(), Error> {
        let mut command = redis::cmd("SET");
        let milliseconds = time.as_millis() as u64;
        command.arg(self.delivered(name)).arg(id);
        command.arg("NX").arg("PX").arg(milliseconds);
        self.redis().call(&command).await.map(drop)
    }

    fn delivered(&self, name: &str) -> String {
        self.key(&format!("runner:webhook:{name}"))
    }
}
