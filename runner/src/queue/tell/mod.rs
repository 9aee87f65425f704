//! Webhooks are told how jobs have ended: each delivery is a job of another queue,
//! which the script that writes the end adds in the same call. Says what a delivery is
//! made of; sending it is up to whoever takes that job.

pub(in crate::queue) mod delivery;
