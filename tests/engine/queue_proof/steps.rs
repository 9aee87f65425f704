//! What may happen, and how often.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::model::{Deduplication, End, New, Policy};

/// A child without children.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) queue: usize,
    pub(super) new: New,
    pub(super) policy: Policy,
}

/// One thing that happens. Queues and workers are 0 and 1.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Jobs are added in one call.
    Add(usize, Vec<New>),
    /// A parent with children, which may have children.
    Flow(usize, New, Vec<(Leaf, Vec<Leaf>)>),
    /// Worker, queue: attempts it holds end, and it takes so many jobs.
    Work(usize, usize, Vec<(usize, End)>, usize),
    /// A worker renews the locks of a queue.
    Renew(usize, usize),
    /// The lock of some active job is gone.
    LoseLock(usize),
    /// A worker forgets all it holds, and its locks expire.
    Crash(usize),
    /// Worker, queue: it takes so many jobs and never learns of it.
    LoseAnswer(usize, usize, usize),
    /// A stalled check.
    Recover(usize, usize),
    /// A worker gives back what it holds without knowing.
    Adopt(usize, usize),
    Pause(usize),
    Resume(usize),
    Concurrency(usize, Option<usize>),
    Limit(usize, Option<u64>),
    /// Every delay, window and interval is over.
    TimePasses,
}

fn job(attempts: u32) -> impl Strategy<Value = New> {
    let kept = || prop_oneof![3 => Just(None), 1 => Just(Some(0)), 1 => Just(Some(1))];
    let rarely = |most: u64| prop_oneof![3 => Just(0), 1 => 1..=most];
    let deduplication = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Deduplication::Simple)),
        1 => Just(Some(Deduplication::KeepLast)),
    ];
    (
        (0..=attempts, rarely(2), rarely(3), rarely(2)),
        prop::bool::weighted(0.2),
        (kept(), kept()),
        deduplication,
    )
        .prop_map(
            |((attempts, backoff, priority, delay), lifo, (completed, failed), deduplication)| {
                New {
                    attempts,
                    backoff,
                    priority,
                    lifo,
                    delay,
                    keep_completed: completed,
                    keep_failed: failed,
                    deduplication,
                }
            },
        )
}

/// A job of a flow: deduplication and delays are those of the parent queue's
/// producer, and not of interest here.
fn member() -> impl Strategy<Value = New> {
    job(1).prop_map(|new| New {
        delay: 0,
        deduplication: None,
        ..new
    })
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let policy = prop_oneof![
        1 => Just(Policy::None),
        3 => Just(Policy::Fail),
        3 => Just(Policy::Continue),
        1 => Just(Policy::Ignore),
        1 => Just(Policy::Forget),
    ];
    (0..2usize, member(), policy).prop_map(|(queue, new, policy)| Leaf { queue, new, policy })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Complete),
        4 => Just(End::Fail),
        1 => (0..3u64).prop_map(End::FailFor),
        2 => Just(End::Reject),
        1 => (1..3u64).prop_map(End::Snooze),
        1 => Just(End::Release),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let queue = 0..2usize;
    let pair = (0..2usize, 0..2usize);
    prop_oneof![
        8 => (queue.clone(), vec(job(3), 1..4)).prop_map(|(q, jobs)| Step::Add(q, jobs)),
        4 => (queue.clone(), member(), vec((leaf(), vec(leaf(), 0..2)), 1..5))
            .prop_map(|(q, new, children)| Step::Flow(q, new, children)),
        20 => (pair.clone(), vec((0..8usize, end()), 0..4), 0..6usize)
            .prop_map(|((w, q), ends, want)| Step::Work(w, q, ends, want)),
        2 => pair.clone().prop_map(|(w, q)| Step::Renew(w, q)),
        2 => (0..8usize).prop_map(Step::LoseLock),
        1 => (0..2usize).prop_map(Step::Crash),
        1 => (pair.clone(), 1..3usize).prop_map(|((w, q), want)| Step::LoseAnswer(w, q, want)),
        3 => pair.clone().prop_map(|(w, q)| Step::Recover(w, q)),
        1 => pair.prop_map(|(w, q)| Step::Adopt(w, q)),
        1 => queue.clone().prop_map(Step::Pause),
        2 => queue.clone().prop_map(Step::Resume),
        1 => (queue.clone(), option::of(1..4usize)).prop_map(|(q, cap)| Step::Concurrency(q, cap)),
        1 => (queue, option::of(1..4u64)).prop_map(|(q, max)| Step::Limit(q, max)),
        4 => Just(Step::TimePasses),
    ]
}

/// Attempts end and jobs are taken just after delayed jobs have fallen due, in a queue
/// that may be paused.
fn falls_due() -> impl Strategy<Value = Vec<Step>> {
    let delayed = vec(job(3), 1..3).prop_map(|mut jobs| {
        jobs.iter_mut().for_each(|job| job.delay = 1);
        jobs
    });
    let work = (0..2usize, vec((0..8usize, end()), 0..4), 0..6usize);
    (0..2usize, delayed, any::<bool>(), work).prop_map(|(q, jobs, pause, (w, ends, want))| {
        let mut steps = vec![Step::Add(q, jobs)];
        steps.extend(pause.then_some(Step::Pause(q)));
        steps.extend([Step::TimePasses, Step::Work(w, q, ends, want)]);
        steps
    })
}

/// The layout of BullMQ 5 or 6, and what happens.
pub(super) fn sequences() -> impl Strategy<Value = (bool, Vec<Step>)> {
    let some = prop_oneof![9 => step().prop_map(|step| vec![step]), 1 => falls_due()];
    let steps = vec(some, 1..50).prop_map(|steps| steps.concat());
    (any::<bool>(), steps)
}

/// All workers die, nothing bounds the queues any more, and what was held goes
/// back.
pub(super) fn settle_down() -> Vec<Step> {
    let mut steps = vec![Step::Crash(0), Step::Crash(1)];
    for q in [0, 1] {
        steps.extend([
            Step::Resume(q),
            Step::Concurrency(q, None),
            Step::Limit(q, None),
        ]);
        steps.extend([Step::Adopt(0, q), Step::Adopt(1, q)]);
    }
    for _ in 0..2 {
        steps.extend([Step::TimePasses, Step::Recover(0, 0), Step::Recover(0, 1)]);
    }
    steps
}

/// One worker does all that waits.
pub(super) fn round() -> Vec<Step> {
    let work = |q| Step::Work(0, q, vec![(0, End::Complete); 500], 500);
    vec![Step::TimePasses, work(0), work(1)]
}
