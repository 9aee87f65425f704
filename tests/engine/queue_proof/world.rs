//! The model beside the real queues: each step is done to both, then they are compared.

use super::*;

pub(super) struct World {
    /// By worker, then by queue.
    pub(super) workers: Vec<Vec<Queue>>,
    pub(super) in_flight: Vec<Vec<Vec<Arc<Attempt>>>>,
    pub(super) model: Model,
    pub(super) v5: bool,
    /// I7: starts that took a token, and the highest limit, in this window.
    pub(super) window: Vec<(u64, u64)>,
    /// Attempts that could not complete, because a child has failed.
    pub(super) must_fail: BTreeSet<(String, String)>,
    /// I5: what must be stored.
    pub(super) values: BTreeMap<String, String>,
}

impl World {
    // Long because it is one match: an arm for each kind of step.
    pub(super) async fn step(
        &mut self,
        step: &Step,
        redis: &mut redis::Connection,
    ) -> Result<(), String> {
        for queue in &mut self.model.queues {
            queue.must_wake = false;
        }
        match step {
            Step::Add(q, jobs) => self.add(*q, jobs).await?,
            Step::Flow(q, new, children) => {
                let parent = redis_state::add(redis, QUEUES[*q], new, None, true);
                self.model.add_parent(*q, &parent, new, None);
                let above = |policy| (*q, parent.clone(), policy);
                for (leaf, leaves) in children {
                    let id = self.child(redis, leaf, above(leaf.policy), !leaves.is_empty());
                    for below in leaves {
                        let parent = (leaf.queue, id.clone(), below.policy);
                        self.child(redis, below, parent, false);
                    }
                }
            }
            Step::Work(w, q, ends, want) => self.work(*w, *q, ends, *want, redis).await?,
            Step::Renew(w, q) => {
                let held = &self.in_flight[*w][*q];
                let lost = self.model.renew(*q, &pairs(held));
                self.workers[*w][*q].renew(held).await.unwrap();
                for (position, attempt) in held.iter().enumerate() {
                    same("lost", lost.contains(&position), attempt.lost())?;
                }
            }
            Step::LoseLock(pick) => {
                let all: Vec<(usize, String)> = self
                    .model
                    .queues
                    .iter()
                    .enumerate()
                    .flat_map(|(q, queue)| queue.active.iter().map(move |id| (q, id.clone())))
                    .collect();
                if let Some((q, id)) = all.get(pick % all.len().max(1)) {
                    self.lose_lock(*q, id, redis);
                }
            }
            Step::Crash(w) => {
                for (q, held) in self.in_flight[*w].iter_mut().enumerate() {
                    for (id, token) in pairs(&std::mem::take(held)) {
                        let job = self.model.queues[q].jobs.get(&id);
                        if job.is_some_and(|job| job.lock.as_ref() == Some(&token)) {
                            let job = self.model.queues[q].jobs.get_mut(&id).unwrap();
                            job.lock = None;
                            delete(redis, &format!("bull:{}:{id}:lock", QUEUES[q]));
                        }
                    }
                }
            }
            Step::LoseAnswer(w, q, want) => {
                let (_, taken) = self.workers[*w][*q]
                    .settle(&Batch::default(), *want)
                    .await
                    .unwrap();
                self.model.take(*q, *want, &taken.token);
                self.starts(*q, &taken.jobs);
            }
            Step::Recover(w, q) => {
                let expected = self.model.recover(*q);
                let got = self.workers[*w][*q].recover().await.unwrap();
                same("put back", expected, got)?;
            }
            Step::Adopt(w, q) => {
                let in_flight = InFlight::default();
                for attempt in &self.in_flight[*w][*q] {
                    in_flight.insert(attempt);
                }
                let held = pairs(&self.in_flight[*w][*q]);
                let expected = self.model.adopt(*q, &format!("w{w}:"), &held);
                let got = self.workers[*w][*q].adopt(&in_flight).await.unwrap();
                same("adopted", expected, got)?;
            }
            Step::Pause(q) => {
                self.workers[0][*q].pause().await.unwrap();
                self.model.queues[*q].paused = true;
            }
            Step::Resume(q) => {
                self.workers[0][*q].resume().await.unwrap();
                let queue = &mut self.model.queues[*q];
                queue.paused = false;
                queue.must_wake = queue.runnable();
            }
            Step::Concurrency(q, cap) => {
                self.workers[0][*q]
                    .set_concurrency(cap.map(|cap| cap as u64))
                    .await
                    .unwrap();
                let queue = &mut self.model.queues[*q];
                queue.cap = *cap;
                queue.wake_if_runnable();
            }
            Step::Limit(q, max) => {
                let limit = max.map(|max| Limiter {
                    max: u32::try_from(max).unwrap(),
                    duration: HOUR,
                });
                self.workers[0][*q].set_limit(limit).await.unwrap();
                let queue = &mut self.model.queues[*q];
                queue.max = *max;
                queue.wake_if_runnable();
            }
            Step::TimePasses => {
                redis_state::age(redis, AGE);
                self.model.age();
                self.window = vec![(0, 0); 2];
            }
        }
        self.check(redis)
    }

