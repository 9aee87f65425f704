//! Removing single jobs, from whatever state they are in.

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use crate::queue::wire::script::checked;

checked!(
    REMOVE,
    "remove",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "operate/remove"
);

/// What became of a job that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// There was no such job.
    Missing,
    /// A worker holds it, or one of its children that would go too.
    Locked,
    /// It is the next run of a scheduler, and goes with that only.
    NextRun,
}

impl Queue {
    /// Remove jobs, and unless they are to be kept their children. What became
    /// of each, in order; at most some hundred ids, as flows may be large.
    pub async fn remove(&self, ids: &[String], children: bool) -> Result<Vec<Removal>, Error> {
        let reply = REMOVE
            .run(self.redis(), self.base(), |command| {
                command.arg(u8::from(children)).arg(ids);
            })
            .await?;
        Ok(list(reply)
            .iter()
            .map(|code| match whole(code) {
                1 => Removal::Done,
                0 => Removal::Missing,
                -1 => Removal::Locked,
                _ => Removal::NextRun,
            })
            .collect())
    }
}
