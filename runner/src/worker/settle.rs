//! One settle call of a worker with its retries, and what is made of an answer
//! that was lost on the way.

use tokio::time::{Instant, sleep};

use super::shared::Died;
use crate::queue::{Batch, Error, Queue, Settled, Spacing, Taken};
use crate::telemetry::limit::limited;

/// The answer of one settle call, after all of its retries.
pub(super) struct Answer {
    /// What was to be written.
    pub(super) batch: Batch,
    /// How many jobs were asked for.
    pub(super) asked: usize,
    /// What became of each end, and the jobs that were taken.
    pub(super) result: Result<(Vec<Settled>, Taken), Error>,
    /// A call failed on the way: jobs may be ours without our knowing.
    pub(super) faulty: bool,
}

/// One settle call with its retries. After a transient error it is made again until
/// the locks would have expired; a call without ends is left to the next turn.
pub(super) async fn settle(queue: Queue, batch: Batch, take: usize) -> Answer {
    let until = Instant::now() + queue.settings().lock;
    let mut pause = Spacing::default();
    let mut faulty = false;
    let result = loop {
        match queue.settle(&batch, take).await {
            Ok((mut settled, taken)) => {
                queue.redis().outage().served();
                look(&queue, &batch, &mut settled, faulty).await;
                break Ok((settled, taken));
            }
            Err(error) if error.is_transient() => {
                queue.redis().outage().failed(&error);
                let again = !batch.is_empty() && Instant::now() < until;
                if again && !faulty {
                    held_back(&queue, &batch, &error);
                }
                faulty = true;
                if !again {
                    break Err(error);
                }
                sleep(pause.next()).await;
            }
            Err(error) => {
                faulty = true;
                if batch.len() > 1 {
                    return one_by_one(queue, batch, take, &error).await;
                }
                break Err(error);
            }
        }
    };
    Answer {
        batch,
        asked: take,
        result,
        faulty,
    }
}

fn held_back(queue: &Queue, batch: &Batch, error: &Error) {
    limited!(
        warn,
        queue.name(),
        "the results of jobs are held until Redis accepts them",
        queue = queue.name(),
        %error,
        results = batch.len()
    );
}

/// What became of ends that were not written. After a failed call (`again`) they may
/// have been written the first time.
async fn look(queue: &Queue, batch: &Batch, settled: &mut [Settled], again: bool) {
    for (attempt, settled) in batch.attempts().zip(settled) {
        if *settled != Settled::Lost {
            continue;
        }
        let id = &attempt.job.id;
        if again && let Ok(Some(before)) = queue.settled_before(id).await {
            *settled = before;
        } else if let Ok(true) = queue.is_gone(id).await {
            *settled = Settled::Removed;
        }
    }
}

/// One job spoils the call: settle each by itself, so that it spoils only its own.
async fn one_by_one(queue: Queue, batch: Batch, take: usize, error: &Error) -> Answer {
    limited!(
        error,
        queue.name(),
        "Redis refused the results of several jobs together; each is saved by itself",
        queue = queue.name(),
        %error
    );
    let mut settled = Vec::with_capacity(batch.len());
    let mut whole = Vec::with_capacity(batch.len());
    let mut told = Taken::default();
    for one in batch.split() {
        match queue.settle(&one, 0).await {
            Ok((mut states, mut taken)) => {
                told.quarantined.append(&mut taken.quarantined);
                told.unburied.append(&mut taken.unburied);
                look(&queue, &one, &mut states, true).await;
                settled.append(&mut states);
            }
            Err(error) => {
                limited!(
                    error,
                    queue.name(),
                    "a job's result could not be saved",
                    queue = queue.name(),
                    %error
                );
                settled.push(Settled::Lost);
            }
        }
        whole.push(one);
    }
    Answer {
        batch: Batch::join(whole),
        asked: take,
        result: Ok((settled, told)),
        faulty: true,
    }
}

/// Copy what the call has failed and could not copy to the dead letter queue, and have
/// webhooks told of it.
pub(super) fn bury(queue: &Queue, taken: &Taken, died: &Died) {
    for (id, reason) in &taken.unburied {
        limited!(
            warn,
            queue.name(),
            "a failed job was not copied to the dead letter queue; it is tried again",
            queue = queue.name(),
            job = id,
            reason
        );
    }
    for (jobs, remove) in [(&taken.quarantined, false), (&taken.unburied, true)] {
        if !jobs.is_empty() {
            let ids = jobs.iter().map(|(id, _)| id.clone()).collect();
            tokio::spawn(bury_these(queue.clone(), ids, remove, died.clone()));
        }
    }
}

/// Have webhooks told of these failed jobs and copy them to the dead letter queue, again
/// after an error for as long as a settle is tried again.
pub(super) async fn bury_these(queue: Queue, ids: Vec<String>, remove: bool, died: Died) {
    let until = Instant::now() + queue.settings().lock;
    let mut pause = Spacing::default();
    let follow = async || {
        queue.tell_failed(&ids).await?;
        queue.bury(&ids, remove).await
    };
    loop {
        let error = match follow().await {
            // Those that a settle could not copy were counted when they failed.
            Ok(copies) if !remove => return died(queue.name(), copies),
            Ok(_) => return,
            Err(error) => error,
        };
        if Instant::now() >= until {
            limited!(
                error,
                queue.name(),
                "failed jobs were not copied to the dead letter queue, or webhooks not told of them; they stay in `failed`",
                queue = queue.name(),
                jobs = ?ids,
                %error
            );
            return;
        }
        sleep(pause.next()).await;
    }
}
