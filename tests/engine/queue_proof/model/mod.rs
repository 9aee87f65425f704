//! What BullMQ's rules make of a sequence of steps, written down a second time
//! and without Redis: where each job is, in which order, and what is stored.

mod end;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// Score of a priority in `prioritized`, before the counter.
const PRIORITY: u64 = 1 << 32;
/// What `time passes` means, in hours: longer than any delay of a step.
pub(super) const AGE: i64 = 720;
/// Stalls a job may have.
pub(super) const MAX_STALLED: u32 = 1;

/// What is chosen when a job is added.
#[derive(Clone, Default)]
pub(super) struct New {
    pub(super) attempts: u32,
    /// Hours between attempts.
    pub(super) backoff: u64,
    pub(super) priority: u64,
    pub(super) lifo: bool,
    /// Hours.
    pub(super) delay: u64,
    pub(super) keep_completed: Option<usize>,
    pub(super) keep_failed: Option<usize>,
    pub(super) deduplication: Option<Deduplication>,
}

/// As it is written in Rust, so that a sequence that was found can be copied.
impl fmt::Debug for New {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("New { ")?;
        for (name, number) in [
            ("attempts", self.attempts.into()),
            ("backoff", self.backoff),
            ("priority", self.priority),
            ("delay", self.delay),
        ] {
            if number > 0 {
                write!(f, "{name}: {number}, ")?;
            }
        }
        if self.lifo {
            f.write_str("lifo: true, ")?;
        }
        for (name, keep) in [
            ("keep_completed", self.keep_completed),
            ("keep_failed", self.keep_failed),
        ] {
            if keep.is_some() {
                write!(f, "{name}: {keep:?}, ")?;
            }
        }
        if let Some(kind) = self.deduplication {
            write!(f, "deduplication: Some({kind:?}), ")?;
        }
        f.write_str("..New::default() }")
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deduplication {
    /// Until the first one ends.
    Simple,
    /// The last one that came meanwhile is added when the first one ends.
    KeepLast,
}

/// What a failed child does to its parent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Policy {
    None,
    Fail,
    Continue,
    Ignore,
    Forget,
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    Complete,
    Fail,
    /// Hours chosen by the handler.
    FailFor(u64),
    Reject,
    /// Hours.
    Snooze(u64),
    Release,
}

/// Not settled: a child that failed does not let its parent complete.
pub(super) const CHILD_FAILED: &str = "child failed";

/// What the model expects of one end: the state, or nothing written.
pub(super) type Settled = Option<&'static str>;

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) queue: usize,
    pub(super) id: String,
    pub(super) policy: Policy,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Job {
    pub(super) new: New,
    pub(super) parent: Option<Link>,
    pub(super) lock: Option<String>,
    pub(super) made: u32,
    pub(super) starts: u32,
    pub(super) stalls: u32,
    /// Hours, as last written.
    pub(super) delay: u64,
    pub(super) deferred: Option<String>,
    /// `deferred` as it was when the job was taken: it is not run.
    pub(super) refused: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) value: Option<String>,
    pub(super) ended_at: u64,
}

#[derive(Debug, Default)]
pub(super) struct Children {
    pub(super) dependencies: BTreeSet<String>,
    pub(super) processed: BTreeMap<String, String>,
    pub(super) failed: BTreeMap<String, String>,
    pub(super) unsuccessful: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) base: String,
    /// Head first; jobs are taken from the end.
    pub(super) wait: VecDeque<String>,
    pub(super) active: VecDeque<String>,
    pub(super) prioritized: BTreeSet<(u64, String)>,
    /// Hours from now, order of arrival, id.
    pub(super) delayed: BTreeSet<(i64, u64, String)>,
    pub(super) waiting_children: BTreeSet<String>,
    pub(super) completed: BTreeSet<String>,
    pub(super) failed: BTreeSet<String>,
    pub(super) stalled: BTreeSet<u64>,
    pub(super) gate_closed: bool,
    pub(super) paused: bool,
    pub(super) cap: Option<usize>,
    pub(super) max: Option<u64>,
    pub(super) used: u64,
    pub(super) counter: u64,
    pub(super) last_id: u64,
    /// Deduplication id: the job that stands for it.
    pub(super) holds: BTreeMap<String, String>,
    /// Deduplication id: the id and options of the job that comes next.
    pub(super) next: BTreeMap<String, (String, New)>,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) children: BTreeMap<String, Children>,
    /// Jobs that went by policy.
    pub(super) removed: BTreeSet<String>,
    /// A worker that waits has to be woken: the last step made work for it.
    pub(super) must_wake: bool,
}

