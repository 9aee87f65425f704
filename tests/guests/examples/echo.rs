//! Returns its payload byte for byte, and what it knows of the job if asked.

use runner_sdk::bindings::exports::runner::plugin::handler::{Failure, Guest, Job};

struct Echo;

impl Guest for Echo {
    fn handle(job: Job) -> Result<Option<String>, Failure> {
        if job.name != "describe" {
            return Ok(Some(job.data));
        }
        let parent = job.parent.map(|parent| (parent.id, parent.queue));
        Ok(Some(
            serde_json::json!({
                "id": job.id,
                "queue": job.queue,
                "attempt": job.attempt,
                "maxAttempts": job.max_attempts,
                "priority": job.priority,
                "delay": job.delay,
                "requestId": job.request_id,
                "parent": parent,
                "addedAt": job.added_at,
                "startedAt": job.started_at,
            })
            .to_string(),
        ))
    }
}

runner_sdk::export!(Echo);
