//! On whose behalf a request is sent.

use std::sync::Arc;
use std::time::Instant;

use super::Room;
use crate::cost::Cost;
use crate::queue::Attempt;
use crate::trace;

/// On whose behalf a request is sent.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Queue of the job.
    pub queue: String,
    /// Id of the job.
    pub job: String,
    /// When the attempt ends; no request outlives it.
    pub deadline: Instant,
    /// Sent as `X-Request-Id` unless the request has one.
    pub request_id: Option<String>,
    /// Which of the attempt's idempotent requests this is, from 1; used when
    /// the request asks for a key.
    pub nth: u32,
    /// What its requests may take.
    pub room: Room,
    /// Sent as `traceparent`, with the number of the request, unless it has one.
    pub trace: Option<trace::Context>,
    /// Where its requests are recorded.
    pub cost: Arc<Cost>,
}

impl Caller {
    /// The job of this attempt.
    pub fn new(attempt: &Attempt, request_id: Option<String>, nth: u32, room: Room) -> Self {
        Caller {
            queue: attempt.queue_name().to_owned(),
            job: attempt.job.id.clone(),
            deadline: attempt.deadline(),
            request_id,
            nth,
            room,
            trace: attempt.trace(),
            cost: attempt.cost.clone(),
        }
    }
}
