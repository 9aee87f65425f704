//! How an attempt ends: what becomes of the job, of those that wait for it, and of what
//! is kept.

use super::{CHILD_FAILED, End, Link, Model, PRIORITY, Policy, Settled, deduplication_id};

impl Model {
    /// `now`: the time of the call as Redis wrote it, for the keep policies.
    pub(in super::super) fn settle(
        &mut self,
        q: usize,
        ends: &[(String, String, End)],
        now: u64,
    ) -> Vec<Settled> {
        let ours: Vec<bool> = ends
            .iter()
            .map(|(id, token, _)| {
                let job = self.queues[q].jobs.get(id);
                job.is_some_and(|job| job.lock.as_ref() == Some(token))
            })
            .collect();
        // Keep policies run once per row of ends with the same one.
        let mut row: Option<(bool, usize)> = None;
        let mut settled = Vec::new();
        for ((id, token, end), ours) in ends.iter().zip(ours) {
            settled.push(if ours {
                self.end(q, id, token, *end, now, &mut row)
            } else {
                None
            });
        }
        self.keep(q, row);
        settled
    }

    // Long because it follows the script from top to bottom.
    fn end(
        &mut self,
        q: usize,
        id: &str,
        token: &str,
        end: End,
        now: u64,
        row: &mut Option<(bool, usize)>,
    ) -> Settled {
        let queue = &mut self.queues[q];
        let job = queue.jobs.get_mut(id).unwrap();
        let mut end = end;
        if let Some(why) = &job.refused {
            job.reason = Some(why.clone());
            end = End::Reject;
        } else if matches!(end, End::Fail | End::FailFor(_) | End::Reject) {
            job.reason = Some("it failed".to_owned());
        }
        if end == End::Complete
            && let Some(children) = queue.children.get(id)
            && children.dependencies.is_empty()
            && !children.unsuccessful.is_empty()
        {
            return Some(CHILD_FAILED);
        }
        job.lock = None;
        queue.active.retain(|other| other != id);
        queue.stalled.remove(&id.parse().unwrap());
        let last = job.made + 1 >= job.new.attempts.max(1);
        match end {
            End::Complete => {
                if queue
                    .children
                    .get(id)
                    .is_some_and(|children| !children.dependencies.is_empty())
                {
                    queue.waiting_children.insert(id.to_owned());
                    return Some("waiting-children");
                }
                job.value = Some(format!("{token:?}"));
                self.finish(q, id, true, now, row);
                Some("completed")
            }
            End::Fail | End::FailFor(_) if !last => {
                job.made += 1;
                let hours = match end {
                    End::FailFor(hours) => hours,
                    _ => job.new.backoff,
                };
                if hours > 0 {
                    job.delay = hours;
                    self.delay(q, id, hours);
                    return Some("delayed");
                }
                let (lifo, priority) = (job.new.lifo, job.new.priority);
                // What has fallen due before goes first.
                self.promote(q);
                let queue = &mut self.queues[q];
                let state = match priority {
                    0 if lifo => {
                        queue.wait.push_back(id.to_owned());
                        "waiting"
                    }
                    0 => {
                        queue.wait.push_front(id.to_owned());
                        "waiting"
                    }
                    _ => {
                        let score = queue.score(priority);
                        queue.prioritized.insert((score, id.to_owned()));
                        "prioritized"
                    }
                };
                queue.wake();
                Some(state)
            }
            End::Fail | End::FailFor(_) | End::Reject => {
                self.finish(q, id, false, now, row);
                Some("failed")
            }
            End::Snooze(hours) => {
                job.delay = hours;
                self.delay(q, id, hours);
                Some("delayed")
            }
            End::Release => Some(self.back(q, id)),
        }
    }

