//! Going through the jobs that a filter may match, in one queue or many: a step at a
//! time, each short for Redis, from a place that can be kept.
//!
//! What must not be seen is covered before the filter sees it, so that a search tells
//! nobody what it does not show.

mod call;

use std::collections::HashSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::queue::{Error, Field, Found, Look, Place, Queue, State};
use crate::verbs::cover::Cover;
use crate::verbs::filter::{Filter, Subject};
use crate::verbs::here::Here;
use crate::verbs::{self, Kind, cursor};

pub use self::call::{Answer, Bounds, Call, Line, Progress, Stop};

/// Ids that are asked for one by one at most; more are found by going through all jobs.
const NAMED: usize = 100;

/// A queue that is searched, and what of its jobs is not seen.
#[derive(Debug, Clone)]
pub struct Target {
    /// The queue.
    pub queue: Queue,
    /// What is covered.
    pub cover: Cover,
}

impl Target {
    /// Queues for one who sees all of a payload, or does not.
    pub fn of(here: &Here, names: &[String], sees: bool) -> Vec<Target> {
        let targets = names.iter().map(|name| Target {
            queue: here.queue(name),
            cover: match sees {
                true => Cover::none(),
                false => Cover::of(&here.config, name),
            },
        });
        targets.collect()
    }
}

/// A search under way.
#[derive(Debug)]
pub struct Search {
    targets: Vec<Target>,
    filter: Filter,
    states: Vec<State>,
    oldest_first: bool,
    spot: Spot,
    total: u64,
    /// Jobs that have been found: one that moves is met again.
    known: HashSet<(usize, String)>,
}

/// Where a search goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Spot {
    /// The instant that counts as now from the first call to the last.
    now: u64,
    /// Jobs looked at so far.
    looked: u64,
    queue: String,
    state: usize,
    place: Place,
}

/// What one step has found.
#[derive(Debug)]
pub struct Step {
    /// In which of the targets.
    pub target: usize,
    /// Jobs that match, with what the filter had to know of them.
    pub hits: Vec<Found>,
}

impl Search {
    /// Begin, or go on where `cursor` says. Through these states in this order, all that
    /// the filter names if there are none; queues by their order.
    ///
    /// # Errors
    /// [`Kind::InvalidCursor`] when the cursor is not one of this search.
    pub async fn begin(
        targets: Vec<Target>,
        filter: Filter,
        states: &[State],
        cursor: Option<&str>,
    ) -> verbs::Result<Search> {
        let allowed = filter.states();
        let states = match states {
            [] => allowed,
            states => {
                let both = states.iter().filter(|state| allowed.contains(state));
                both.copied().collect()
            }
        };
        let covers = |target: &Target| filter.covers(target.queue.name());
        let targets: Vec<Target> = targets.into_iter().filter(covers).collect();
        let mut search = Search {
            spot: Spot {
                now: 0,
                looked: 0,
                queue: targets.first().map_or("", |of| of.queue.name()).to_owned(),
                state: 0,
                place: Place::default(),
            },
            targets,
            filter,
            states,
            oldest_first: false,
            total: 0,
            known: HashSet::new(),
        };
        if let Some(cursor) = cursor {
            let spot = cursor::open(&search.context(), cursor);
            search.spot = spot
                .map_err(|forged| verbs::Error::refused(Kind::InvalidCursor, forged.to_string()))?;
        } else if let Some(target) = search.targets.first() {
            search.spot.now = target.queue.now().await?;
        }
        search.total = search.count().await?;
        Ok(search)
    }

    /// Go through ended jobs from the oldest to those that had ended when it began.
    pub fn oldest_first(self) -> Search {
        Search {
            oldest_first: true,
            ..self
        }
    }

    /// What a cursor of this search is for.
    fn context(&self) -> String {
        let names = self.targets.iter().map(|target| target.queue.name());
        let names: Vec<&str> = names.collect();
        let states: Vec<&str> = self.states.iter().map(|state| state.name()).collect();
        format!("search {names:?} {states:?} {}", self.filter)
    }

    /// The cursor with which another search goes on from here.
    pub fn cursor(&self) -> String {
        cursor::seal(&self.context(), &self.spot)
    }

    /// Jobs looked at so far, by the searches before it, too.
    pub fn looked(&self) -> u64 {
        self.spot.looked
    }

    /// Jobs that were there to be looked at when it began.
    pub fn total(&self) -> u64 {
        self.total.max(self.spot.looked)
    }

