//! An object that is being read.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::{Error, Metadata};

/// An object that is being read: what is known of it, and how much will come.
pub struct Reading {
    pub(crate) object: Metadata,
    pub(crate) length: u64,
    pub(crate) content: BoxStream<'static, Result<Bytes, Error>>,
}

impl Reading {
    /// The object, with its full size.
    pub fn object(&self) -> &Metadata {
        &self.object
    }

    /// Bytes that will come, at most [`CALL`](crate::CALL).
    pub fn length(&self) -> u64 {
        self.length
    }

    /// All of them.
    ///
    /// # Errors
    /// When the store breaks off.
    pub async fn content(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(self.length as usize);
        while let Some(some) = self.content.next().await {
            bytes.extend_from_slice(&some?);
            if bytes.len() as u64 > self.length {
                break;
            }
        }
        match bytes.len() as u64 == self.length {
            true => Ok(bytes),
            false => Err(Error::Unavailable(format!(
                "object {:?} broke off: {} bytes of {} came",
                self.object.key,
                bytes.len(),
                self.length
            ))),
        }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("object", &self.object)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
