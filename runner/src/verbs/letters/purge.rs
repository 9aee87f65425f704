//! Letters are thrown away.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::walk::Walk;
use super::{Meant, Which};
use crate::queue::{Queue, Removal};
use crate::verbs::{Here, Refused, Result};

/// Ids in one call of Redis.
const CALL: usize = 100;

/// What was purged.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Purged {
    /// The dead letter queue.
    pub queue: String,
    /// How many letters were removed; with `dryRun`, how many would be.
    pub removed: u64,
    /// Why others were not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Goes on behind them; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Remove letters for good.
///
/// # Errors
/// When there is no such dead letter queue, or the question is wrong.
pub async fn purge(here: &Here, queue: &str, which: &Which) -> Result<Purged> {
    let queue = super::dead(here, queue)?;
    let mut purged = Purged {
        queue: queue.name().to_owned(),
        removed: 0,
        refused: Vec::new(),
        cursor: None,
    };
    let filter = match which.meant()? {
        Meant::Ids(ids) => {
            for ids in ids.chunks(CALL) {
                remove(&queue, ids, true, &mut purged).await?;
            }
            return Ok(purged);
        }
        Meant::All(filter) => filter,
    };
    let cursor = which.cursor.as_deref();
    let mut walk = Walk::begin(here, &queue, "purge", filter, cursor, false).await?;
    let (mut ids, mut places) = (Vec::new(), Vec::new());
    while ids.len() < which.limit() {
        let Some(letter) = walk.next().await? else {
            break;
        };
        ids.push(letter.id);
        places.push(walk.last());
    }
    if which.dry_run {
        purged.removed = ids.len() as u64;
    } else {
        let mut gone = Vec::new();
        for ids in ids.chunks(CALL) {
            gone.extend(remove(&queue, ids, false, &mut purged).await?);
        }
        let gone = std::iter::zip(places, gone).filter(|(_, gone)| *gone);
        gone.for_each(|(place, _)| walk.took(place));
    }
    purged.cursor = (!walk.is_over()).then(|| walk.cursor());
    Ok(purged)
}

/// Remove these; which of them are gone.
async fn remove(
    queue: &Queue,
    ids: &[String],
    named: bool,
    purged: &mut Purged,
) -> Result<Vec<bool>> {
    let ends = queue.remove(ids, false).await?;
    let mut gone = Vec::new();
    for (id, end) in std::iter::zip(ids, ends) {
        gone.push(matches!(end, Removal::Done | Removal::Missing));
        match end {
            Removal::Done => purged.removed += 1,
            // Somebody else was faster, and that is what was wanted.
            Removal::Missing if !named => {}
            Removal::Missing => purged.refused.push(super::missing(queue, id).of(id)),
            Removal::Locked | Removal::NextRun => purged.refused.push(super::active(id).of(id)),
        }
    }
    Ok(gone)
}
