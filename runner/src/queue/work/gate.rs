//! Gates: how many jobs of one name pattern, or of one group, run at once or start
//! in a time, over all Runners of a queue. They are kept by the script that takes
//! jobs (`work/settle/gates/`); here is what it is told, and how parked jobs are
//! let go when nobody keeps the gates any more.
//!
//! Node's workers on the same queue do not know of them.

use std::sync::Arc;

use redis::{Value, cmd};
use serde_json::json;

use crate::config;
use crate::queue::Queue;
use crate::queue::wire::redis::Error;
use crate::queue::wire::script::checked;
use crate::queue::work::settle::{list, text, whole};

checked!(UNPARK, "unpark", "lib/parked", "work/unpark");

/// Jobs that wait again in one call of [`Queue::unpark`], and that
/// [`Queue::parked`] looks at one by one.
const CALL: usize = 1000;

/// The gates of a queue, as the script reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gates(Arc<str>);

impl Gates {
    /// Those that are configured, if there are any.
    pub fn of(queue: &config::Queue) -> Option<Gates> {
        let named = queue.jobs.iter().any(|(_, job)| job.concurrency.is_some());
        if !named && queue.group.is_none() {
            return None;
        }
        let names: Vec<_> = queue
            .jobs
            .iter()
            .map(|(pattern, job)| {
                let most = job.concurrency.map_or(json!(false), |most| json!(most));
                json!([lua_pattern(&pattern.0), pattern.0, most])
            })
            .collect();
        let mut rules = json!({ "names": names });
        if let Some(group) = &queue.group {
            let mut rule = json!({ "path": group.by.split('.').collect::<Vec<_>>() });
            if let Some(most) = group.concurrency {
                rule["concurrency"] = json!(most);
            }
            if let Some(limiter) = group.limiter {
                rule["max"] = json!(limiter.max);
                rule["duration"] = json!(limiter.duration.as_millis() as u64);
            }
            rules["group"] = rule;
        }
        Some(Gates(rules.to_string().into()))
    }

    /// The argument of the script.
    pub(in crate::queue) fn rules(&self) -> &str {
        &self.0
    }
}

/// A pattern of queues.toml in Lua's words.
fn lua_pattern(pattern: &str) -> String {
    let mut lua = String::from("^");
    for letter in pattern.chars() {
        match letter {
            '*' => lua.push_str(".*"),
            letter if letter.is_ascii_punctuation() => lua.extend(['%', letter]),
            letter => lua.push(letter),
        }
    }
    lua.push('$');
    lua
}

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
                .run(self.redis(), &self.0.base, |command| {
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
            let score = place[1].split(' ').next().unwrap_or_default();
            due.push(score.parse::<f64>().ok());
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
        let parked = place.split_once(' ').filter(|(due, _)| {
            let due: Option<f64> = due.parse().ok();
            due.is_some() && due == score
        });
        Ok(parked.map(|(_, gate)| gate.to_owned()))
    }
}
