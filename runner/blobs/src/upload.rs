//! An object that is written part by part.

use bytes::Bytes;

use crate::Error;
use crate::directory::Draft;
use crate::limit::Limit;
use crate::remote::Parts;

/// An object that is being written. Nothing of it is there until it is finished; whoever
/// gives up calls [`Upload::abort`], because dropping cannot wait for a store.
#[derive(Debug)]
pub struct Upload {
    limit: Limit,
    key: String,
    sink: Sink,
    bytes: u64,
    /// A call has begun and not come to a good end: what is written may have a gap.
    broken: bool,
}

/// Where the bytes go.
#[derive(Debug)]
pub(crate) enum Sink {
    /// To a file that has no name yet.
    File(Draft),
    /// To the parts of an object.
    Parts(Box<Parts>),
}

impl Upload {
    pub(crate) fn new(limit: Limit, key: &str, sink: Sink) -> Upload {
        Upload {
            limit,
            key: key.to_owned(),
            sink,
            bytes: 0,
            broken: false,
        }
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Add bytes at the end. After an error the upload can only be aborted.
    ///
    /// # Errors
    /// When they are more than a call may carry or the object may have, or the store
    /// failed.
    pub async fn append(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.begin()?;
        self.limit.check_call(bytes.len())?;
        self.bytes += bytes.len() as u64;
        self.limit.check_object(&self.key, self.bytes)?;
        match &mut self.sink {
            Sink::File(draft) => draft.append(bytes).await,
            Sink::Parts(parts) => parts.append(bytes).await,
        }?;
        self.broken = false;
        Ok(())
    }

    /// Write the object.
    ///
    /// # Errors
    /// When its condition does not hold, or the store failed.
    pub async fn finish(&mut self) -> Result<Option<String>, Error> {
        self.begin()?;
        let etag = match &mut self.sink {
            Sink::File(draft) => draft.finish().await,
            Sink::Parts(parts) => parts.finish().await,
        }?;
        self.broken = false;
        Ok(etag)
    }

    fn begin(&mut self) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Invalid(format!(
                "the upload of {:?} has failed before: begin another one",
                self.key
            )));
        }
        self.broken = true;
        Ok(())
    }

    /// Leave nothing of it. As well as it can: a store that is not there keeps the parts.
    pub async fn abort(self) {
        match self.sink {
            // Its file goes with it.
            Sink::File(_) => {}
            Sink::Parts(mut parts) => parts.abort().await,
        }
    }
}
