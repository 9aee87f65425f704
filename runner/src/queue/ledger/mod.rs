//! What an API keeps of its callers: who is logged in, and who has changed what. Called
//! by `verbs` and `api`; one list and one key per session, under the prefix.

pub(in crate::queue) mod audit;
pub mod session;