    /// Whether there are jobs that have not been looked at. Counts do not tell: jobs come
    /// and go meanwhile.
    pub async fn has_more(&self) -> Result<bool, Error> {
        let mut targets = self.targets.iter();
        let Some(at) = targets.position(|target| target.queue.name() == self.spot.queue) else {
            return Ok(false);
        };
        for (number, target) in self.targets.iter().enumerate().skip(at) {
            let is_begun = number == at;
            let look = self.look(target);
            let from = if is_begun { self.spot.state } else { 0 };
            for state in self.states.iter().skip(from) {
                let is_here = is_begun && self.states.get(from) == Some(state);
                let seen = match is_here && look.until.is_none() {
                    true => self.spot.place.looked(),
                    false => 0,
                };
                if target.queue.scanned(*state, &look).await? > seen {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Its queues.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn look(&self, target: &Target) -> Look {
        let now = self.spot.now;
        let (since, until) = self.filter.window(now);
        // Who ends again meanwhile has had their turn.
        let until = match self.oldest_first {
            true => Some(until.map_or(now, |until| until.min(now))),
            false => until,
        };
        let mut fields = self.filter.fields();
        // To cover what was said of a payload, the payload must be known, and to cover
        // that, the name.
        let says = [Field::Data, Field::Result, Field::Reason, Field::Traces];
        if !target.cover.is_none() && says.iter().any(|field| fields.contains(field)) {
            for field in [Field::Name, Field::Data] {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
        Look {
            fields,
            since,
            until,
            oldest_first: self.oldest_first,
        }
    }

    async fn count(&self) -> Result<u64, Error> {
        if let Some(ids) = self.named() {
            return Ok((ids.len() * self.targets.len()) as u64);
        }
        let counts = self.targets.iter().map(async |target| {
            let look = self.look(target);
            let states = self.states.iter();
            let counts = states.map(|state| target.queue.scanned(*state, &look));
            let counts = try_join_all(counts).await?;
            Ok::<u64, Error>(counts.into_iter().sum())
        });
        Ok(try_join_all(counts).await?.into_iter().sum())
    }

    /// The ids that the filter names, if they are few.
    fn named(&self) -> Option<Vec<String>> {
        let ids = self.filter.ids()?;
        let ids = (ids.len() <= NAMED).then_some(ids)?;
        Some(ids.into_iter().map(str::to_owned).collect())
    }

    /// Look at some more jobs, at most `budget`, until `wanted` of them match. None when
    /// all have been looked at.
    pub async fn step(&mut self, wanted: usize, budget: usize) -> Result<Option<Step>, Error> {
        loop {
            let name = &self.spot.queue;
            let mut targets = self.targets.iter();
            let Some(at) = targets.position(|target| target.queue.name() == name) else {
                return Ok(None);
            };
            if let Some(ids) = self.named() {
                let step = self.find(at, ids).await?;
                self.go_on(at + 1);
                return Ok(Some(step));
            }
            let Some(state) = self.states.get(self.spot.state).copied() else {
                self.go_on(at + 1);
                continue;
            };
            return self.scan(at, state, wanted, budget).await.map(Some);
        }
    }

    /// Begin with another queue.
    fn go_on(&mut self, target: usize) {
        let next = self.targets.get(target);
        self.spot.queue = next.map_or("", |target| target.queue.name()).to_owned();
        self.spot.state = 0;
        self.spot.place = Place::default();
    }

    /// The jobs of these ids.
    async fn find(&mut self, at: usize, ids: Vec<String>) -> Result<Step, Error> {
        let Target { queue, cover } = self.targets[at].clone();
        self.spot.looked += ids.len() as u64;
        let found = try_join_all(ids.iter().map(|id| queue.find(id))).await?;
        let jobs = found.into_iter().flatten();
        let jobs = jobs.filter(|job| self.states.contains(&job.state));
        let jobs = jobs.map(|mut job| {
            cover.job(&mut job);
            job
        });
        let hits = jobs.filter(|job| self.fits(&queue, job)).collect();
        Ok(Step { target: at, hits })
    }

    fn fits(&self, queue: &Queue, job: &Found) -> bool {
        let subject = Subject::of(queue.name(), job);
        self.filter.matches(&subject, self.spot.now)
    }

    async fn scan(
        &mut self,
        at: usize,
        state: State,
        wanted: usize,
        budget: usize,
    ) -> Result<Step, Error> {
        let Target { queue, cover } = self.targets[at].clone();
        let look = self.look(&self.targets[at]);
        let mut size = budget;
        loop {
            let mut place = self.spot.place.clone();
            let page = queue.scan(state, &mut place, &look, size).await?;
            let mut jobs = page.jobs;
            if !cover.is_none() {
                jobs.iter_mut().for_each(|job| cover.job(job));
            }
            let fits: Vec<bool> = jobs.iter().map(|job| self.fits(&queue, job)).collect();
            let hits = fits.iter().enumerate().filter(|(_, fits)| **fits);
            let mut beyond = hits.skip(wanted.saturating_sub(1)).map(|(at, _)| at);
            if let (Some(last), Some(_)) = (beyond.next(), beyond.next()) {
                // The place must be behind the last that is wanted.
                size = last + 1;
                continue;
            }
            let others = jobs.iter().zip(&fits).filter(|(_, fits)| !**fits);
            place.steady(others.map(|(job, _)| job.id.as_str()));
            self.spot.looked += jobs.len() as u64;
            if page.end {
                self.spot.state += 1;
                place = Place::default();
            }
            self.spot.place = place;
            let hits = jobs.into_iter().zip(fits).filter(|(_, fits)| *fits);
            let mut hits: Vec<Found> = hits.map(|(job, _)| job).collect();
            hits.retain(|job| self.known.insert((at, job.id.clone())));
            return Ok(Step { target: at, hits });
        }
    }

    /// The jobs of a step with all that is stored of them, as they are now.
    pub async fn whole(&self, step: &Step) -> Result<Vec<Found>, Error> {
        let Target { queue, cover } = &self.targets[step.target];
        let found = try_join_all(step.hits.iter().map(|hit| queue.whole(hit)));
        let mut jobs: Vec<Found> = found.await?.into_iter().flatten().collect();
        jobs.iter_mut().for_each(|job| cover.job(job));
        Ok(jobs)
    }
}
