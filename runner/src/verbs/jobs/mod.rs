//! Jobs: what is stored of them, and what an operator does to some or to all that a
//! filter matches. Called by `cli` and `api`.

mod act;
mod all;
mod cancel;
mod change;
mod duplicate;
mod ends;
mod flow;
mod list;
mod logs;
mod look;
mod many;
mod named;

pub use self::act::{Act, Acted, Done, Reached};
pub use self::all::{All, MOST, act_on_all};
pub use self::change::{Changed, Changes, change};
pub use self::duplicate::{Duplicated, duplicate};
pub use self::ends::missing;
pub use self::flow::{Tree, flow};
pub use self::list::found_by;
pub use self::logs::{LINES, Lines, Logs, logs};
pub use self::look::{Attempts, attempts, found, get, shorten};
pub use self::many::{Many, Verb};
pub use self::named::act;
