//! A component, or a module to make one of: what is in its bytes, whether a compiler may see it, and whether it
//! serves as a plugin.
//!
//! For loading and for the compiling child; opens no file and compiles nothing.

pub(super) mod bounds;
pub(super) mod doors;
mod made;
pub(super) mod module;
mod nearest;
mod shape;

pub use self::doors::Doors;
pub use self::made::Made;
pub use self::shape::Shape;
