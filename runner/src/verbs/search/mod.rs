//! Going through the jobs that a filter may match, in one queue or many: a step at a
//! time, each short for Redis, from a place that can be kept.
//!
//! What must not be seen is covered before the filter sees it, so that a search tells
//! nobody what it does not show.

mod call;
mod walk;

use std::collections::HashSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::queue::{Error, Field, Found, Look, Page, Queue, State};
use crate::verbs::cover::Cover;
use crate::verbs::filter::{Filter, Subject};
use crate::verbs::here::Here;
use crate::verbs::{self, Kind, cursor};

pub use self::call::{Answer, Bounds, Call, Line, Progress, Stop};
pub use self::walk::Order;
use self::walk::{Part, Plan, Walk, shares};

/// Redis' scripts and JSON count exactly below it.
const EXACT: u64 = 1 << 53;
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
    plan: Plan,
    oldest_first: bool,
    spot: Spot,
    /// Jobs that there were in each part when it began.
    counts: Vec<u64>,
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
    /// The next part of the plan; the next queue, when jobs are asked for by their ids.
    next: usize,
    /// The parts that were begun with and are not done with.
    walks: Vec<Walk>,
}

/// A job that one step has found.
#[derive(Debug)]
pub struct Hit {
    /// In which of the targets.
    pub target: usize,
    /// What the filter had to know of it.
    pub job: Found,
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
        order: Order,
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
                next: 0,
                walks: Vec::new(),
            },
            plan: Plan::new(targets.len(), states, order),
            targets,
            filter,
            oldest_first: false,
            counts: Vec::new(),
            known: HashSet::new(),
        };
        if let Some(cursor) = cursor {
            let spot = cursor::open::<Spot>(&search.context(), cursor);
            search.spot = spot
                .ok()
                .filter(|spot| search.can_be_at(spot))
                .ok_or_else(|| {
                    verbs::Error::refused(Kind::InvalidCursor, cursor::Forged.to_string())
                })?;
        } else if let Some(target) = search.targets.first() {
            search.spot.now = target.queue.now().await?;
        }
        search.counts = search.count().await?;
        Ok(search)
    }

    /// Whether a cursor can have come from here. Whoever makes one up is not to be given
    /// more to do than others.
    fn can_be_at(&self, spot: &Spot) -> bool {
        let mut walks = spot.walks.iter();
        let most = self.plan.parts().count().max(self.targets.len());
        spot.now.max(spot.looked) < EXACT
            && spot.next <= most
            && spot.walks.len() <= self.plan.width()
            && walks.all(|walk| walk.part < spot.next && walk.place.is_one())
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
        let states = self.plan.states().iter().map(|state| state.name());
        let states: Vec<&str> = states.collect();
        let order = self.plan.order.name();
        format!("search {order} {names:?} {states:?} {}", self.filter)
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
        self.counts.iter().sum::<u64>().max(self.spot.looked)
    }

    /// Whether there are jobs that have not been looked at. Counts do not tell: jobs come
    /// and go meanwhile.
    pub async fn has_more(&self) -> Result<bool, Error> {
        if self.named().is_some() {
            return Ok(self.spot.next < self.targets.len());
        }
        let begun = self.spot.walks.iter().cloned();
        let others = (self.spot.next..).map(|part| Walk {
            part,
            place: Default::default(),
        });
        for mut walk in begun.chain(others) {
            let Some(part) = self.plan.part(walk.part) else {
                return Ok(false);
            };
            let look = Look {
                fields: Vec::new(),
                ..self.look(part)
            };
            let queue = &self.targets[part.target].queue;
            loop {
                let page = queue.scan(part.state, &mut walk.place, &look, 1).await?;
                if !page.jobs.is_empty() {
                    return Ok(true);
                }
                if page.end {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// Its queues.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn look(&self, part: Part) -> Look {
        let (now, cover) = (self.spot.now, &self.targets[part.target].cover);
        let (mut since, mut until) = self.filter.window(now);
        if part.late {
            since = Some(since.map_or(now + 1, |since| since.max(now + 1)));
        } else if self.oldest_first || self.plan.parts_ended() {
            // Who ends meanwhile has had their turn, or will have it.
            until = Some(until.map_or(now, |until| until.min(now)));
        }
        let mut fields = self.filter.fields();
        // To cover what was said of a payload, the payload must be known, and to cover
        // that, the name.
        let says = [Field::Data, Field::Result, Field::Reason, Field::Traces];
        if !cover.is_none() && says.iter().any(|field| fields.contains(field)) {
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

    async fn count(&self) -> Result<Vec<u64>, Error> {
        if let Some(ids) = self.named() {
            return Ok(vec![ids.len() as u64; self.targets.len()]);
        }
        let counts = self.plan.parts().map(async |part| {
            let look = self.look(part);
            let queue = &self.targets[part.target].queue;
            queue.scanned(part.state, &look).await
        });
        try_join_all(counts).await
    }

    /// The ids that the filter names, if they are few.
    fn named(&self) -> Option<Vec<String>> {
        let ids = self.filter.ids()?;
        let ids = (ids.len() <= NAMED).then_some(ids)?;
        Some(ids.into_iter().map(str::to_owned).collect())
    }

    /// Look at some more jobs, at most `budget`, until `wanted` of them match. None when
    /// all have been looked at.
    pub async fn step(&mut self, wanted: usize, budget: usize) -> Result<Option<Vec<Hit>>, Error> {
        if let Some(ids) = self.named() {
            if self.spot.next >= self.targets.len() {
                return Ok(None);
            }
            let hits = self.find(self.spot.next, ids).await?;
            self.spot.next += 1;
            return Ok(Some(hits));
        }
        let Spot { walks, next, .. } = &mut self.spot;
        self.plan.begin(walks, next);
        let walks = walks.clone();
        if walks.is_empty() {
            return Ok(None);
        }
        let left: Vec<u64> = walks.iter().map(|walk| self.left(walk)).collect();
        let shares = shares(budget, &left);
        let asked = walks.iter().zip(&shares).filter(|(_, share)| **share > 0);
        let pages = asked.map(async |(walk, share)| {
            let mut walk = walk.clone();
            let page = self.page(&mut walk, *share).await?;
            Ok::<_, Error>((walk, page))
        });
        let mut hits = Vec::new();
        for (walk, page) in try_join_all(pages).await? {
            // What comes after the last that is wanted is looked at in the next step.
            if hits.len() < wanted {
                let more = self.settle(walk, page, wanted - hits.len()).await?;
                hits.extend(more);
            }
        }
        Ok(Some(hits))
    }

    /// About how many jobs of a part have not been looked at.
    fn left(&self, walk: &Walk) -> u64 {
        let count = self.counts.get(walk.part).copied().unwrap_or_default();
        count.saturating_sub(walk.place.looked())
    }

    /// The jobs of these ids.
    async fn find(&mut self, at: usize, ids: Vec<String>) -> Result<Vec<Hit>, Error> {
        let Target { queue, cover } = self.targets[at].clone();
        self.spot.looked += ids.len() as u64;
        let found = try_join_all(ids.iter().map(|id| queue.find(id))).await?;
        let jobs = found.into_iter().flatten();
        let jobs = jobs.filter(|job| self.plan.states().contains(&job.state));
        let jobs = jobs.map(|mut job| {
            cover.job(&mut job);
            job
        });
        let hits = jobs.filter(|job| self.fits(&queue, job));
        Ok(hits.map(|job| Hit { target: at, job }).collect())
    }

    fn fits(&self, queue: &Queue, job: &Found) -> bool {
        let subject = Subject::of(queue.name(), job);
        self.filter.matches(&subject, self.spot.now)
    }

    /// The next jobs of a part, as its caller may see them.
    async fn page(&self, walk: &mut Walk, size: usize) -> Result<Page, Error> {
        let Some(part) = self.plan.part(walk.part) else {
            let jobs = Vec::new();
            return Ok(Page { jobs, end: true });
        };
        let Target { queue, cover } = &self.targets[part.target];
        let look = self.look(part);
        let mut page = queue.scan(part.state, &mut walk.place, &look, size).await?;
        if !cover.is_none() {
            page.jobs.iter_mut().for_each(|job| cover.job(job));
        }
        Ok(page)
    }

    /// Take those of a page that match, and go on behind it, or behind the last of them
    /// that is wanted.
    async fn settle(
        &mut self,
        mut walk: Walk,
        mut page: Page,
        wanted: usize,
    ) -> Result<Vec<Hit>, Error> {
        let Some(part) = self.plan.part(walk.part) else {
            self.spot.walks.retain(|other| other.part != walk.part);
            return Ok(Vec::new());
        };
        let queue = self.targets[part.target].queue.clone();
        let fits = loop {
            let jobs = page.jobs.iter();
            let fits: Vec<bool> = jobs.map(|job| self.fits(&queue, job)).collect();
            let hits = fits.iter().enumerate().filter(|(_, fits)| **fits);
            let mut beyond = hits.skip(wanted.saturating_sub(1)).map(|(at, _)| at);
            let (Some(last), Some(_)) = (beyond.next(), beyond.next()) else {
                break fits;
            };
            // The place must be behind the last that is wanted.
            let mut walks = self.spot.walks.iter();
            if let Some(before) = walks.find(|other| other.part == walk.part) {
                walk = before.clone();
            }
            page = self.page(&mut walk, last + 1).await?;
        };
        let others = page.jobs.iter().zip(&fits).filter(|(_, fits)| !**fits);
        walk.place.steady(others.map(|(job, _)| job.id.as_str()));
        self.spot.looked += page.jobs.len() as u64;
        let walks = &mut self.spot.walks;
        match walks.iter().position(|other| other.part == walk.part) {
            Some(at) if page.end => drop(walks.remove(at)),
            Some(at) => walks[at] = walk,
            None => {}
        }
        let hits = page.jobs.into_iter().zip(fits).filter(|(_, fits)| *fits);
        let target = part.target;
        let hits = hits.map(|(job, _)| Hit { target, job });
        let is_new = |hit: &Hit| self.known.insert((target, hit.job.id.clone()));
        Ok(hits.filter(is_new).collect())
    }

    /// The jobs of a step with all that is stored of them, as they are now, each with
    /// which of the targets has it.
    pub async fn whole(&self, hits: &[Hit]) -> Result<Vec<(usize, Found)>, Error> {
        let found = hits.iter().map(async |hit| {
            let Target { queue, cover } = &self.targets[hit.target];
            let job = queue.whole(&hit.job).await?;
            Ok::<_, Error>(job.map(|mut job| {
                cover.job(&mut job);
                (hit.target, job)
            }))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }
}
