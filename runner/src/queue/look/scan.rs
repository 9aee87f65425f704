//! Going through the jobs of a state a page at a time, while they come and go: with the
//! fields that are asked for, and from a place that can be kept.
//!
//! A page costs Redis about a millisecond. A job that stays where it is is met, and only
//! once unless all of the jobs around it went away meanwhile.

use redis::{Cmd, Value};
use serde::{Deserialize, Serialize};

use crate::queue::handle::Queue;
use crate::queue::look::find::{Field, Found};
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::wire::script::script;

script!(SCAN, "scan", "look/scan");

/// Jobs of a page at most: Redis reads a few fields of as many in about half a
/// millisecond. Who asks for several pages at once shares them out.
pub const PAGE: usize = 200;
/// Bytes of fields after which a whole page ends: Redis copies them in less than half a
/// millisecond. A part of a page has its part of them.
const BYTES: usize = 256 << 10;
/// Places of a list that one call looks through for the last jobs.
const WINDOW: usize = 2000;
/// Jobs that are remembered to find the place in a list again.
const LAST: usize = 8;

/// Where a scan of one state goes on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Which key of the state.
    key: usize,
    /// How many of it have been looked at.
    looked: u64,
    /// The last ones that were: in a list some, in a set one.
    last: Vec<String>,
    /// See [`Place::steady`].
    steady: Vec<String>,
    /// The score of the last one in a set.
    score: String,
}

/// What a scan looks at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// What is to be known of each job.
    pub fields: Vec<Field>,
    /// Ended jobs no earlier than this, ms since 1970.
    pub since: Option<u64>,
    /// Ended jobs no later than this.
    pub until: Option<u64>,
    /// Ended jobs from the oldest to the newest, not the other way round.
    pub oldest_first: bool,
}

/// Some jobs of a state.
#[derive(Debug)]
pub struct Page {
    /// The jobs, with the fields that were asked for. Jobs whose hash is gone, or no
    /// hash, have none.
    pub jobs: Vec<Found>,
    /// Whether these are the last.
    pub end: bool,
}

impl Place {
    /// How many jobs are before it.
    pub fn looked(&self) -> u64 {
        self.looked
    }

    /// Whether a scan can have come here. Whoever makes a place up is not to meet Redis'
    /// opinion of it.
    pub fn is_one(&self) -> bool {
        let number = |score: &str| score.parse::<f64>().is_ok_and(|score| !score.is_nan());
        self.looked < 1 << 53
            && self.last.len() <= LAST
            && self.steady.len() <= LAST
            && (self.score.is_empty() || number(&self.score))
    }

    /// Jobs of the last page that are likely to stay where they are: they show the place
    /// if those at the end of the page are removed.
    pub fn steady<'i>(&mut self, ids: impl DoubleEndedIterator<Item = &'i str>) {
        // In a set its score shows it.
        if !self.score.is_empty() {
            return;
        }
        let ids = ids.rev().take(LAST).map(str::to_owned);
        let mut ids: Vec<String> = ids.collect();
        if !ids.is_empty() {
            ids.reverse();
            self.steady = ids;
        }
    }
}

