//! Who has changed what through the API.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cursor;
use super::{Error, Here, Kind, Result};
use crate::queue;

/// Entries read in one go; those that do not fit the question are passed over.
const STEP: u32 = 500;
/// Entries that one answer looks at.
const LOOKS: usize = 5000;

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Of this caller only: `token:ci`, `user:ann`.
    pub who: Option<String>,
    /// Of this verb only: `pause`.
    pub verb: Option<String>,
    /// Whose target begins with this.
    pub target: Option<String>,
    /// Not older than this, in ms since 1970.
    pub since: Option<u64>,
}

/// Entries of the audit list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntries)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where older ones go on; none when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// That somebody has changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct Entry {
    /// When, in ms since 1970.
    pub at: u64,
    /// Who: `token:ci`, `user:ann`, `jwt:4711`, `local`.
    pub who: String,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was done.
    pub verb: String,
    /// What it was done to.
    pub target: String,
    /// To how many.
    pub count: u64,
    /// The runner that was asked.
    pub runner: String,
}

/// Up to `limit` entries, from where the cursor says.
///
/// # Errors
/// [`Kind::InvalidCursor`] for a cursor of another question, and those of Redis.
pub async fn audit(
    here: &Here,
    question: &Question,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Entries> {
    let context = serde_json::to_string(question).unwrap_or_default();
    let context = format!("audit {context}");
    let mut before: Option<String> = match cursor {
        None => None,
        Some(cursor) => Some(
            cursor::open(&context, cursor)
                .map_err(|forged| Error::refused(Kind::InvalidCursor, forged.to_string()))?,
        ),
    };
    let since = question.since.unwrap_or_default();
    let (mut entries, mut looks) = (Vec::new(), 0);
    loop {
        let page = queue::audited(&here.redis, before.as_deref(), since, STEP).await?;
        let is_last = page.len() < STEP as usize;
        for entry in page {
            looks += 1;
            before = Some(entry.id.clone());
            if question.fits(&entry) {
                entries.push(Entry::from(entry));
            }
            if entries.len() >= limit || looks >= LOOKS {
                let cursor = before.map(|id| cursor::seal(&context, &id));
                return Ok(Entries { entries, cursor });
            }
        }
        if is_last {
            let cursor = None;
            return Ok(Entries { entries, cursor });
        }
    }
}

impl Question {
    fn fits(&self, entry: &queue::Audited) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let target = self.target.as_deref().unwrap_or_default();
        is(&self.who, &entry.who) && is(&self.verb, &entry.verb) && entry.target.starts_with(target)
    }
}

impl From<queue::Audited> for Entry {
    fn from(entry: queue::Audited) -> Entry {
        Entry {
            at: entry.at(),
            who: entry.who,
            from: entry.from,
            verb: entry.verb,
            target: entry.target,
            count: entry.count,
            runner: entry.runner,
        }
    }
}