/// What a take hands out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Taken {
    pub(super) ids: Vec<String>,
    pub(super) limited: bool,
    /// It says when the next delayed job is due.
    pub(super) looks: bool,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) queues: Vec<Queue>,
    arrivals: u64,
}

impl Queue {
    fn blocked(&self) -> bool {
        self.paused || self.cap.is_some_and(|cap| self.active.len() >= cap)
    }

    fn wake(&mut self) {
        self.must_wake |= !self.blocked();
    }

    fn score(&mut self, priority: u64) -> u64 {
        self.counter += 1;
        priority * PRIORITY + self.counter
    }

    pub(super) fn wake_if_runnable(&mut self) {
        if self.runnable() {
            self.wake();
        }
    }

    pub(super) fn key(&self, id: &str) -> String {
        format!("{}{id}", self.base)
    }

    pub(super) fn runnable(&self) -> bool {
        !self.wait.is_empty() || !self.prioritized.is_empty()
    }
}

impl Model {
    pub(super) fn new(bases: &[String]) -> Model {
        let queue = |base: &String| Queue {
            base: base.clone(),
            ..Queue::default()
        };
        Model {
            queues: bases.iter().map(queue).collect(),
            arrivals: 0,
        }
    }

    fn delay(&mut self, q: usize, id: &str, hours: u64) {
        self.arrivals += 1;
        let at = i64::try_from(hours).unwrap();
        let entry = (at, self.arrivals, id.to_owned());
        self.queues[q].delayed.insert(entry);
    }

    /// Into `wait`, `prioritized` or `delayed`, as a new job goes.
    fn enqueue(&mut self, q: usize, id: &str, new: &New) {
        if new.delay > 0 {
            return self.delay(q, id, new.delay);
        }
        let queue = &mut self.queues[q];
        if new.priority > 0 {
            let score = queue.score(new.priority);
            queue.prioritized.insert((score, id.to_owned()));
        } else if new.lifo {
            queue.wait.push_back(id.to_owned());
        } else {
            queue.wait.push_front(id.to_owned());
        }
        queue.wake();
    }

    pub(super) fn next_id(&mut self, q: usize) -> String {
        self.queues[q].last_id += 1;
        self.queues[q].last_id.to_string()
    }

    /// The id of the job that is there now.
    pub(super) fn add(&mut self, q: usize, id: &str, new: &New) -> String {
        if let Some(kind) = new.deduplication {
            let queue = &mut self.queues[q];
            let deid = deduplication_id(kind).to_owned();
            if let Some(first) = queue.holds.get(&deid).cloned() {
                if kind == Deduplication::KeepLast && queue.active.contains(&first) {
                    queue.next.insert(deid, (id.to_owned(), new.clone()));
                }
                return first;
            }
            queue.holds.insert(deid, id.to_owned());
        }
        self.store(q, id, new, None);
        self.enqueue(q, id, new);
        id.to_owned()
    }

    fn store(&mut self, q: usize, id: &str, new: &New, parent: Option<Link>) {
        let number = id.parse().unwrap();
        self.queues[q].last_id = self.queues[q].last_id.max(number);
        let job = Job {
            new: new.clone(),
            delay: new.delay,
            parent,
            ..Job::default()
        };
        self.queues[q].jobs.insert(id.to_owned(), job);
    }

    pub(super) fn add_parent(&mut self, q: usize, id: &str, new: &New, parent: Option<Link>) {
        self.depend(q, id, parent.as_ref());
        self.store(q, id, new, parent);
        self.queues[q].waiting_children.insert(id.to_owned());
        self.queues[q].children.entry(id.to_owned()).or_default();
    }

    pub(super) fn add_child(&mut self, q: usize, id: &str, new: &New, parent: Link) {
        self.depend(q, id, Some(&parent));
        self.store(q, id, new, Some(parent));
        self.enqueue(q, id, new);
    }

    fn depend(&mut self, q: usize, id: &str, parent: Option<&Link>) {
        let key = self.queues[q].key(id);
        if let Some(link) = parent {
            let children = &mut self.queues[link.queue].children;
            let of = children.entry(link.id.clone()).or_default();
            of.dependencies.insert(key);
        }
    }

