//! Objects in memory.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::Host;
use crate::bindings::runner::plugin::blobs as wit;
use crate::blobs::Error;

/// The objects by store and key, and what is refused.
#[derive(Default)]
pub(super) struct State {
    objects: BTreeMap<(String, String), Object>,
    written: u64,
    refuse: Option<Error>,
}

struct Object {
    bytes: Vec<u8>,
    content_type: Option<String>,
    modified: u64,
    /// Counts what is written.
    etag: u64,
}

impl Host {
    /// Put an object into a store.
    pub fn blob(&self, store: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        let state = &mut self.0.borrow_mut().blobs;
        state.insert(store, key, bytes.into(), None);
    }

    /// The objects of a store and their content.
    pub fn blobs(&self, store: &str) -> BTreeMap<String, Vec<u8>> {
        let state = &self.0.borrow().blobs;
        let of = state.objects.iter().filter(|((of, _), _)| of == store);
        of.map(|((_, key), object)| (key.clone(), object.bytes.clone()))
            .collect()
    }

    /// The `Content-Type` that an object was written with.
    pub fn content_type(&self, store: &str, key: &str) -> Option<String> {
        let state = &self.0.borrow().blobs;
        state.find(store, key).ok()?.content_type.clone()
    }

    /// Refuse every call to a store from now on; with `None` none any more.
    pub fn refuse_blobs(&self, error: impl Into<Option<Error>>) {
        self.0.borrow_mut().blobs.refuse = error.into();
    }
}

impl State {
    fn asked(&mut self) -> Result<&mut Self, Error> {
        match &self.refuse {
            Some(error) => Err(error.clone()),
            None => Ok(self),
        }
    }

    fn find(&self, store: &str, key: &str) -> Result<&Object, Error> {
        let object = self.objects.get(&(store.to_owned(), key.to_owned()));
        object.ok_or_else(|| Error::NotFound(format!("\"{key}\" in the store \"{store}\"")))
    }

    fn insert(&mut self, store: &str, key: &str, bytes: Vec<u8>, content_type: Option<String>) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.written += 1;
        let object = Object {
            bytes,
            content_type,
            modified: since.map_or(0, crate::millis),
            etag: self.written,
        };
        self.objects.insert((store.into(), key.into()), object);
    }

    fn write(
        &mut self,
        store: &str,
        key: &str,
        bytes: Vec<u8>,
        options: &wit::WriteOptions,
    ) -> Result<Option<String>, Error> {
        let etag = self.find(store, key).ok().map(Object::etag);
        let fits = match &options.condition {
            wit::Condition::Always => true,
            wit::Condition::Absent => etag.is_none(),
            wit::Condition::Unchanged(expected) => etag.as_ref() == Some(expected),
        };
        if !fits {
            let why = if etag.is_some() {
                "is there already or was changed"
            } else {
                "is not there"
            };
            return Err(Error::Precondition(format!("\"{key}\" {why}")));
        }
        self.insert(store, key, bytes, options.content_type.clone());
        Ok(Some(self.written.to_string()))
    }
}

impl Object {
    fn etag(&self) -> String {
        self.etag.to_string()
    }

    fn metadata(&self, key: &str) -> wit::Metadata {
        wit::Metadata {
            key: key.into(),
            size: self.bytes.len() as u64,
            modified: self.modified,
            etag: Some(self.etag()),
        }
    }
}

pub(crate) mod imports {
    use std::cell::RefCell;

    use crate::bindings::runner::plugin::blobs as wit;
    use crate::blobs::Error;
    use crate::testing::imports::with;

    /// What one call may carry, by wit/runner/blobs.wit.
    const CALL: usize = 8 << 20;

    /// An object that is being written.
    pub(crate) struct Upload {
        store: String,
        key: String,
        options: wit::WriteOptions,
        bytes: RefCell<Vec<u8>>,
    }

    impl Upload {
        pub(crate) fn append(&self, bytes: &[u8]) -> Result<(), Error> {
            carried(bytes.len())?;
            with(|state| state.blobs.asked().map(drop))?;
            self.bytes.borrow_mut().extend_from_slice(bytes);
            Ok(())
        }

        pub(crate) fn finish(&self) -> Result<Option<String>, Error> {
            let bytes = self.bytes.take();
            with(|state| {
                let state = state.blobs.asked()?;
                state.write(&self.store, &self.key, bytes, &self.options)
            })
        }
    }

    fn carried(bytes: usize) -> Result<(), Error> {
        if bytes > CALL {
            return Err(Error::TooLarge(format!(
                "{bytes} bytes; a call carries 8 MiB"
            )));
        }
        Ok(())
    }

    pub(crate) fn get(
        store: &str,
        key: &str,
        range: Option<wit::Range>,
    ) -> Result<wit::Content, Error> {
        with(|state| {
            let object = state.blobs.asked()?.find(store, key)?;
            let all = &object.bytes;
            let place = |at: u64| usize::try_from(at).map_or(all.len(), |at| at.min(all.len()));
            let bytes = match range {
                Some(range) => {
                    &all[place(range.offset)..place(range.offset.saturating_add(range.length))]
                }
                None => all,
            };
            carried(bytes.len())?;
            Ok(wit::Content {
                bytes: bytes.to_vec(),
                object: object.metadata(key),
            })
        })
    }

    pub(crate) fn head(store: &str, key: &str) -> Result<wit::Metadata, Error> {
        with(|state| Ok(state.blobs.asked()?.find(store, key)?.metadata(key)))
    }

    pub(crate) fn put(
        store: &str,
        key: &str,
        bytes: &[u8],
        options: &wit::WriteOptions,
    ) -> Result<Option<String>, Error> {
        carried(bytes.len())?;
        with(|state| {
            state
                .blobs
                .asked()?
                .write(store, key, bytes.into(), options)
        })
    }

    pub(crate) fn begin(
        store: &str,
        key: &str,
        options: &wit::WriteOptions,
    ) -> Result<Upload, Error> {
        with(|state| state.blobs.asked().map(drop))?;
        Ok(Upload {
            store: store.into(),
            key: key.into(),
            options: options.clone(),
            bytes: RefCell::default(),
        })
    }

    pub(crate) fn delete(store: &str, key: &str) -> Result<(), Error> {
        with(|state| {
            let state = state.blobs.asked()?;
            state.objects.remove(&(store.to_owned(), key.to_owned()));
            Ok(())
        })
    }

    /// The cursor is the last key of the page.
    pub(crate) fn list_objects(
        store: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<wit::Page, Error> {
        with(|state| {
            let state = state.blobs.asked()?;
            let mut rest = state.objects.iter().filter(|((of, key), _)| {
                of == store
                    && key.starts_with(prefix)
                    && cursor.is_none_or(|cursor| key.as_str() > cursor)
            });
            let page = rest.by_ref().take(limit as usize);
            let objects: Vec<_> = page
                .map(|((_, key), object)| object.metadata(key))
                .collect();
            let more = rest.next().is_some();
            let last = objects.last().filter(|_| more);
            let cursor = last.map(|object| object.key.clone());
            Ok(wit::Page { objects, cursor })
        })
    }

    pub(crate) fn presign(
        store: &str,
        key: &str,
        access: wit::Access,
        seconds: u32,
    ) -> Result<String, Error> {
        with(|state| state.blobs.asked().map(drop))?;
        let access = match access {
            wit::Access::Read => "read",
            wit::Access::Write => "write",
        };
        Ok(format!(
            "https://{store}.test/{key}?access={access}&seconds={seconds}"
        ))
    }
}
