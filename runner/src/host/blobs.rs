//! `runner:plugin/blobs`: objects in the stores that are granted.

use std::sync::Arc;

use runner_bindings::runner::plugin::blobs as wit;
use runner_bindings::runner::plugin::blobs::{Error, Host, HostUpload};
use runner_blobs::{Access, CALL, Condition, Metadata, Write};
use wasmtime::component::Resource;

use super::State;
use super::client::{Ask, Caller, Held, Writing};

/// An upload that a guest holds.
struct Open {
    store: String,
    key: String,
    /// `None` when it is finished or has failed: its parts are given up then.
    going: Option<Going>,
}

/// An upload that can go on.
struct Going {
    writing: Writing,
    /// The room of what does not make a part yet.
    _held: Held,
    /// Counts it.
    _open: Arc<()>,
}

impl Host for State {
    async fn get(
        &mut self,
        store: String,
        key: String,
        range: Option<wit::Range>,
    ) -> Result<wit::Content, Error> {
        let caller = self.caller()?;
        let asked = ask("get", &store, &key, 0);
        let range = range.map(|range| (range.offset, range.length));
        let get = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                let reading = store.get(&asked.key, range).await?;
                let held = asked.hold("the object", reading.length() as usize).await?;
                let object = reading.object().clone();
                let bytes = reading.content().await?;
                let received = bytes.len();
                Ok(((bytes, object, held), received))
            });
        let (bytes, object, _held) = get.await.map_err(error)?;
        Ok(wit::Content {
            bytes,
            object: metadata(object),
        })
    }

    async fn head(&mut self, store: String, key: String) -> Result<wit::Metadata, Error> {
        let caller = self.caller()?;
        let asked = ask("head", &store, &key, 0);
        let head = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                Ok((store.head(&asked.key).await?, 0))
            });
        head.await.map(metadata).map_err(error)
    }

    async fn put(
        &mut self,
        store: String,
        key: String,
        bytes: Vec<u8>,
        options: wit::WriteOptions,
    ) -> Result<Option<String>, Error> {
        let caller = self.caller()?;
        let asked = ask("put", &store, &key, bytes.len());
        let how = write(options);
        let put = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                let held = asked.hold("the content", bytes.len()).await?;
                let bytes = held.around(bytes);
                Ok((store.put(&asked.key, bytes, &how).await?, 0))
            });
        put.await.map_err(error)
    }

    async fn begin(
        &mut self,
        store: String,
        key: String,
        options: wit::WriteOptions,
    ) -> Result<Resource<wit::Upload>, Error> {
        let caller = self.caller()?;
        let most = self.settings.max_requests;
        let open = self.uploads.as_ref();
        let open = open.map_or(0, |uploads| Arc::strong_count(uploads) - 1);
        if open >= most {
            return Err(Error::Invalid(format!(
                "{open} uploads are open: a job may have {most} at once (max_requests), so \
                 finish or drop one first"
            )));
        }
        let asked = ask("begin", &store, &key, 0);
        let (stores, how) = (self.stores.clone(), write(options));
        let begin = self.stores.ask(&caller, asked, {
            move |store, asked| async move {
                let held = asked.hold("an upload", CALL as usize).await?;
                let upload = store.begin(&asked.key, &how).await?;
                Ok(((stores.writing(upload), held), 0))
            }
        });
        let (writing, held) = begin.await.map_err(error)?;
        let open = Open {
            store,
            key,
            going: Some(Going {
                writing,
                _held: held,
                _open: self.uploads.get_or_insert_default().clone(),
            }),
        };
        let pushed = self.table.push(open).map_err(|_| {
            Error::Invalid("the plugin holds too many handles: drop some first".to_owned())
        })?;
        Ok(Resource::new_own(pushed.rep()))
    }

    async fn delete(&mut self, store: String, key: String) -> Result<(), Error> {
        let caller = self.caller()?;
        let asked = ask("delete", &store, &key, 0);
        let delete = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                Ok((store.delete(&asked.key).await?, 0))
            });
        delete.await.map_err(error)
    }

    async fn list_objects(
        &mut self,
        store: String,
        prefix: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<wit::Page, Error> {
        let caller = self.caller()?;
        let asked = ask("list", &store, &prefix, 0);
        let list = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                Ok((store.list(&asked.key, cursor, limit).await?, 0))
            });
        let page = list.await.map_err(error)?;
        Ok(wit::Page {
            objects: page.objects.into_iter().map(metadata).collect(),
            cursor: page.cursor,
        })
    }

    async fn presign(
        &mut self,
        store: String,
        key: String,
        access: wit::Access,
        seconds: u32,
    ) -> Result<String, Error> {
        let caller = self.caller()?;
        let asked = ask("presign", &store, &key, 0);
        let access = match access {
            wit::Access::Read => Access::Read,
            wit::Access::Write => Access::Write,
        };
        let sign = self
            .stores
            .ask(&caller, asked, move |store, asked| async move {
                Ok((store.presign(&asked.key, access, seconds).await?, 0))
            });
        sign.await.map_err(error)
    }
}

