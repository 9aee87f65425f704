//! What is stored of a job beside what every reader wants: its options as they were
//! given, its place in a flow, what has happened to it so far.

use redis::Value;

use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::{list, text, texts, whole};

/// What else is stored of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// `opts`, JSON text.
    pub options: String,
    /// `delay`, milliseconds.
    pub delay: u64,
    /// `priority`.
    pub priority: u32,
    /// `ats`: how often it was started.
    pub starts: u32,
    /// `stc`: how often it stalled.
    pub stalls: u32,
    /// `parentKey`: the flow job that waits for it.
    pub parent: Option<JobKey>,
    /// `rjk`: the scheduler that made it.
    pub scheduler: Option<String>,
    /// `deid`: what stands for jobs that mean the same.
    pub deduplication: Option<String>,
}

/// A job by its queue and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobKey {
    /// Its queue, without prefix.
    pub queue: String,
    /// Its id.
    pub id: String,
}

impl Queue {
    /// What else is stored of a job; of one that is not there, nothing.
    pub async fn detail(&self, id: &str) -> Result<Detail, Error> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.key(id));
        command.arg(&[
            "opts",
            "delay",
            "priority",
            "ats",
            "stc",
            "parentKey",
            "rjk",
            "deid",
        ]);
        let mut fields = list(self.redis().call(&command).await?).into_iter();
        let mut next = || fields.next().and_then(text);
        fn number<T: std::str::FromStr + Default>(text: Option<String>) -> T {
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        }
        Ok(Detail {
            options: next().unwrap_or_default(),
            delay: number(next()),
            priority: number(next()),
            starts: number(next()),
            stalls: number(next()),
            parent: next().and_then(|key| self.split(&key)),
            scheduler: next(),
            deduplication: next(),
        })
    }

    /// The first children of a job, about so many: those that are not done, then those
    /// that are.
    pub async fn children(&self, id: &str, most: usize) -> Result<Vec<JobKey>, Error> {
        let mut keys = Vec::new();
        let sets = [
            ("SSCAN", "dependencies", 1),
            ("ZSCAN", "unsuccessful", 2),
            ("HSCAN", "failed", 2),
            ("HSCAN", "processed", 2),
        ];
        for (name, suffix, each) in sets {
            let mut cursor = "0".to_owned();
            while keys.len() < most {
                let mut command = redis::cmd(name);
                command
                    .arg(self.key(&format!("{id}:{suffix}")))
                    .arg(&cursor);
                command.arg("COUNT").arg(most);
                let mut reply = list(self.redis().call(&command).await?);
                let found = texts(reply.pop().unwrap_or(Value::Nil));
                keys.extend(found.into_iter().step_by(each));
                cursor = reply.pop().and_then(text).unwrap_or_default();
                if cursor == "0" || cursor.is_empty() {
                    break;
                }
            }
        }
        let mut children: Vec<JobKey> = Vec::new();
        for child in keys.iter().filter_map(|key| self.split(key)) {
            if !children.contains(&child) {
                children.push(child);
            }
        }
        children.truncate(most);
        Ok(children)
    }

    /// Queue and id of a job's key.
    fn split(&self, key: &str) -> Option<JobKey> {
        let rest = key.strip_prefix(self.redis().prefix())?.strip_prefix(':')?;
        let (queue, id) = rest.split_once(':')?;
        Some(JobKey {
            queue: queue.to_owned(),
            id: id.to_owned(),
        })
    }

    /// How many log lines a job has.
    pub async fn log_count(&self, id: &str) -> Result<u64, Error> {
        let mut command = redis::cmd("LLEN");
        command.arg(self.key(&format!("{id}:logs")));
        Ok(whole(&self.redis().call(&command).await?).max(0) as u64)
    }

    /// Some log lines of a job, from a position on, the oldest first.
    pub async fn log_lines(&self, id: &str, from: u64, count: u64) -> Result<Vec<String>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("LRANGE");
        command.arg(self.key(&format!("{id}:logs")));
        command
            .arg(from)
            .arg(from.saturating_add(count - 1).min(i64::MAX as u64));
        Ok(texts(self.redis().call(&command).await?))
    }
}
