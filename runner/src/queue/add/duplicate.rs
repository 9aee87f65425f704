//! Adding a job again: the same name, payload and options, but an id of its own.

use serde_json::{Map, Value};

use crate::queue::add::{ADD, Added, NewJob};
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text};

/// Options that make a job this one and no other: what it stands for, when it was due,
/// who waits for it, who made it.
const OWN: [&str; 14] = [
    "jobId",
    "delay",
    "timestamp",
    "de",
    "deduplication",
    "parent",
    "repeat",
    "repeatJobKey",
    "prevMillis",
    "count",
    "fpof",
    "cpof",
    "idof",
    "rdof",
];

impl Queue {
    /// Add a job again. The id of the copy; none when there is no such job.
    ///
    /// # Errors
    /// [`Error::Invalid`] when such a job cannot be added any more.
    pub async fn duplicate(&self, id: &str) -> Result<Option<String>, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id));
        command.arg(&["name", "data", "opts", "priority"]);
        let mut fields = self.of_hash(&command).await?.into_iter().map(text);
        let mut next = || fields.next().flatten();
        let Some(name) = next() else {
            return Ok(None);
        };
        let data = next().unwrap_or_default();
        let options: Map<String, Value> = next()
            .and_then(|options| serde_json::from_str(&options).ok())
            .unwrap_or_default();
        let own = options.into_iter();
        let options: Map<String, Value> = own
            .filter(|(key, _)| !OWN.contains(&key.as_str()))
            .collect();
        let copy = NewJob {
            name,
            data,
            priority: next().and_then(|n| n.parse().ok()).unwrap_or_default(),
            lifo: options.get("lifo") == Some(&Value::Bool(true)),
            ..NewJob::default()
        };
        copy.check(self.settings())?;
        let options = Value::Object(options).to_string();
        let reply = ADD
            .run(self.redis(), self.base(), |command| {
                copy.write(command, &options);
                command.arg("");
            })
            .await?;
        let added = list(reply).into_iter().find_map(Added::read);
        added
            .map(|added| Some(added.id))
            .ok_or(Error::Answer(ADD.name()))
    }
}