    async fn add(&mut self, q: usize, jobs: &[New]) -> Result<(), String> {
        let new: Vec<NewJob> = jobs
            .iter()
            .map(|new| NewJob {
                name: "n".into(),
                data: "{}".into(),
                delay: u64::try_from(hours(new.delay).as_millis()).unwrap(),
                priority: u32::try_from(new.priority).unwrap(),
                lifo: new.lifo,
                options: opts(new),
                deduplication: new.deduplication.map(|kind| runner::queue::Deduplication {
                    id: model::deduplication_id(kind).into(),
                    keep_last_if_active: kind == Deduplication::KeepLast,
                    ..runner::queue::Deduplication::default()
                }),
                ..NewJob::default()
            })
            .collect();
        let added = self.workers[0][q].add(&new).await.unwrap();
        let got: Vec<String> = added.into_iter().map(|added| added.id).collect();
        let mut expected = Vec::new();
        for new in jobs {
            let id = self.model.next_id(q);
            expected.push(self.model.add(q, &id, new));
        }
        same("ids", expected, got)
    }

    fn child(
        &mut self,
        redis: &mut redis::Connection,
        leaf: &Leaf,
        (q, id, policy): (usize, String, model::Policy),
        parent_too: bool,
    ) -> String {
        let link = Link {
            queue: q,
            id,
            policy,
        };
        let key = self.model.queues[q].key(&link.id);
        let above = Some((key.as_str(), policy));
        let new = redis_state::add(redis, QUEUES[leaf.queue], &leaf.new, above, parent_too);
        if parent_too {
            self.model
                .add_parent(leaf.queue, &new, &leaf.new, Some(link));
        } else {
            self.model.add_child(leaf.queue, &new, &leaf.new, link);
        }
        new
    }

    // Long because it does what one call of the script does, in its order.
    /// One call of a worker: some attempts end, some jobs are taken.
    async fn work(
        &mut self,
        w: usize,
        q: usize,
        ends: &[(usize, End)],
        want: usize,
        redis: &mut redis::Connection,
    ) -> Result<(), String> {
        let held = &mut self.in_flight[w][q];
        let mut settlements = Vec::new();
        let mut expected = Vec::new();
        for (pick, end) in ends {
            if held.is_empty() {
                break;
            }
            let attempt = held.remove(pick % held.len());
            let end = if self.must_fail.remove(&held_as(&attempt)) {
                &End::Reject
            } else {
                end
            };
            let outcome = attempt.job.refused().unwrap_or(match end {
                End::Complete => Outcome::Completed(format!("{:?}", attempt.token)),
                End::Fail => retry(None),
                End::FailFor(wait) => retry(Some(hours(*wait))),
                End::Reject => Outcome::Rejected(failed("it failed")),
                End::Snooze(wait) => Outcome::Snoozed {
                    delay: hours(*wait),
                    reason: String::new(),
                },
                End::Release => Outcome::Released,
            });
            let (id, token) = held_as(&attempt);
            expected.push((id, token, *end));
            settlements.push(Settlement { attempt, outcome });
        }
        let batch = Batch::new(settlements);
        let (settled, taken) = self.workers[w][q].settle(&batch, want).await.unwrap();

        let now = if expected.is_empty() {
            0
        } else {
            redis_state::last_end(redis)
        };
        let states = self.model.settle(q, &expected, now);
        for (attempt, state) in batch.attempts().zip(&states) {
            let key = self.model.queues[q].key(&attempt.job.id);
            match *state {
                Some("completed") => {
                    self.values.insert(key, format!("{:?}", attempt.token));
                }
                Some(CHILD_FAILED) => {
                    self.in_flight[w][q].push(attempt.clone());
                    self.must_fail.insert(held_as(attempt));
                }
                _ => {}
            }
        }
        let states: Vec<Settled> = states
            .into_iter()
            .map(|state| match state {
                Some(CHILD_FAILED) => Settled::ChildFailed("moveToFinished"),
                Some(state) => Settled::Now(state.parse().expect("a state")),
                None => Settled::Lost,
            })
            .collect();
        same("settled", states, settled)?;

        let expected = self.model.take(q, want, &taken.token);
        let ids = taken.jobs.iter().map(|job| job.id.clone()).collect();
        same("taken", expected.ids, ids)?;
        same("limited", expected.limited, taken.limited_for.is_some())?;
        same("I9: looks", expected.looks, taken.delayed_for.is_some())?;
        self.starts(q, &taken.jobs);
        for job in taken.jobs {
            let stored = &self.model.queues[q].jobs[&job.id];
            same("attempts made", stored.made, job.attempts_made)?;
            same("starts", stored.starts, job.starts)?;
            same("stalls", stored.stalls, job.stalls)?;
            same("deferred", &stored.deferred, &job.deferred_failure)?;
            let queue = self.workers[w][q].clone();
            let attempt = Attempt::new(job, queue, taken.token.clone(), HOUR);
            self.in_flight[w][q].push(Arc::new(attempt));
        }
        Ok(())
    }

