//! Uploads that are objects of a store, where the setting `store` names one.

use std::io::Read;

use runner_sdk::blobs::{self, Error};
use runner_sdk::prelude::*;

/// What the path of an object begins with.
const BLOBS: &str = "blobs:";

/// The object among these keys that is there, as `blobs:KEY`.
pub(crate) fn find(store: &str, document: &str, keys: &[String]) -> Result<String> {
    for key in keys {
        match blobs::head(store, key) {
            Ok(_) => return Ok(format!("{BLOBS}{key}")),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Uploads may arrive after their jobs.
    Err(retry(format!(
        "no object for the document \"{document}\" in the store \"{store}\": looked for {}",
        keys.join(", ")
    )))
}

/// The key that a path names.
pub(crate) fn key(path: &str) -> Option<&str> {
    path.strip_prefix(BLOBS)
}

/// The content of an object of at most `limit` bytes; otherwise how many it has.
pub(crate) fn load(
    store: &str,
    key: &str,
    limit: u64,
) -> Result<std::result::Result<Vec<u8>, u64>> {
    let reader = blobs::open(store, key)?;
    let size = reader.metadata().size;
    if size > limit {
        return Ok(Err(size));
    }
    let mut content = Vec::with_capacity(size as usize);
    reader.take(limit).read_to_end(&mut content)?;
    Ok(Ok(content))
}