    pub(super) fn take(&mut self, q: usize, want: usize, token: &str) -> Taken {
        let mut taken = Taken::default();
        if want == 0 {
            return taken;
        }
        let held_back = self.queues[q].blocked();
        self.promote(q);
        let queue = &mut self.queues[q];
        let mut n = want;
        if let Some(max) = queue.max {
            taken.limited = queue.used >= max;
            n = n.min(usize::try_from(max.saturating_sub(queue.used)).unwrap());
        }
        if let Some(cap) = queue.cap
            && !queue.paused
        {
            n = n.min(cap.saturating_sub(queue.active.len()));
        }
        taken.looks = !queue.delayed.is_empty();
        if taken.limited || held_back || n == 0 {
            return taken;
        }
        while taken.ids.len() < n
            && let Some(id) = queue.wait.pop_back()
        {
            taken.ids.push(id);
        }
        if taken.ids.len() < n {
            let before = taken.ids.len();
            while taken.ids.len() < n
                && let Some((_, id)) = queue.prioritized.pop_first()
            {
                taken.ids.push(id);
            }
            if taken.ids.len() == before {
                queue.counter = 0;
            }
        }
        taken.looks &= taken.ids.len() < n;
        let mut tokens = 0;
        for id in &taken.ids {
            queue.active.push_front(id.clone());
            let job = queue.jobs.get_mut(id).unwrap();
            job.lock = Some(token.to_owned());
            job.starts += 1;
            job.refused.clone_from(&job.deferred);
            tokens += u64::from(job.deferred.is_none());
        }
        if queue.max.is_some() {
            queue.used += tokens;
        }
        if taken.ids.len() == n && queue.runnable() {
            queue.wake();
        }
        taken
    }

    /// Delayed jobs that are due go to where new jobs wait.
    fn promote(&mut self, q: usize) {
        let queue = &mut self.queues[q];
        let later = queue.delayed.split_off(&(1, 0, String::new()));
        for (_, _, id) in std::mem::replace(&mut queue.delayed, later) {
            let job = queue.jobs.get_mut(&id).unwrap();
            job.delay = 0;
            match job.new.priority {
                0 => queue.wait.push_front(id),
                priority => {
                    let score = queue.score(priority);
                    queue.prioritized.insert((score, id));
                }
            }
            queue.wake();
        }
    }

    /// The positions whose lock is lost.
    pub(super) fn renew(&mut self, q: usize, held: &[(String, String)]) -> Vec<usize> {
        let queue = &mut self.queues[q];
        let mut lost = Vec::new();
        for (position, (id, token)) in held.iter().enumerate() {
            let job = queue.jobs.get(id);
            if job.is_some_and(|job| job.lock.as_ref() == Some(token)) {
                queue.stalled.remove(&id.parse().unwrap());
            } else {
                lost.push(position);
            }
        }
        lost
    }

    pub(super) fn recover(&mut self, q: usize) -> Vec<String> {
        let queue = &mut self.queues[q];
        if std::mem::replace(&mut queue.gate_closed, true) {
            return Vec::new();
        }
        let mut back = Vec::new();
        for number in std::mem::take(&mut queue.stalled) {
            let id = number.to_string();
            let held = queue.jobs.get(&id).is_some_and(|job| job.lock.is_some());
            let Some(at) = queue.active.iter().position(|active| *active == id) else {
                continue;
            };
            if held {
                continue;
            }
            queue.active.remove(at);
            let job = queue.jobs.get_mut(&id).unwrap();
            job.stalls += 1;
            if job.stalls > MAX_STALLED {
                job.deferred = Some("job stalled more than allowable limit".to_owned());
            }
            queue.wait.push_back(id.clone());
            queue.wake();
            back.push(id);
        }
        queue.stalled = queue.active.iter().map(|id| id.parse().unwrap()).collect();
        back
    }

    /// Active jobs of one process, by the beginning of their tokens, that are
    /// not in flight go back.
    pub(super) fn adopt(
        &mut self,
        q: usize,
        boot: &str,
        in_flight: &[(String, String)],
    ) -> Vec<String> {
        let queue = &self.queues[q];
        let orphans: Vec<String> = queue
            .active
            .iter()
            .filter(|id| {
                let lock = queue.jobs[*id].lock.as_deref().unwrap_or_default();
                lock.starts_with(boot)
                    && !in_flight
                        .iter()
                        .any(|(known, token)| known == *id && token == lock)
            })
            .cloned()
            .collect();
        for id in &orphans {
            let queue = &mut self.queues[q];
            queue.active.retain(|active| active != id);
            queue.stalled.remove(&id.parse().unwrap());
            queue.jobs.get_mut(id).unwrap().lock = None;
            self.back(q, id);
        }
        orphans
    }

    /// Every delay, rate limit window and check interval ends.
    pub(super) fn age(&mut self) {
        for queue in &mut self.queues {
            queue.delayed = std::mem::take(&mut queue.delayed)
                .into_iter()
                .map(|(at, arrival, id)| (at - AGE, arrival, id))
                .collect();
            queue.used = 0;
            queue.gate_closed = false;
        }
    }
}

pub(super) fn deduplication_id(kind: Deduplication) -> &'static str {
    match kind {
        Deduplication::Simple => "simple",
        Deduplication::KeepLast => "last",
    }
}
