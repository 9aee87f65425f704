//! Keeps the schedulers of the queues: writes what `[[schedules]]` declares, at the
//! start and when the file changes, and checks regularly for schedulers that have
//! lost their next job. Started once, by the application.
//!
//! It changes nothing about a producer's scheduler, except to restore its next job.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::config::{Config, Schedule};
use crate::queue::{Declared, Error, Guarded, Queue, Spacing};
use crate::telemetry::limit::limited;
use crate::worker::Shared;

/// Keep the schedulers. Never ends.
pub async fn keep(shared: Shared, mut config: watch::Receiver<Arc<Config>>) {
    let mut now = config.borrow_and_update().clone();
    let queues = now.queues.values();
    // What was declared before this process started is in Redis alone.
    let mut declare: BTreeMap<String, Queue> = queues
        .map(|queue| (queue.name.clone(), shared.queue(queue)))
        .collect();
    let mut pause = Spacing::default();
    // Runners that started together do not check together.
    let interval = shared.runtime.stalled_interval;
    let mut ticks = tokio::time::interval(interval.mul_f64(0.95 + fastrand::f64() / 10.0));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unreadable = BTreeSet::new();
    loop {
        let wait = match declare_all(&mut declare, &now).await {
            Ok(()) => {
                pause = Spacing::default();
                Duration::MAX
            }
            Err(error) => {
                limited!(warn, "", "schedules wait for Redis", %error);
                pause.next()
            }
        };
        tokio::select! {
            Ok(()) = config.changed() => {
                let new = config.borrow_and_update().clone();
                let changes = Config::diff(&now, &new);
                for name in changes.schedules.iter().chain(&changes.added) {
                    if let Some(queue) = new.queues.get(name).or(now.queues.get(name)) {
                        declare.insert(name.clone(), shared.queue(queue));
                    }
                }
                now = new;
            }
            _ = ticks.tick() => guard_all(&shared, &now, &mut unreadable).await,
            () = tokio::time::sleep(wait), if !declare.is_empty() => {}
        }
    }
}

fn of<'c>(config: &'c Config, queue: &str) -> Vec<&'c Schedule> {
    let all = config.schedules.iter().map(|schedule| &**schedule);
    all.filter(|schedule| schedule.queue == queue).collect()
}

/// Declare the schedules of these queues. Those that are done leave the list.
async fn declare_all(queues: &mut BTreeMap<String, Queue>, config: &Config) -> Result<(), Error> {
    while let Some(entry) = queues.first_entry() {
        let queue = entry.get();
        match queue.declare(&of(config, queue.name())).await {
            Ok(done) => tell_declared(queue, &done),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                limited!(
                    error,
                    queue.name(),
                    "schedules could not be written",
                    queue = queue.name(),
                    %error
                );
            }
        }
        entry.remove();
    }
    Ok(())
}

fn tell_declared(queue: &Queue, done: &Declared) {
    let queue = queue.name();
    for schedule in &done.foreign {
        tracing::error!(
            queue,
            schedule,
            "this schedule is not kept: a producer has a job scheduler with its id; \
             give it another `id`, or remove the producer's with `runner schedule rm`"
        );
    }
    if !done.written.is_empty() || !done.removed.is_empty() {
        let (written, removed) = (&done.written, &done.removed);
        tracing::info!(queue, ?written, ?removed, "schedules were written");
    }
}

/// Look after the queues that are consumed or scheduled here.
async fn guard_all(shared: &Shared, config: &Config, unreadable: &mut BTreeSet<(String, String)>) {
    for queue in config.queues.values() {
        let schedules = of(config, &queue.name);
        if !queue.is_consumed() && schedules.is_empty() {
            continue;
        }
        match shared.queue(queue).guard_schedulers(&schedules).await {
            Ok(done) => tell_guarded(&queue.name, done, unreadable),
            Err(error) => {
                tracing::debug!(queue = queue.name, %error, "schedulers could not be checked");
            }
        }
    }
}

fn tell_guarded(queue: &str, done: Guarded, unreadable: &mut BTreeSet<(String, String)>) {
    for (scheduler, next, missed) in done.rearmed {
        limited!(
            warn,
            &format!("{queue}: {scheduler}"),
            "a scheduler had lost its next job; it continues with a new one",
            queue,
            scheduler,
            next,
            missed
        );
    }
    for schedule in done.restored {
        limited!(
            warn,
            &format!("{queue}: {schedule}"),
            "a schedule had vanished and was written again",
            queue,
            schedule
        );
    }
    for (scheduler, reason) in done.unreadable {
        // Once, not at every check.
        if unreadable.insert((queue.to_owned(), scheduler.clone())) {
            tracing::error!(queue, scheduler, reason, "a scheduler cannot go on");
        }
    }
}
