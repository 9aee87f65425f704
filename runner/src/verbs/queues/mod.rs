//! Queues: which there are, how they do, what bounds them, and what an operator does to
//! a whole one. Called by `cli` and `api`.

mod bound;
mod list;
mod pause;
mod stats;
mod sweep;

pub use self::bound::{
    Concurrency, Limit, Limited, concurrency, limit, set_concurrency, set_limit,
};
pub use self::list::{Ask, Counts, Listed, list};
pub use self::pause::{Paused, pause, resume};
pub use self::stats::{Spread, Stats, stats};
pub use self::sweep::{Clean, Drain, Obliterate, Removed, clean, drain, obliterate};
