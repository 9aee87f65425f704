//! Runner in the hands of an operator: every command, what it prints and the exit code
//! it ends with. The commands run as a person or a script runs them; what they change
//! in Redis is compared with what npm `bullmq` would have changed.

pub(crate) mod admin;
mod cli;
mod deadletter;
mod dlq;
mod docs;
mod doctor;
mod terminal;
mod traces;