    fn starts(&mut self, q: usize, jobs: &[runner::queue::Job]) {
        let Some(max) = self.model.queues[q].max else {
            return;
        };
        let ran = jobs.iter().filter(|job| job.deferred_failure.is_none());
        let (starts, most) = &mut self.window[q];
        *starts += ran.count() as u64;
        *most = max.max(*most);
    }

    fn lose_lock(&mut self, q: usize, id: &str, redis: &mut redis::Connection) {
        self.model.queues[q].jobs.get_mut(id).unwrap().lock = None;
        delete(redis, &format!("bull:{}:{id}:lock", QUEUES[q]));
    }

    /// Redis against the model, and against the invariants.
    fn check(&self, redis: &mut redis::Connection) -> Result<(), String> {
        let state = State::read(redis);
        for queue in &self.model.queues {
            if queue.must_wake {
                let name = format!("{}marker", queue.base);
                same("I6: marker", Some("0"), state.marker(&name))?;
            }
        }
        for (starts, most) in &self.window {
            if starts > most {
                return Err(format!("I7: {starts} starts under a limit of {most}"));
            }
        }
        state.invariants(&self.model, &self.values)?;
        state.equals(&self.model, self.v5)
    }

    pub(super) fn more_to_do(&self) -> bool {
        let held = self.in_flight.iter().flatten().any(|held| !held.is_empty());
        let queues = self.model.queues.iter();
        held || queues
            .into_iter()
            .any(|queue| queue.runnable() || !queue.delayed.is_empty())
    }

    /// In the end only parents remain that wait for a child which failed
    /// and holds them.
    pub(super) fn nothing_is_left(&self) -> Result<(), String> {
        for queue in &self.model.queues {
            same("wait", 0, queue.wait.len())?;
            same("active", 0, queue.active.len())?;
            same("prioritized", 0, queue.prioritized.len())?;
            same("delayed", 0, queue.delayed.len())?;
            for id in &queue.waiting_children {
                for child in &queue.children[id].dependencies {
                    let held = self.model.queues.iter().any(|queue| {
                        queue
                            .failed
                            .iter()
                            .chain(&queue.waiting_children)
                            .any(|id| queue.key(id) == *child)
                    });
                    if !held {
                        return Err(format!("{id} waits for {child}, which has gone"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn opts(new: &New) -> config::JobDefaults {
    let keep = |count: Option<usize>| {
        count.map(|count| config::Keep {
            age: None,
            count: Some(count as u64),
            limit: None,
        })
    };
    config::JobDefaults {
        attempts: Some(new.attempts),
        backoff: (new.backoff > 0).then(|| config::Backoff {
            kind: config::BackoffKind::Fixed,
            delay: HOUR * new.backoff as u32,
            jitter: 0.0,
        }),
        remove_on_complete: keep(new.keep_completed),
        remove_on_fail: keep(new.keep_failed),
        size_limit: None,
    }
}

fn hours(hours: u64) -> Duration {
    HOUR * u32::try_from(hours).unwrap()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, got: T) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, got {got:?}"))
}

fn retry(delay: Option<Duration>) -> Outcome {
    Outcome::Retry {
        failure: failed("it failed"),
        delay,
    }
}

fn pairs(attempts: &[Arc<Attempt>]) -> Vec<(String, String)> {
    attempts.iter().map(held_as).collect()
}

/// Job and lock.
fn held_as(attempt: &Arc<Attempt>) -> (String, String) {
    (attempt.job.id.clone(), attempt.token.clone())
}

fn delete(redis: &mut redis::Connection, key: &str) {
    redis::cmd("DEL").arg(key).query::<()>(redis).unwrap();
}
