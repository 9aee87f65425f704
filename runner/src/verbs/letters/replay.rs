//! Letters go back to work.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use utoipa::ToSchema;

use super::walk::Walk;
use super::{Meant, Rate, Which};
use crate::queue::{Letter, Queue, Replay};
use crate::verbs::filter::Filter;
use crate::verbs::{Error, Here, Kind, Refusal, Refused, Result};

/// A call that replays at a rate ends after this time, and goes on by its cursor: whoever
/// asked over a network may be gone.
const LONGEST: Duration = Duration::from_secs(10);

/// Which letters are replayed, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayAsked {
    /// Ids of letters; no more than 1000 in one call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub ids: Vec<String>,
    /// All that this matches; `""` matches every letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// How many at most, of those that the filter matches; 1000 unless told, and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// Goes on where the same filter ended before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Change nothing: only count what the filter matches.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The queue they go to, instead of the one they failed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Give the jobs only the attempts they had left, but at least one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_attempts: bool,
    /// At most so many: `10/s`, `600/m`, `100/h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

impl ReplayAsked {
    /// Which letters are meant.
    fn which(&self) -> Which {
        Which {
            ids: self.ids.clone(),
            filter: self.filter.clone(),
            limit: self.limit,
            cursor: self.cursor.clone(),
            dry_run: self.dry_run,
        }
    }
}

/// What was replayed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// The dead letter queue.
    pub queue: String,
    /// The letters that went back to work.
    pub replayed: Vec<Moved>,
    /// How many the filter matched in this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Why others did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Goes on behind them; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A letter that went back to work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// The id of the letter that was.
    pub letter: String,
    /// The queue the job is in.
    pub queue: String,
    /// The id of the job.
    pub id: String,
}

/// Move letters back to work.
///
/// # Errors
/// When there is no such queue, or the question is wrong.
pub async fn replay(here: &Here, queue: &str, asked: &ReplayAsked) -> Result<Replayed> {
    let queue = super::dead(here, queue)?;
    if let Some(to) = &asked.to {
        here.declared(to)?;
        if to == queue.name() {
            let text = format!("{to:?} is where the letters are");
            return Err(Error::refused(Kind::InvalidRequest, text));
        }
    }
    let mut replay = Replaying {
        here,
        queue: &queue,
        asked,
        pace: asked.rate.as_ref().map(pace),
        targets: BTreeMap::new(),
        done: Replayed {
            queue: queue.name().to_owned(),
            replayed: Vec::new(),
            matched: None,
            refused: Vec::new(),
            cursor: None,
        },
    };
    let which = asked.which();
    match which.meant()? {
        Meant::Ids(ids) => replay.named(ids).await?,
        Meant::All(filter) => {
            let verb = if which.dry_run { "count" } else { "replay" };
            let cursor = which.cursor.as_deref();
            let walk = Walk::begin(here, &queue, verb, filter, cursor, false).await?;
            replay.all(walk, &which).await?;
        }
    }
    Ok(replay.done)
}

/// A call that takes longer than the pause does not hurry the next ones.
fn pace(rate: &Rate) -> Interval {
    let mut pace = tokio::time::interval(rate.pause().max(Duration::from_millis(1)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// What became of one letter.
enum End {
    Moved,
    /// It is no longer there.
    Gone,
    Refused,
}

struct Replaying<'r> {
    here: &'r Here,
    queue: &'r Queue,
    asked: &'r ReplayAsked,
    pace: Option<Interval>,
    /// The queues that letters went to.
    targets: BTreeMap<String, Queue>,
    done: Replayed,
}

impl Replaying<'_> {
    async fn named(&mut self, ids: &[String]) -> Result {
        for id in ids {
            let end = match self.queue.letter(id).await? {
                Some(letter) => self.one(&letter).await?,
                None => End::Gone,
            };
            if matches!(end, End::Gone) {
                let missing = super::missing(self.queue, id).of(id);
                self.done.refused.push(missing);
            }
        }
        Ok(())
    }

    async fn all(&mut self, mut walk: Walk<'_>, which: &Which) -> Result {
        let (began, mut matched) = (Instant::now(), 0);
        let in_time = |paced: bool| !paced || began.elapsed() < LONGEST;
        while matched < which.limit() as u64 && in_time(self.pace.is_some()) {
            let Some(letter) = walk.next().await? else {
                break;
            };
            matched += 1;
            if which.dry_run {
                continue;
            }
            // The copy of the walk is covered.
            let end = match self.queue.letter(&letter.id).await? {
                Some(letter) => self.one(&letter).await?,
                None => End::Gone,
            };
            // Somebody else was faster; of all letters that is none of them.
            if !matches!(end, End::Refused) {
                walk.took(walk.last());
            }
        }
        self.done.matched = Some(matched);
        self.done.cursor = (!walk.is_over()).then(|| walk.cursor());
        Ok(())
    }

    async fn one(&mut self, letter: &Letter) -> Result<End> {
        if let Some(pace) = &mut self.pace {
            pace.tick().await;
        }
        let to = match self.target(letter) {
            Ok(to) => to,
            Err(refusal) => {
                self.done.refused.push(refusal.of(&letter.id));
                return Ok(End::Refused);
            }
        };
        let anew = !self.asked.keep_attempts;
        Ok(match self.queue.replay(letter, &to, anew).await? {
            Replay::Done(id) => {
                self.done.replayed.push(Moved {
                    letter: letter.id.clone(),
                    queue: to.name().to_owned(),
                    id,
                });
                End::Moved
            }
            Replay::Missing => End::Gone,
            Replay::Active => {
                let active = super::active(&letter.id).of(&letter.id);
                self.done.refused.push(active);
                End::Refused
            }
        })
    }

    /// The queue a letter goes to: declared, so that a slip of the pen in the
    /// configuration does not fill a queue that nobody works on.
    fn target(&mut self, letter: &Letter) -> std::result::Result<Queue, Refusal> {
        let origin = letter.origin.as_ref().map(|origin| origin.queue.as_str());
        let Some(name) = self.asked.to.as_deref().or(origin) else {
            let text = format!(
                "letter {:?} does not say where it comes from; name a queue with --to",
                letter.id
            );
            return Err(Refusal::new(Kind::NoTarget, text));
        };
        if let Some(queue) = self.targets.get(name) {
            return Ok(queue.clone());
        }
        if !self.here.config.queues.contains_key(name) {
            let text = format!(
                "letter {:?} comes from queue {name:?}, which is no longer declared; name another \
                 one with --to",
                letter.id
            );
            return Err(Refusal::new(Kind::NoTarget, text));
        }
        let to = self.here.queue(name);
        self.targets.insert(name.to_owned(), to.clone());
        Ok(to)
    }
}
