//! What became of a job's children, as the job itself asks: BullMQ's
//! `getChildrenValues`, `getIgnoredChildrenFailures`, `getDependenciesCount`; and
//! `removeUnprocessedChildren`.

use redis::Value;

use crate::queue::attempt::Attempt;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{texts, whole};
use crate::queue::wire::script::{checked, script};

checked!(
    DISOWN,
    "disown",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "work/disown"
);
script!(CHILDREN, "children", "work/children");

/// How many children a job has, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dependencies {
    /// Completed.
    pub processed: u64,
    /// Not done yet.
    pub unprocessed: u64,
    /// Failed, and the parent with them.
    pub failed: u64,
    /// Failed without consequence.
    pub ignored: u64,
}

impl Queue {
    /// Keys of the children that completed, with their return values, at most so
    /// many bytes of them.
    pub async fn children_values(
        &self,
        id: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        self.hash(&format!("{id}:processed"), most).await
    }

    /// Keys of the children whose failure was ignored, with the reasons, at most
    /// so many bytes of them.
    pub async fn ignored_failures(
        &self,
        id: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        self.hash(&format!("{id}:failed"), most).await
    }

    /// Keys of the children that failed and fail the job.
    pub async fn failed_children(&self, id: &str) -> Result<Vec<String>, Error> {
        let mut command = redis::cmd("ZRANGE");
        command
            .arg(self.key(&format!("{id}:unsuccessful")))
            .arg(0)
            .arg(-1);
        Ok(texts(self.redis().call(&command).await?))
    }

    /// How many children there are.
    pub async fn dependencies(&self, id: &str) -> Result<Dependencies, Error> {
        let count = async |command: &str, suffix: &str| -> Result<u64, Error> {
            let mut command = redis::cmd(command);
            command.arg(self.key(&format!("{id}:{suffix}")));
            Ok(whole(&self.redis().call(&command).await?) as u64)
        };
        let (processed, unprocessed, failed, ignored) = tokio::try_join!(
            count("HLEN", "processed"),
            count("SCARD", "dependencies"),
            count("ZCARD", "unsuccessful"),
            count("HLEN", "failed"),
        )?;
        Ok(Dependencies {
            processed,
            unprocessed,
            failed,
            ignored,
        })
    }

    /// Remove the children of a running job that nobody has begun. `Ok(false)`:
    /// its lock is lost.
    pub async fn disown(&self, attempt: &Attempt) -> Result<bool, Error> {
        let reply = DISOWN
            .run(self.redis(), self.base(), |command| {
                command.arg(&attempt.job.id).arg(&attempt.token);
            })
            .await?;
        let ours = reply == Value::Int(1);
        if !ours {
            self.lose(attempt).await;
        }
        Ok(ours)
    }

    /// Fields and values in the order of the fields.
    async fn hash(&self, suffix: &str, most: usize) -> Result<Vec<(String, String)>, Error> {
        let key = self.key(suffix);
        let reply = CHILDREN.run(self.redis(), &key, |command| {
            command.arg(most);
        });
        let mut flat = match reply.await? {
            Value::Int(size) => {
                return Err(Error::Invalid(format!(
                    "what its children left has {size} bytes: at most {most} are held for a job \
                     (max_held)"
                )));
            }
            Value::Map(pairs) => texts(Value::Array(
                pairs
                    .into_iter()
                    .flat_map(|(name, value)| [name, value])
                    .collect(),
            )),
            other => texts(other),
        }
        .into_iter();
        let mut pairs = Vec::with_capacity(flat.len() / 2);
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            pairs.push((name, value));
        }
        pairs.sort_unstable();
        Ok(pairs)
    }
}
