//! Adding jobs: one, a long list, a flow.
//!
//! For programs and people who add jobs through Runner; it knows how a job is asked for,
//! in BullMQ's words, and says of each what became of it.

mod bulk;
mod fault;
mod flow;
mod items;
mod named;
mod one;
mod options;

pub use self::bulk::{Batch, Bulk, Tally, Verdict, add_all};
pub(crate) use self::fault::pointer;
pub use self::fault::{Fault, Kind};
pub use self::flow::{Flow, FlowAdded, Forest, Planned};
pub use self::items::Items;
pub use self::one::{Addition, Instead, New, add};
pub use self::options::{Kept, Options, Same, Span, Waits};
