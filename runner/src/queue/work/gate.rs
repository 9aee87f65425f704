//! Gates: how many jobs of one name pattern, or of one group, run at once or start
//! in a time, over all Runners of a queue. They are kept by the script that takes
//! jobs (`work/settle/gates/`); here is what it is told, and how parked jobs are
//! let go when nobody keeps the gates any more.
//!
//! Node's workers on the same queue do not know of them.

use redis::{Value, cmd};

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, whole};
use crate::queue::wire::script::checked;

checked!(UNPARK, "unpark", "lib/parked", "work/unpark");

/// Jobs that wait again in one call of [`Queue::unpark`], and that
/// [`Queue::parked`] looks at one by one.
const CALL: usize = 1000;

impl Queue {
    /// Have all gates with parked jobs looked at by the next take: what they let
    /// through may have changed.
    pub async fn open_gates(&self) -> Result<(), Error> {
        let gates = self.key("runner:gates");
        let mut command = cmd("ZUNIONSTORE");
        command.arg(&gates).arg(1).arg(&gates);
        command.arg("WEIGHTS").arg(0);
        if whole(&self.redis().call(&command).await?) > 0 {
            self.pass_on().await?;
        }
        Ok(())
    }

    /// Let all parked jobs wait again, those of a gate in their order. How many.
    pub async fn unpark(&self) -> Result<u64, Error> {
        let mut freed = 0;
        loop {
            let reply = UNPARK
                .run(self.redis(), self.base(), |command| {
                    command.arg(CALL);
                })
                .await?;
            let numbers: Vec<i64> = list(reply).iter().map(whole).collect();
            let [some, more] = numbers[..] else {
                return Err(Error::Answer(UNPARK.name()));
            };
            freed += more as u64;
            if some == 0 {
                return Ok(freed);
            }
        }
    }

    /// How many of the delayed jobs are parked. Those that were removed or put off
    /// meanwhile are not counted, among the first thousand.
    pub async fn parked(&self) -> Result<u64, Error> {
        let mut command = cmd("HSCAN");
        command.arg(self.key("runner:parked")).arg(0);
        command.arg("COUNT").arg(CALL);
        let mut answer = list(self.redis().call(&command).await?);
        let places = list(answer.pop().unwrap_or(Value::Nil));
        let looked = places.len() as u64 / 2;
        if looked == 0 {
            return Ok(0);
        }
        let places: Vec<String> = places.into_iter().filter_map(text).collect();
        let mut scores = cmd("ZMSCORE");
        scores.arg(self.key("delayed"));
        let mut due = Vec::new();
        for place in places.chunks_exact(2) {
            scores.arg(&place[0]);
            due.push(parked_at(&place[1]).map(|(score, _)| score));
        }
        let scores = list(self.redis().call(&scores).await?);
        let scores = scores.into_iter().map(|score| text(score)?.parse().ok());
        let gone = due.into_iter().zip(scores).filter(|(due, now)| due != now);
        let gone = gone.count() as u64;
        let mut all = cmd("HLEN");
        all.arg(self.key("runner:parked"));
        let all = whole(&self.redis().call(&all).await?) as u64;
        Ok(all.saturating_sub(gone))
    }

    /// The gate a job is parked at, `group:<value>` or `name:<pattern>`; long
    /// values by their SHA-1.
    pub async fn gate_of(&self, id: &str) -> Result<Option<String>, Error> {
        let mut place = cmd("HGET");
        place.arg(self.key("runner:parked")).arg(id);
        let Some(place) = text(self.redis().call(&place).await?) else {
            return Ok(None);
        };
        let mut score = cmd("ZSCORE");
        score.arg(self.key("delayed")).arg(id);
        let score = text(self.redis().call(&score).await?).and_then(|score| score.parse().ok());
        let parked = parked_at(&place).filter(|(due, _)| Some(*due) == score);
        Ok(parked.map(|(_, gate)| gate.to_owned()))
    }
}

/// The score in `delayed` and the gate of a parked job, as `gates.lua` stores them:
/// `<score> <gate>`.
fn parked_at(place: &str) -> Option<(f64, &str)> {
    let (score, gate) = place.split_once(' ')?;
    Some((score.parse().ok()?, gate))
}
