//! Which name a job has that is added without one.

use super::fault::Fault;
use crate::config;

/// Names shown of those that a queue has.
const SHOWN: usize = 12;

/// The name that was given, or the one that jobs of the queue have by default.
pub(super) fn name(queue: &config::Queue, given: Option<&str>) -> Result<String, Fault> {
    match given {
        Some("") => Err(Fault::invalid("the name of the job is empty")),
        Some(name) => Ok(name.to_owned()),
        None => queue.only_job().map(str::to_owned).map_err(|names| {
            let queue = &queue.name;
            let names = &names[..names.len().min(SHOWN)];
            Fault::invalid(match names {
                [] => format!(
                    "the job has no name, and queue {queue:?} has no default_job: give it a name"
                ),
                names => format!(
                    "the job has no name, and queue {queue:?} has several and no default_job: {}",
                    names.join(", ")
                ),
            })
        }),
    }
}
