//! Dead letters: the queues that have them, which ones a filter matches, their way back
//! and their end. Asked by operators; knows `queue/dead` and what `queues.toml` sends
//! where, and decides in calls of bounded length, which go on by a cursor.

mod purge;
mod rate;
mod replay;
mod view;
mod walk;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::purge::{Purged, purge};
pub use self::rate::Rate;
pub use self::replay::{ReplayAsked, Replayed, replay};
pub use self::view::{DeadLetter, Origin};
use self::walk::Walk;
use super::cover::Cover;
use super::filter::Filter;
use super::{Error, Here, Kind, Refusal, Result};
use crate::config::Config;
use crate::queue::Queue;

/// The most letters that one call lists or changes.
pub const MOST: usize = 1000;

/// A dead letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadQueue {
    /// The queue.
    pub queue: String,
    /// The queues whose failed jobs come to it.
    pub from: Vec<String>,
    /// How many letters it has.
    pub letters: u64,
}

/// Some of the letters of a queue, those that wait first and the oldest of them first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Letters {
    /// Those that match.
    pub letters: Vec<DeadLetter>,
    /// How many were looked at.
    pub looked: u64,
    /// Goes on behind them; none at the end.
    pub cursor: Option<String>,
}

/// Which letters are meant: some by their ids, or all that a filter matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Which {
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
}

/// What [`Which`] means.
enum Meant<'w> {
    Ids(&'w [String]),
    All(&'w Filter),
}

impl Which {
    fn meant(&self) -> Result<Meant<'_>> {
        let wrong = |text: &str| Err(Error::refused(Kind::InvalidRequest, text));
        match &self.filter {
            Some(_) if !self.ids.is_empty() => wrong("give ids or a filter, not both"),
            Some(filter) => Ok(Meant::All(filter)),
            None if self.ids.is_empty() => {
                wrong("no letters are named: give ids, or a filter; the filter \"\" matches all")
            }
            None if self.ids.len() > MOST => {
                wrong("more than 1000 ids; send them in several calls")
            }
            None if self.cursor.is_some() => wrong("a cursor goes with a filter, not with ids"),
            None => Ok(Meant::Ids(&self.ids)),
        }
    }

    fn limit(&self) -> usize {
        self.limit.map_or(MOST, |limit| (limit as usize).min(MOST))
    }
}

/// The dead letter queues.
///
/// # Errors
/// When Redis does not answer.
pub async fn queues(here: &Here) -> Result<Vec<DeadQueue>> {
    let mut found = Vec::new();
    for name in here.config.queues.keys() {
        let from = sources(&here.config, name);
        if !from.is_empty() && here.scope.covers(name) {
            found.push(DeadQueue {
                queue: name.clone(),
                from,
                letters: here.queue(name).count_letters().await?,
            });
        }
    }
    Ok(found)
}

/// Letters that a filter matches, at most `limit` of them; with `payloads` nothing of
/// them is covered.
///
/// # Errors
/// When there is no such dead letter queue, or the cursor is none of this question.
pub async fn list(
    here: &Here,
    queue: &str,
    filter: &Filter,
    limit: usize,
    cursor: Option<&str>,
    payloads: bool,
) -> Result<Letters> {
    let queue = dead(here, queue)?;
    let mut walk = Walk::begin(here, &queue, "list", filter, cursor, payloads).await?;
    let mut letters = Vec::new();
    while let Some(letter) = walk.next().await? {
        if letters.len() == limit.min(MOST) {
            walk.put_back();
            break;
        }
        letters.push(DeadLetter::from(letter));
    }
    Ok(Letters {
        letters,
        looked: walk.looked(),
        cursor: (!walk.is_over()).then(|| walk.cursor()),
    })
}

/// One letter.
///
/// # Errors
/// When there is no such letter or dead letter queue.
pub async fn get(here: &Here, queue: &str, id: &str, payloads: bool) -> Result<DeadLetter> {
    let queue = dead(here, queue)?;
    let found = queue.letter(id).await?;
    let mut letter = found.ok_or_else(|| missing(&queue, id))?;
    if let Some(cover) = cover(here, &queue, payloads) {
        cover.letter(&here.config, &mut letter);
    }
    Ok(DeadLetter::from(letter))
}

/// What of its letters is not shown.
fn cover(here: &Here, queue: &Queue, payloads: bool) -> Option<Cover> {
    (!payloads).then(|| Cover::of(&here.config, queue.name()))
}

/// The queues whose failed jobs come to this one.
pub fn sources(config: &Config, name: &str) -> Vec<String> {
    let sends = |queue: &crate::config::Queue| {
        let jobs = queue.jobs.iter().map(|(_, settings)| settings);
        jobs.chain([&queue.base])
            .filter_map(|settings| settings.dead_letter.as_ref())
            .any(|to| to.queue == name)
    };
    let queues = config.queues.values().filter(|queue| sends(queue));
    queues.map(|queue| queue.name.clone()).collect()
}

/// A dead letter queue by its name.
fn dead(here: &Here, name: &str) -> Result<Queue> {
    let queue = here.declared(name)?;
    if !sources(&here.config, name).is_empty() {
        return Ok(here.queue(name));
    }
    let text = match &queue.base.dead_letter {
        Some(to) => format!(
            "queue {name:?} is not a dead letter queue; its dead letters are in {:?}",
            to.queue
        ),
        None => format!(
            "queue {name:?} is not a dead letter queue: no `dead_letter` names it; what failed in \
             it is retried with: runner job retry {name}"
        ),
    };
    Err(Error::refused(Kind::InvalidRequest, text))
}

fn missing(queue: &Queue, id: &str) -> Refusal {
    let text = format!(
        "queue {:?} has no letter {id:?}; it may have been replayed or removed",
        queue.name()
    );
    Refusal::new(Kind::UnknownLetter, text)
}

fn active(id: &str) -> Refusal {
    let text = format!("a worker is running letter {id:?}; wait for its end");
    Refusal::new(Kind::Running, text)
}
