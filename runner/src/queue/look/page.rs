//! Going through the jobs of a queue, a page at a time.

use futures::future::try_join_all;

use crate::queue::handle::Queue;
use crate::queue::look::find::Found;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{text, texts, whole};

impl Queue {
    /// Ids of jobs in a state, from position `from` on: those that run next
    /// first, finished ones newest first.
    pub async fn page(&self, state: State, from: usize, size: usize) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        let mut before = 0;
        for key in state.keys() {
            let key = self.key(key);
            let from = (from + ids.len()).saturating_sub(before);
            let until = from + (size - ids.len());
            let (first, last) = (from as i64, until as i64 - 1);
            let page = match state {
                // What runs next is at the end.
                State::Waiting | State::Active => {
                    let mut page = self.range("LRANGE", &key, -last - 1, -first - 1).await?;
                    page.reverse();
                    page
                }
                State::Completed | State::Failed => {
                    self.range("ZREVRANGE", &key, first, last).await?
                }
                _ => self.range("ZRANGE", &key, first, last).await?,
            };
            ids.extend(page);
            if ids.len() == size {
                break;
            }
            if state.keys().len() > 1 {
                let mut command = redis::cmd("LLEN");
                command.arg(&key);
                before += whole(&self.redis().call(&command).await?) as usize;
            }
        }
        Ok(ids)
    }

    async fn range(&self, name: &str, key: &str, from: i64, to: i64) -> Result<Vec<String>, Error> {
        let mut command = redis::cmd(name);
        command.arg(key).arg(from).arg(to);
        Ok(texts(self.redis().call(&command).await?))
    }

    /// What is stored of the jobs of a page. A job that was removed meanwhile,
    /// or whose key is not a hash, is left out.
    pub async fn jobs(&self, state: State, ids: &[String]) -> Result<Vec<Found>, Error> {
        let ids = ids.iter().map(|id| Found::at(id.clone(), state));
        let found = try_join_all(ids.map(async |job| self.whole(&job).await)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// All that is stored of a job of which little is known. None when it is gone, or its
    /// key is not a hash.
    pub async fn whole(&self, job: &Found) -> Result<Option<Found>, Error> {
        match self.stored(&job.id, job.state).await {
            Err(Error::Refused(_)) => Ok(None),
            other => other,
        }
    }

    /// Ids of completed or failed jobs that had ended at an instant (ms since
    /// 1970), from position `from` on, the oldest first.
    pub async fn ended(
        &self,
        state: State,
        until: u64,
        from: usize,
        size: usize,
    ) -> Result<Vec<String>, Error> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(self.key(state.name())).arg("-inf").arg(until);
        command.arg("LIMIT").arg(from).arg(size);
        Ok(texts(self.redis().call(&command).await?))
    }

    /// Those of the jobs whose name fits.
    pub async fn named(
        &self,
        ids: &[String],
        fits: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, Error> {
        let names = try_join_all(ids.iter().map(async |id| {
            let mut command = redis::cmd("HGET");
            command.arg(self.key(id)).arg("name");
            match self.redis().call(&command).await {
                Ok(name) => Ok(text(name)),
                Err(Error::Refused(_)) => Ok(None),
                Err(error) => Err(error),
            }
        }))
        .await?;
        let fits = |name: &Option<String>| name.as_deref().is_some_and(&fits);
        Ok(std::iter::zip(ids, names)
            .filter(|(_, name)| fits(name))
            .map(|(id, _)| id.clone())
            .collect())
    }
}
