//! How much one attempt may have of memory, and write to Redis.
//!
//! Counted here, chosen in the configuration; knows no interface.

mod budget;
mod memory;

pub use self::budget::Budget;
pub(super) use self::budget::Line;
pub use self::memory::Memory;
