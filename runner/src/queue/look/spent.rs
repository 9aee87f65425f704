//! What the attempts of a job have cost.

use crate::cost::Spent;
use crate::queue::handle::Queue;
use crate::queue::stored::spent::FIELDS;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text};

/// What the job itself says of its last attempt.
const OWN: [&str; 5] = ["ats", "processedOn", "finishedOn", "rv", "pb"];

impl Queue {
    /// What the last attempts of a job have cost, the first of them first. None of a job
    /// that nothing here has run.
    pub async fn spent(&self, id: &str) -> Result<Vec<Spent>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id)).arg(&OWN).arg(&FIELDS);
        let fields = list(self.redis().call(&command).await?).into_iter();
        let mut fields: Vec<Option<String>> = fields.map(text).collect();
        let kept = fields.split_off(OWN.len().min(fields.len()));
        let number = |at: usize| fields.get(at)?.as_ref()?.parse::<u64>().ok();
        let mut spent: Vec<Spent> = (1..)
            .zip(kept)
            .filter_map(|(slot, stored)| Spent::read(slot, &stored?))
            .collect();
        spent.sort_by_key(|spent| spent.attempt);
        // One that completed at the first start leaves the rest to the job's own fields.
        if let [only] = &mut spent[..]
            && only.outcome.is_none()
            && number(0) == Some(1)
            && let (Some(started), Some(ended)) = (number(1), number(2))
        {
            only.started = Some(started);
            only.ran_ms = Some(ended.saturating_sub(started));
            only.outcome = Some("completed".to_owned());
            only.plugin = fields[3].clone();
            only.runner = fields[4].clone();
        }
        Ok(spent)
    }
}