    /// To the front of where it waits.
    pub(super) fn back(&mut self, q: usize, id: &str) -> &'static str {
        let queue = &mut self.queues[q];
        let state = match queue.jobs[id].new.priority {
            0 => {
                queue.wait.push_back(id.to_owned());
                "waiting"
            }
            priority => {
                let entry = (priority * PRIORITY, id.to_owned());
                queue.prioritized.insert(entry);
                "prioritized"
            }
        };
        queue.wake();
        state
    }

    fn finish(
        &mut self,
        q: usize,
        id: &str,
        completed: bool,
        now: u64,
        row: &mut Option<(bool, usize)>,
    ) {
        let queue = &mut self.queues[q];
        let key = queue.key(id);
        let job = queue.jobs.get_mut(id).unwrap();
        job.made += 1;
        job.ended_at = now;
        let job = job.clone();
        if let Some(kind) = job.new.deduplication {
            self.release_deduplication(q, deduplication_id(kind), id);
        }
        if let Some(link) = &job.parent {
            if completed {
                self.child_completed(&key, link, job.value.as_deref().unwrap_or_default());
            } else {
                // Those that ended before it are settled whole: one may go by its
                // keep policy and let its parent go.
                self.keep(q, row.take());
                self.child_failed(&key, link, job.reason.as_deref().unwrap_or_default());
            }
        }
        let keep = if completed {
            job.new.keep_completed
        } else {
            job.new.keep_failed
        };
        if keep == Some(0) {
            self.remove(q, id, job.parent.as_ref());
            return;
        }
        let next = keep.map(|count| (completed, count));
        if *row != next {
            self.keep(q, *row);
            *row = next;
        }
        let queue = &mut self.queues[q];
        if completed {
            queue.completed.insert(id.to_owned());
        } else {
            queue.failed.insert(id.to_owned());
            queue.jobs.get_mut(id).unwrap().deferred = None;
        }
    }

    fn remove(&mut self, q: usize, id: &str, parent: Option<&Link>) {
        let queue = &mut self.queues[q];
        queue.jobs.remove(id);
        queue.children.remove(id);
        queue.removed.insert(id.to_owned());
        let key = queue.key(id);
        if let Some(link) = parent {
            let above = &mut self.queues[link.queue];
            if let Some(children) = above.children.get_mut(&link.id)
                && children.dependencies.remove(&key)
                && children.dependencies.is_empty()
            {
                self.release_parent(link);
            }
        }
    }

    /// The newest `count` stay; of one millisecond, those with the greater id.
    fn keep(&mut self, q: usize, row: Option<(bool, usize)>) {
        let Some((completed, count)) = row else {
            return;
        };
        let queue = &mut self.queues[q];
        let set = if completed {
            &queue.completed
        } else {
            &queue.failed
        };
        let mut newest: Vec<(u64, String)> = set
            .iter()
            .map(|id| (queue.jobs[id].ended_at, id.clone()))
            .collect();
        newest.sort_by(|a, b| b.cmp(a));
        for (_, id) in newest.into_iter().skip(count) {
            let queue = &mut self.queues[q];
            if completed {
                queue.completed.remove(&id);
            } else {
                queue.failed.remove(&id);
            }
            // Its parent is let go only while the parent is there.
            let parent = queue.jobs[&id].parent.clone();
            let parent = parent.filter(|link| self.queues[link.queue].jobs.contains_key(&link.id));
            self.remove(q, &id, parent.as_ref());
        }
    }

    fn release_deduplication(&mut self, q: usize, deid: &str, id: &str) {
        let queue = &mut self.queues[q];
        if queue.holds.get(deid).is_some_and(|holder| holder == id) {
            queue.holds.remove(deid);
        }
        if let Some((id, new)) = queue.next.remove(deid) {
            queue.holds.insert(deid.to_owned(), id.clone());
            // BullMQ counts it a second time and goes on to use the first number.
            queue.last_id += 1;
            self.store(q, &id, &new, None);
            self.enqueue(q, &id, &new);
        }
    }

    fn child_completed(&mut self, child: &str, link: &Link, value: &str) {
        let above = &mut self.queues[link.queue];
        let Some(children) = above.children.get_mut(&link.id) else {
            return;
        };
        if children.dependencies.remove(child) {
            children
                .processed
                .insert(child.to_owned(), value.to_owned());
            if children.dependencies.is_empty() {
                self.release_parent(link);
            }
        }
    }

    fn child_failed(&mut self, child: &str, link: &Link, reason: &str) {
        let above = &mut self.queues[link.queue];
        let Some(children) = above.children.get_mut(&link.id) else {
            return;
        };
        if link.policy == Policy::None || !children.dependencies.remove(child) {
            return;
        }
        let none_left = children.dependencies.is_empty();
        match link.policy {
            Policy::None => {}
            Policy::Fail => {
                children.unsuccessful.insert(child.to_owned());
                let Some(parent) = above.jobs.get_mut(&link.id) else {
                    return;
                };
                if above.failed.contains(&link.id) {
                    return;
                }
                parent.deferred = Some(format!("child {child} failed"));
                let before = above.delayed.len();
                above.delayed.retain(|(_, _, id)| *id != link.id);
                if above.delayed.len() < before {
                    above.jobs.get_mut(&link.id).unwrap().delay = 0;
                    above.waiting_children.insert(link.id.clone());
                }
                self.release_parent(link);
            }
            Policy::Continue => {
                children.failed.insert(child.to_owned(), reason.to_owned());
                self.release_parent(link);
            }
            Policy::Ignore | Policy::Forget => {
                if link.policy == Policy::Ignore {
                    children.failed.insert(child.to_owned(), reason.to_owned());
                }
                if none_left {
                    self.release_parent(link);
                }
            }
        }
    }

    fn release_parent(&mut self, link: &Link) {
        let queue = &mut self.queues[link.queue];
        if !queue.waiting_children.remove(&link.id) {
            return;
        }
        match queue.jobs[&link.id].new.priority {
            0 => queue.wait.push_back(link.id.clone()),
            priority => {
                let score = queue.score(priority);
                queue.prioritized.insert((score, link.id.clone()));
            }
        }
        queue.wake();
    }
}