impl Queue {
    /// The next jobs of a state, at most `size` and [`PAGE`] of them; `place` is moved
    /// behind them. Those that run next come first, ended ones newest first.
    pub async fn scan(
        &self,
        state: State,
        place: &mut Place,
        look: &Look,
        size: usize,
    ) -> Result<Page, Error> {
        let size = size.min(PAGE);
        // How far the last jobs of a list are looked for from where they were.
        let mut behind = place.looked;
        loop {
            let Some(key) = state.keys().get(place.key) else {
                let jobs = Vec::new();
                return Ok(Page { jobs, end: true });
            };
            let reply = SCAN
                .run(self.redis(), self.base(), |command| {
                    let fields = look.fields.iter().map(|field| field.name());
                    let fields: Vec<&str> = fields.collect();
                    let bytes = BYTES / PAGE * size;
                    command.arg(key).arg(kind(state, look)).arg(size).arg(bytes);
                    command.arg(fields.len()).arg(&fields);
                    go_on(command, state, place, look, behind);
                })
                .await?;
            let mut values = list(reply).into_iter();
            let (Some(looked), Some(end)) = (values.next(), values.next()) else {
                return Err(Error::Answer(SCAN.name()));
            };
            if whole(&looked) < 0 {
                // Not there: nearer to the end, or, if nowhere, they and all before them
                // are gone.
                behind = nearer(behind, whole(&end) as u64);
                if behind == 0 {
                    *place = Place {
                        key: place.key,
                        ..Place::default()
                    };
                }
                continue;
            }
            place.looked = whole(&looked) as u64;
            let (jobs, past) = read(state, place, look, values);
            let mut end = whole(&end) == 1 || past;
            if end && place.key + 1 < state.keys().len() {
                *place = Place {
                    key: place.key + 1,
                    ..Place::default()
                };
                end = false;
                if jobs.is_empty() {
                    behind = 0;
                    continue;
                }
            }
            return Ok(Page { jobs, end });
        }
    }

    /// How many jobs of a state a scan would look at.
    pub async fn scanned(&self, state: State, look: &Look) -> Result<u64, Error> {
        if !state.is_ended() || (look.since, look.until) == (None, None) {
            return self.count(state).await;
        }
        let bound = |at: Option<u64>, none: &str| at.map_or(none.to_owned(), |at| at.to_string());
        let mut command = redis::cmd("ZCOUNT");
        command.arg(self.key(state.name()));
        command
            .arg(bound(look.since, "-inf"))
            .arg(bound(look.until, "+inf"));
        Ok(whole(&self.redis().call(&command).await?) as u64)
    }
}

/// Where the last jobs of a list are looked for next, in one of this length: none of them
/// is behind its end.
fn nearer(behind: u64, length: u64) -> u64 {
    match behind > length {
        true => length,
        false => behind.saturating_sub(WINDOW as u64),
    }
}

/// Where the script goes on.
fn go_on(command: &mut Cmd, state: State, place: &Place, look: &Look, behind: u64) {
    if state.is_list() {
        command.arg(behind).arg(WINDOW);
        command.arg(&place.steady).arg(&place.last);
        return;
    }
    let last = place.last.last().map_or("", String::as_str);
    command.arg(&place.score).arg(last);
    let begin = match look.oldest_first {
        true => look.since,
        false => look.until,
    };
    if let Some(begin) = begin.filter(|_| state.is_ended()) {
        command.arg(begin);
    }
}

fn kind(state: State, look: &Look) -> &'static str {
    match state {
        _ if state.is_list() => "list",
        _ if state.is_ended() && !look.oldest_first => "down",
        _ => "up",
    }
}

/// Whether this and all that follow are not looked at.
fn is_past(ended: u64, look: &Look) -> bool {
    match look.oldest_first {
        true => look.until.is_some_and(|until| ended > until),
        false => look.since.is_some_and(|since| ended < since),
    }
}

/// The jobs of a reply, and whether those that follow are too old, or too new.
fn read(
    state: State,
    place: &mut Place,
    look: &Look,
    mut values: impl Iterator<Item = Value>,
) -> (Vec<Found>, bool) {
    let mut jobs: Vec<Found> = Vec::new();
    let mut past = false;
    while let (Some(id), Some(score)) = (values.next().and_then(text), values.next()) {
        let mut job = Found::at(id, state);
        for field in &look.fields {
            if let Some(value) = values.next() {
                job.set(*field, value);
            }
        }
        if !state.is_list() {
            place.score = text(score.clone()).unwrap_or_default();
            place.last = vec![job.id.clone()];
            past = state.is_ended() && is_past(whole(&score) as u64, look);
            if past {
                break;
            }
        }
        jobs.push(job);
    }
    if state.is_list() {
        let from = jobs.len().saturating_sub(LAST);
        if !jobs.is_empty() {
            place.last = jobs[from..].iter().map(|job| job.id.clone()).collect();
        }
    }
    (jobs, past)
}
