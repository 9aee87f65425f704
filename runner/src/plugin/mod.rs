//! Plugins: from a file on disk to something that can be called.

/// All plugins by name; a swap replaces one pointer.
#[derive(Debug, Default)]
pub struct Plugins {}
