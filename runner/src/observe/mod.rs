//! COLLECTORS: what this process shows of itself and its queues. `meters` counts what
//! ends here, `page` writes it down for Prometheus together with what Redis holds, `health`
//! judges each queue, `autoscale` says how many slots it wants.
//!
//! The application gives it each attempt that has ended; the API and the command line ask.
//! It reads and counts; it changes nothing.

pub mod autoscale;
pub mod doctor;
pub mod health;
mod labels;
pub mod look;
mod meters;
pub mod page;
mod process;
mod text;
pub mod traces;
mod webhooks;

pub use self::meters::Meters;
