//! What of jobs is not shown: the `@sensitive` fields of contracts.

use std::sync::Arc;

use crate::config::{Config, Contract, Queue, Unrouted};
use crate::queue::{Found, Letter};
use crate::redact::Redactor;

/// The contracts that the jobs of a queue may follow.
pub(in crate::cli) struct Cover(Vec<Arc<Contract>>);

impl Cover {
    /// That of the queue, and those of the queues whose jobs come to it: as dead
    /// letters, or because their names have no route.
    pub(in crate::cli) fn of(config: &Config, queue: &str) -> Cover {
        let queues = config.queues.values();
        let queues = queues.filter(|from| from.name == queue || sends(from, queue));
        Cover(
            queues
                .filter_map(|from| from.base.contract.clone())
                .collect(),
        )
    }

    /// Cover a job's payload and result, and what was said of them.
    pub(in crate::cli) fn job(&self, job: &mut Found) {
        let says = self.redactor(&job.name, &job.data);
        let said = [&mut job.failed_reason, &mut job.progress];
        for text in said.into_iter().flatten().chain(&mut job.stacktrace) {
            *text = says.redact(std::mem::take(text));
        }
        for contract in &self.0 {
            contract.cover(&job.name, &mut job.data, job.returnvalue.as_mut());
        }
    }

    /// Cover a dead letter, in the same way; the queue it comes from may send its
    /// letters elsewhere now.
    pub(in crate::cli) fn letter(&self, config: &Config, letter: &mut Letter) {
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
    pub(in crate::cli) fn payload(&self, name: &str, mut data: String) -> String {
        for contract in &self.0 {
            contract.cover(name, &mut data, None);
        }
        data
    }

    /// Takes what is sensitive in a payload out of texts. What Runner writes has
    /// none of it, but other workers log and fail jobs, too.
    pub(in crate::cli) fn redactor(&self, name: &str, data: &str) -> Redactor {
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