impl HostUpload for State {
    async fn append(&mut self, upload: Resource<wit::Upload>, bytes: Vec<u8>) -> Result<(), Error> {
        let caller = self.caller()?;
        let (store, key, mut going) = self.going(&upload)?;
        let asked = ask("append", &store, &key, bytes.len());
        let append = self.stores.ask(&caller, asked, move |_, asked| async move {
            let held = asked.hold("the content", bytes.len()).await?;
            let bytes = held.around(bytes);
            going.writing.upload().append(bytes).await?;
            Ok((going, 0))
        });
        let going = append.await.map_err(error)?;
        self.open(&upload)?.going = Some(going);
        Ok(())
    }

    async fn finish(&mut self, upload: Resource<wit::Upload>) -> Result<Option<String>, Error> {
        let caller = self.caller()?;
        let (store, key, mut going) = self.going(&upload)?;
        let asked = ask("finish", &store, &key, 0);
        let finish = self.stores.ask(&caller, asked, move |_, _| async move {
            let etag = going.writing.upload().finish().await?;
            going.writing.done();
            Ok((etag, 0))
        });
        finish.await.map_err(error)
    }

    async fn drop(&mut self, upload: Resource<wit::Upload>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Open>::new_own(upload.rep()))?;
        Ok(())
    }
}

impl State {
    fn caller(&mut self) -> Result<Caller, Error> {
        self.refuse_lost().map_err(Error::Denied)?;
        let room = self.room();
        Ok(Caller::new(&self.attempt, None, 0, room))
    }

    fn open(&mut self, upload: &Resource<wit::Upload>) -> Result<&mut Open, Error> {
        let open = Resource::<Open>::new_borrow(upload.rep());
        let open = self.table.get_mut(&open);
        open.map_err(|_| Error::Invalid("there is no such upload".to_owned()))
    }

    /// Take an upload for a call. Whoever is stopped or fails does not give it back, and
    /// so gives it up.
    fn going(&mut self, upload: &Resource<wit::Upload>) -> Result<(String, String, Going), Error> {
        let open = self.open(upload)?;
        let (store, key) = (open.store.clone(), open.key.clone());
        match open.going.take() {
            Some(going) => Ok((store, key, going)),
            None => Err(Error::Invalid(format!(
                "the upload of {key:?} is finished or has failed: begin another one"
            ))),
        }
    }
}

fn ask<'a>(verb: &'static str, store: &'a str, key: &'a str, sent: usize) -> Ask<'a> {
    Ask {
        verb,
        store,
        key,
        sent,
    }
}

fn write(options: wit::WriteOptions) -> Write {
    Write {
        condition: match options.condition {
            wit::Condition::Always => Condition::Always,
            wit::Condition::Absent => Condition::Absent,
            wit::Condition::Unchanged(etag) => Condition::Unchanged(etag),
        },
        content_type: options.content_type,
    }
}

fn metadata(of: Metadata) -> wit::Metadata {
    wit::Metadata {
        key: of.key,
        size: of.size,
        modified: of.modified,
        etag: of.etag,
    }
}

fn error(error: runner_blobs::Error) -> Error {
    use runner_blobs::Error as Why;
    match error {
        Why::Denied(text) => Error::Denied(text),
        Why::NotFound(text) => Error::NotFound(text),
        Why::Precondition(text) => Error::Precondition(text),
        Why::Invalid(text) => Error::Invalid(text),
        Why::TooLarge(text) => Error::TooLarge(text),
        Why::Timeout(text) => Error::Timeout(text),
        Why::Unavailable(text) => Error::Unavailable(text),
    }
}
