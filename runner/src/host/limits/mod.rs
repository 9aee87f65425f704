//! How much one attempt may have of memory and of disk, and write to Redis.
//!
//! Counted here, chosen in the configuration; knows no interface.

mod budget;
mod memory;
mod quota;

pub use self::budget::Budget;
pub(super) use self::budget::Line;
pub use self::memory::Memory;
pub(super) use self::quota::{Full, Inode, Quota};
