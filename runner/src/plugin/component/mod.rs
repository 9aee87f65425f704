//! A component: what is in its bytes, whether a compiler may see it, and whether it
//! serves as a plugin.
//!
//! For loading and for the compiling child; opens no file and compiles nothing.

pub(super) mod bounds;
pub(super) mod doors;
mod made;
mod nearest;
mod shape;

pub use self::doors::Doors;
pub use self::made::Made;
pub use self::shape::Shape;
