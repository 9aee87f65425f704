//! Pausing and resuming a queue for all its workers.

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, whole};
use crate::queue::wire::script::checked;

checked!(PAUSE, "pause", "operate/pause");

/// Jobs moved in one call, where BullMQ's versions keep them in different lists.
const CALL: usize = 1000;

impl Queue {
    /// Let no further job start, in any worker. Whether the queue was paused
    /// before.
    pub async fn pause(&self) -> Result<bool, Error> {
        self.set_paused("paused").await
    }

    /// Let jobs start again. Whether the queue was paused.
    pub async fn resume(&self) -> Result<bool, Error> {
        self.set_paused("resumed").await
    }

    async fn set_paused(&self, event: &str) -> Result<bool, Error> {
        let call = async |announce: bool| {
            let reply = PAUSE
                .run(self.redis(), self.base(), |command| {
                    command.arg(event).arg(CALL).arg(u8::from(announce));
                })
                .await?;
            let numbers: Vec<i64> = list(reply).iter().map(whole).collect();
            match numbers[..] {
                [was, left] => Ok((was == 1, left)),
                _ => Err(Error::Answer(PAUSE.name())),
            }
        };
        let (was, mut left) = call(true).await?;
        while left > 0 {
            (_, left) = call(false).await?;
        }
        Ok(was)
    }
}
