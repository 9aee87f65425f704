//! What of jobs is not shown, and not searched: the `@sensitive` fields of contracts.

use std::sync::Arc;

use crate::config::{Config, Contract, Queue, Unrouted};
use crate::queue::{Found, Letter};
use crate::redact::Redactor;

/// The contracts that the jobs of a queue may follow.
#[derive(Debug, Clone)]
pub struct Cover(Vec<Arc<Contract>>);

impl Cover {
    /// Covers nothing, for those who may see payloads.
    pub fn none() -> Cover {
        Cover(Vec::new())
    }

    /// Whether it covers nothing.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// That of the queue, and those of the queues whose jobs come to it: as dead
    /// letters, or because their names have no route.
    pub fn of(config: &Config, queue: &str) -> Cover {
        let queues = config.queues.values();
        let queues = queues.filter(|from| from.name == queue || sends(from, queue));
        Cover(
            queues
                .filter_map(|from| from.base.contract.clone())
                .collect(),
        )
    }

    /// Cover a job's payload and result, and what was said of them.
    pub fn job(&self, job: &mut Found) {
        let says = self.redactor(&job.name, &job.data);
        let said = [&mut job.failed_reason, &mut job.progress];
        for text in said.into_iter().flatten().chain(&mut job.stacktrace) {
            *text = says.redact(std::mem::take(text));
        }
        self.values(&job.name, &mut job.data, job.returnvalue.as_mut());
        // A result may repeat what the payload says under another name.
        let result = job.returnvalue.take();
        job.returnvalue = result.map(|result| says.redact_json(result));
    }

    /// Cover a payload, and a result.
    pub fn values(&self, name: &str, data: &mut String, mut result: Option<&mut String>) {
        for contract in &self.0 {
            contract.cover(name, data, result.as_deref_mut());
        }
    }

    /// Cover a dead letter, in the same way; the queue it comes from may send its
    /// letters elsewhere now.
    pub fn letter(&self, config: &Config, letter: &mut Letter) {
        let says = self.redactor(&letter.name, &letter.data);
        let origin = letter.origin.as_mut().map(|origin| &mut origin.reason);
        let said = [&mut letter.reason].into_iter().chain(origin);
        for text in said.chain(&mut letter.stacktrace) {
            *text = says.redact(std::mem::take(text));
        }
        let origin = letter.origin.as_ref();
        let origin = origin.and_then(|origin| config.queues.get(&origin.queue));
        let origin = origin.and_then(|queue| queue.base.contract.as_ref());
        for contract in self.0.iter().chain(origin) {
            contract.cover(&letter.name, &mut letter.data, None);
        }
    }

    /// The payload of a job that is not in Redis, covered.
    pub fn payload(&self, name: &str, mut data: String) -> String {
        for contract in &self.0 {
            contract.cover(name, &mut data, None);
        }
        data
    }

    /// Whether payloads of jobs of this name have something that is covered.
    pub fn hides(&self, name: &str) -> bool {
        // What is no JSON is covered as a whole where anything is.
        !self.payload(name, String::new()).is_empty()
    }

    /// The result of a job of this name, covered.
    pub fn result(&self, name: &str, result: String) -> String {
        let (mut data, mut result) = (String::new(), Some(result));
        for contract in &self.0 {
            contract.cover(name, &mut data, result.as_mut());
        }
        result.unwrap_or_default()
    }

    /// Takes what is sensitive in a payload out of texts. What Runner writes has
    /// none of it, but other workers log and fail jobs, too.
    pub fn redactor(&self, name: &str, data: &str) -> Redactor {
        let values = self.0.iter();
        let values: Vec<String> = values
            .flat_map(|contract| contract.sensitive(name, data))
            .collect();
        Redactor::default().with(&values)
    }
}

/// Whether jobs of a queue may come to another.
fn sends(from: &Queue, to: &str) -> bool {
    let moves = matches!(&from.unrouted, Unrouted::Move(queue) if queue == to);
    let jobs = from.jobs.iter().map(|(_, settings)| settings);
    let mut letters = jobs
        .chain([&from.base])
        .filter_map(|settings| settings.dead_letter.as_ref());
    moves || letters.any(|letter| letter.queue == to)
}
