//! The host API: what a guest can reach, and how much of it.

pub mod bindings;
pub mod http;

use std::sync::Arc;

use crate::queue::Attempt;

/// What the store of one attempt holds.
#[derive(Debug)]
pub struct State {
    attempt: Arc<Attempt>,
    grant: Arc<http::Grant>,
    idempotent_requests: u32,
    request_id: Option<String>,
}
