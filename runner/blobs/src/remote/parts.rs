//! An object of a store that is written part by part.

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, PutMultipartOptions};
use runner_config::Cloud;

use super::answer::{Asked, told};
use super::{Remote, attributes, connect};
use crate::{CALL, Error, Write};

/// Bytes of a part: all have the same size, which some servers ask for, and 10 000 of
/// them, which is what S3 takes, make 80 GB.
const PART: usize = CALL as usize;

/// An object that is being written. What fits into one part is put as a whole, with the
/// store's own conditions; a larger one is begun with its second part.
#[derive(Debug)]
pub(crate) struct Parts {
    remote: Remote,
    key: String,
    how: Write,
    /// What does not make a part yet.
    rest: BytesMut,
    upload: Option<Box<dyn MultipartUpload>>,
    finished: bool,
}

impl Parts {
    pub(super) fn new(remote: Remote, key: &str, how: Write) -> Parts {
        Parts {
            remote,
            key: key.to_owned(),
            how,
            rest: BytesMut::new(),
            upload: None,
            finished: false,
        }
    }

    pub(crate) async fn append(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        self.check_open()?;
        while self.rest.len() + bytes.len() > PART {
            let missing = PART - self.rest.len();
            self.rest.extend_from_slice(&bytes.split_to(missing));
            self.send().await?;
        }
        self.rest.extend_from_slice(&bytes);
        Ok(())
    }

    pub(crate) async fn finish(&mut self) -> Result<Option<String>, Error> {
        self.check_open()?;
        self.finished = true;
        if self.upload.is_none() {
            let content = self.rest.split().freeze();
            return self.remote.put(&self.key, content, &self.how).await;
        }
        if !self.rest.is_empty() {
            self.send().await?;
        }
        let condition = self.how.condition.clone();
        // For the clouds that take no condition there, right before.
        self.remote.check(&self.key, &condition).await?;
        let remote = self.remote.clone();
        let Some(upload) = &mut self.upload else {
            unreachable!("the upload was looked at above")
        };
        let done = match remote.0.cloud {
            Cloud::S3 => connect::on(&condition, upload.complete()).await,
            // Azure signs the fields of conditions, Google compares generations.
            Cloud::Google | Cloud::Azure => upload.complete().await,
        };
        let done = done.map_err(|error| {
            let asked = Asked::Write(&condition);
            told(&remote.0.store, &self.key, &error, asked)
        })?;
        self.upload = None;
        Ok(remote.etag(done))
    }

    /// Tell the store to forget the parts.
    pub(crate) async fn abort(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            // It answers nothing that would help: whoever gives up has an error already.
            let _ = upload.abort().await;
        }
    }

    /// Send what is there as a part.
    async fn send(&mut self) -> Result<(), Error> {
        let Parts {
            remote, key, how, ..
        } = &*self;
        if self.upload.is_none() {
            let options = PutMultipartOptions {
                attributes: attributes(how)?,
                ..PutMultipartOptions::default()
            };
            let path = remote.path(key)?;
            let begun = remote.0.objects.put_multipart_opts(&path, options).await;
            let begun = begun.map_err(|error| remote.told(key, error))?;
            self.upload = Some(begun);
        }
        let Some(upload) = &mut self.upload else {
            unreachable!("it was just begun")
        };
        let part = self.rest.split().freeze();
        let sent = upload.put_part(part.into()).await;
        sent.map_err(|error| self.remote.told(&self.key, error))
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.finished {
            true => Err(Error::Invalid(
                "the upload is finished: begin another one".to_owned(),
            )),
            false => Ok(()),
        }
    }
}
