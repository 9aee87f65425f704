//! Changing a job where it is: its payload, when it is due, its priority.

use crate::config::PRIORITY_LIMIT;
use crate::contract::is_json;
use crate::queue::handle::Queue;
use crate::queue::wire::error::Error;
use crate::queue::wire::reply::whole;
use crate::queue::wire::script::checked;

checked!(
    CHANGE,
    "change",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "operate/change"
);

/// What of a job is to be another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The payload, JSON text.
    pub data: Option<String>,
    /// Milliseconds from now until it is due.
    pub delay: Option<u64>,
    /// 0 is the highest, [`PRIORITY_LIMIT`] the lowest.
    pub priority: Option<u32>,
    /// With a priority: before the jobs that have it already.
    pub lifo: bool,
}

/// What became of a job that was to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is as asked.
    Done,
    /// There is no such job.
    Missing,
    /// A worker runs it with the payload it has.
    Running,
    /// It is not delayed, so that its delay is over.
    NotDelayed,
    /// It is the next run of a scheduler, which says when it is due.
    NextRun,
}

impl Queue {
    /// Change a job, all of it or nothing. `name` is the job's, for its contract.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be as asked.
    pub async fn change(&self, id: &str, name: &str, to: &Change) -> Result<Changed, Error> {
        self.check_change(name, to)?;
        let reply = CHANGE
            .run(self.redis(), self.base(), |command| {
                command.arg(id);
                command.arg(u8::from(to.data.is_some()));
                command.arg(to.data.as_deref().unwrap_or_default());
                command.arg(to.delay.map_or(String::new(), |delay| delay.to_string()));
                let priority = to.priority.map(|priority| priority.to_string());
                command.arg(priority.unwrap_or_default());
                command.arg(u8::from(to.lifo));
            })
            .await?;
        Ok(match whole(&reply) {
            1 => Changed::Done,
            0 => Changed::Missing,
            -1 => Changed::Running,
            -2 => Changed::NotDelayed,
            _ => Changed::NextRun,
        })
    }

    fn check_change(&self, name: &str, to: &Change) -> Result<(), Error> {
        if let Some(priority) = to.priority.filter(|priority| *priority > PRIORITY_LIMIT) {
            return Err(Error::Invalid(format!(
                "the priority {priority} is over {PRIORITY_LIMIT}, the lowest"
            )));
        }
        let Some(data) = &to.data else {
            return Ok(());
        };
        is_json(data).map_err(|fault| Error::Invalid(format!("the payload {fault}")))?;
        match &self.settings().contract {
            Some(contract) => contract.check(name, data).map_err(Error::Invalid),
            None => Ok(()),
        }
    }
}
