//! Dead letters: a job that failed for good is copied to the dead letter queue
//! of its name. Decides where a copy goes and what its options say; the settle
//! script makes it in the call that fails the job, `bury` after a script that
//! fails jobs of itself.

use serde_json::json;

use crate::queue::add::NewJob;
use crate::queue::handle::Queue;
use crate::queue::settings::ByName;
use crate::queue::stored::options;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::list;
use crate::queue::wire::script::checked;

checked!(BURY, "bury", "lib/beside", "lib/dead_letter", "dead/bury");

/// What a copy is made of, beside the id.
const FIELDS: [&str; 9] = [
    "name",
    "data",
    "opts",
    "failedReason",
    "stacktrace",
    "atm",
    "finishedOn",
    "rv",
    "pb",
];

/// What is known of a job that has failed.
pub(in crate::queue) struct Failed<'a> {
    pub(in crate::queue) id: &'a str,
    pub(in crate::queue) name: &'a str,
    pub(in crate::queue) reason: &'a str,
    /// This one included.
    pub(in crate::queue) attempts_made: u32,
    /// `otp-sender@a1b2c3d4e5f6`, if one ran it.
    pub(in crate::queue) plugin: Option<&'a str>,
    pub(in crate::queue) runner: &'a str,
}

/// A copy to be made.
pub(in crate::queue) struct Copy {
    /// What the keys of the dead letter queue begin with.
    pub(in crate::queue) base: String,
    /// The options of the copy up to where the script goes on with the moment
    /// and the failed job's own: those of the dead letter queue for jobs added
    /// through Runner, and `deadLetter`, which says where the job comes from.
    pub(in crate::queue) head: String,
}

impl Queue {
    /// The copy to make of a failed job; none without a dead letter queue.
    pub(in crate::queue) fn dead_letter(&self, failed: &Failed<'_>) -> Option<Copy> {
        let to = self.settings().dead_letters.find(failed.name).as_deref()?;
        let mut options = NewJob::default().stored(&to.defaults);
        let origin = json!({
            "queue": self.name(),
            "id": failed.id,
            "reason": failed.reason,
            "attemptsMade": failed.attempts_made,
            "plugin": failed.plugin,
            "runner": failed.runner,
        });
        options.insert("deadLetter".to_owned(), origin);
        let mut head = serde_json::Value::Object(options).to_string();
        // Both objects are still open: `deadLetter` was inserted last.
        head.truncate(head.len() - "}}".len());
        Some(Copy {
            base: self.beside(&to.queue),
            head,
        })
    }

    /// Copy jobs that are in `failed` to their dead letter queues: those that a
    /// script of ours has failed, and those that a settle could not copy. What was
    /// copied before is not copied again, so it may be called as often as one
    /// likes. With `remove` those that `removeOnFail` removes at once are removed
    /// when they are copied. Returns how many have a copy now.
    ///
    /// # Errors
    /// Any error leaves open which were copied: call it again.
    pub async fn bury(&self, ids: &[String], remove: bool) -> Result<u64, Error> {
        let mut copies = 0;
        if self.settings().dead_letters == ByName::default() {
            return Ok(copies);
        }
        for id in ids {
            let mut command = redis::cmd("HMGET");
            command.arg(self.key(id)).arg(&FIELDS);
            let fields: Vec<Option<Vec<u8>>> = list(self.redis().call(&command).await?)
                .into_iter()
                .map(|value| match value {
                    redis::Value::BulkString(bytes) => Some(bytes),
                    _ => None,
                })
                .collect();
            let text = |at: usize| {
                let bytes = fields.get(at)?.as_deref()?;
                Some(String::from_utf8_lossy(bytes).into_owned())
            };
            let name = text(0).unwrap_or_default();
            let reason = text(3).unwrap_or_default();
            let made = text(5).and_then(|text| text.parse().ok());
            let (plugin, runner) = (text(7), text(8).unwrap_or_default());
            let copy = self.dead_letter(&Failed {
                id,
                name: &name,
                reason: &reason,
                attempts_made: made.unwrap_or(0),
                plugin: plugin.as_deref(),
                runner: &runner,
            });
            let Some(copy) = copy else { continue };
            let moment = text(6).unwrap_or_default();
            let stored = |at: usize, none: &str| match fields.get(at) {
                Some(Some(bytes)) => bytes.clone(),
                _ => none.as_bytes().to_vec(),
            };
            BURY.run(self.redis(), &copy.base, |command| {
                command
                    .arg(self.name())
                    .arg(id)
                    .arg(&moment)
                    .arg(&name)
                    .arg(stored(1, "null"))
                    .arg(stored(2, "{}"))
                    .arg(&copy.head)
                    .arg(&reason)
                    .arg(stored(4, "[]"));
            })
            .await?;
            copies += 1;
            let policy = options::decode(&text(2).unwrap_or_default());
            let policy = policy.unwrap_or_default().remove_on_fail;
            if remove && policy.is_some_and(|keep| keep.count == Some(0)) {
                self.remove(std::slice::from_ref(id), false).await?;
            }
        }
        Ok(copies)
    }
}
