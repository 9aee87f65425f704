//! Putting jobs back to where they wait: finished ones again, delayed ones now.

use redis::Cmd;

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use crate::queue::wire::script::Script;
use crate::queue::wire::script::checked;

checked!(RETRY, "retry", "operate/retry");
checked!(PROMOTE, "promote", "operate/promote");

/// What became of a job that was to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// It waits.
    Done,
    /// There is no such job.
    Missing,
    /// It is not in a state from which it can go back.
    Elsewhere,
}

impl Queue {
    /// Let completed or failed jobs run again, `anew` with their attempts counted
    /// from zero. What became of each, in order; at most some thousand ids.
    pub async fn retry(&self, ids: &[String], anew: bool) -> Result<Vec<Back>, Error> {
        self.back(&RETRY, |command| {
            command.arg(u8::from(anew)).arg(ids);
        })
        .await
    }

    /// Let delayed jobs start now. What became of each, in order; at most some
    /// thousand ids.
    pub async fn promote(&self, ids: &[String]) -> Result<Vec<Back>, Error> {
        self.back(&PROMOTE, |command| {
            command.arg(ids);
        })
        .await
    }

    async fn back(
        &self,
        script: &Script,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Vec<Back>, Error> {
        let reply = script.run(self.redis(), self.base(), arguments).await?;
        Ok(list(reply)
            .iter()
            .map(|code| match whole(code) {
                1 => Back::Done,
                0 => Back::Missing,
                _ => Back::Elsewhere,
            })
            .collect())
    }
}
