//! The object stores that plugins are granted: S3 and what speaks its protocol, Google
//! Cloud Storage, Azure, a directory. Behaves as `wit/runner/blobs.wit` says.
//!
//! [`Store`] is one of them, as a plugin may use it: it checks keys, sizes and what is
//! granted, and tells errors without an address or a secret. Behind it are [`directory`],
//! which works on files as they are, and [`remote`], which speaks HTTP by the library
//! `object_store`. The HTTP client is the caller's ([`http`]), because it knows where a
//! plugin may connect to. Whoever drops a future here ends what it was doing; how long
//! one may take is the caller's business, too.

mod directory;
mod error;
pub mod http;
mod key;
mod limit;
mod reading;
mod remote;
mod store;
mod upload;

pub use self::error::Error;
pub use self::reading::Reading;
pub use self::store::Store;
pub use self::upload::Upload;

/// Bytes that one call may carry, each way.
pub const CALL: u64 = 8 << 20;
/// Objects of one page.
pub const PAGE: u32 = 1000;
/// How long a signed URL may be good for, in seconds: what S3 allows.
pub const SIGNED: u32 = 7 * 86_400;

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Its key, as the plugin knows it.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, ms since 1970.
    pub modified: u64,
    /// Changes with its content.
    pub etag: Option<String>,
}

/// What must be so for a write to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// There is no such object.
    Absent,
    /// The object has this etag.
    Unchanged(String),
}

/// How an object is written.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// What must be so.
    pub condition: Condition,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
}

/// Some objects, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order of their keys.
    pub objects: Vec<Metadata>,
    /// For the next page; `None` after the last.
    pub cursor: Option<String>,
}

/// What a signed URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To get the object.
    Read,
    /// To put it.
    Write,
}
