//! Plugins: from a file on disk to something that can be called.
//!
//! [`registry`] says what serves under each name; [`load`] takes a file the whole
//! way, at start and on every change: read, digest, compile in a process of its own
//! ([`compile`]) or load from the cache, check what it exports and imports
//! ([`component`]), try it, swap one pointer. Any refusal keeps the version in
//! service and is told once. Each load has a thread of its own ([`crew`]) and waits
//! for no other.
//!
//! For the executor, the app and commands. Knows disk, compiler, engine and system;
//! asks [`crate::contract`] about types and [`crate::host`] about what is offered.

pub mod compile;
mod component;
mod crew;
mod engine;
mod entry;
mod examine;
mod foreign;
mod kept;
mod load;
mod pace;
mod refusal;
mod registry;
mod system;
mod version;

pub use self::component::{Doors, Made, Shape};
pub use self::engine::{EngineError, INSTANCES, engine};
pub use self::examine::examine;
pub use self::foreign::Foreign;
pub use self::kept::{Entry, Instance};
pub use self::refusal::Refusal;
pub use self::registry::{Plugins, Status};
pub use self::version::{Plugin, UNUSED};

/// This very binary, also when its file has been replaced meanwhile.
pub const THIS: &str = "/proc/self/exe";
