//! Adds of concurrent callers share calls, for those who add one job at a time, many at
//! once.

use std::sync::Arc;

use crate::queue::add::{Added, CALL, NewJob};
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::gather::Gather;

/// Bytes of payloads after which a call takes no further job: Redis serves nobody else
/// while it takes them.
const BYTES: usize = 256 << 10;

/// Adds jobs to one queue. Cheap to clone; all clones share calls.
#[derive(Debug, Clone)]
pub struct Adder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Queue,
    line: Gather<NewJob, Result<Added, Error>>,
}

impl Adder {
    /// Nothing is sent yet.
    pub fn new(queue: Queue) -> Adder {
        let line = Gather::new();
        Adder(Arc::new(Inner { queue, line }))
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Add a job, as [`Queue::add`] does, that was checked. A caller that is gone before
    /// the job is sent has added nothing.
    ///
    /// # Errors
    /// Those of [`Queue::add`], for this job alone.
    pub(crate) async fn add(&self, job: NewJob) -> Result<Added, Error> {
        let (answered, carries) = self.0.line.ask(job);
        if carries {
            tokio::spawn(carry(self.0.clone()));
        }
        // Everybody is answered, unless the runtime ends.
        answered.await.unwrap_or(Err(Error::Answer("add")))
    }
}

async fn carry(of: Arc<Inner>) {
    let next = || {
        let (mut jobs, mut bytes) = (0, 0);
        of.line.next(|job| {
            let fits = jobs < CALL && bytes < BYTES;
            (jobs, bytes) = (jobs + 1, bytes + job.data.len());
            fits
        })
    };
    while let Some((jobs, answers)) = next() {
        for (answer, added) in answers.into_iter().zip(of.queue.add_each(&jobs).await) {
            // A caller that is gone does not want to know.
            let _ = answer.send(added);
        }
    }
}

impl Queue {
    /// Add jobs that were checked, as many as one call takes: what became of each. One
    /// that Redis refuses does not keep the others out.
    pub(crate) async fn add_each(&self, jobs: &[NewJob]) -> Vec<Result<Added, Error>> {
        match self.add_checked(jobs).await {
            Ok(added) => added.into_iter().map(Ok).collect(),
            // Nothing was added, possibly because of one of them.
            Err(Error::Refused(_)) if jobs.len() > 1 => {
                let mut each = Vec::with_capacity(jobs.len());
                for job in jobs {
                    let added = self.add_checked(std::slice::from_ref(job)).await;
                    each.push(added.and_then(|mut one| one.pop().ok_or(Error::Answer("add"))));
                }
                each
            }
            Err(error) => vec![Err(error); jobs.len()],
        }
    }
}
