//! Changes to files: only scratch directories allow any, and what they take is
//! counted ([`Quota`]) before wasmtime makes them.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::io::Errno;
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError, StreamResult,
};

use crate::host::State;
use crate::host::limits::{Full, Inode, Quota};

type Dir = Resource<Descriptor>;

// Long because there are many ways to change a file.
/// Put these functions in the place of wasmtime's.
pub(super) fn add_to_linker(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.func_wrap_async(
        "[method]descriptor.create-directory-at",
        |mut store, (dir, path): (Dir, String)| {
            Box::new(
                async move { Ok((answer(store.data_mut().create_directory(dir, path).await)?,)) },
            )
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.symlink-at",
        |mut store, (dir, to, path): (Dir, String, String)| {
            Box::new(async move { Ok((answer(store.data_mut().symlink(dir, to, path).await)?,)) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.link-at",
        |mut store, (dir, at, path, into, name): (Dir, PathFlags, String, Dir, String)| {
            Box::new(async move {
                let linked = store.data_mut().link(dir, at, path, into, name).await;
                Ok((answer(linked)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.rename-at",
        |mut store, (dir, path, into, name): (Dir, String, Dir, String)| {
            Box::new(async move {
                let renamed = store.data_mut().rename(dir, path, into, name).await;
                Ok((answer(renamed)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.remove-directory-at",
        |mut store, (dir, path): (Dir, String)| {
            Box::new(
                async move { Ok((answer(store.data_mut().remove_directory(dir, path).await)?,)) },
            )
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.unlink-file-at",
        |mut store, (dir, path): (Dir, String)| {
            Box::new(async move { Ok((answer(store.data_mut().unlink(dir, path).await)?,)) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.set-size",
        |mut store, (file, size): (Dir, u64)| {
            Box::new(async move { Ok((answer(store.data_mut().set_size(file, size).await)?,)) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.write",
        |mut store, (file, bytes, at): (Dir, Vec<u8>, u64)| {
            Box::new(
                async move { Ok((answer(store.data_mut().write_at(file, bytes, at).await)?,)) },
            )
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store, (file, at): (Dir, u64)| Ok((answer(store.data_mut().stream(file, Some(at)))?,)),
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store, (file,): (Dir,)| Ok((answer(store.data_mut().stream(file, None))?,)),
    )?;
    Ok(())
}

/// What the guest is told; a trap is an error.
pub(super) fn answer<T>(result: FsResult<T>) -> wasmtime::Result<Result<T, ErrorCode>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => error.downcast().map(Err),
    }
}

/// What stands under a name.
enum Found {
    Nothing,
    /// A file with so many names.
    File(Inode, u64),
    /// A directory or a link.
    Other,
}

impl State {
    fn files(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView {
            ctx: self.wasi.filesystem(),
            table: &mut self.table,
        }
    }

    /// What the files take of the scratch directory.
    fn quota<T>(&self, of: impl FnOnce(&mut Quota) -> T) -> T {
        of(&mut self.quota.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Have something made that takes a name, if there is room for it.
    fn entered<T>(&mut self, made: FsResult<T>) -> FsResult<T> {
        if made.is_err() {
            self.quota(Quota::leave);
        }
        made
    }

    async fn create_directory(&mut self, dir: Dir, path: String) -> FsResult<()> {
        self.quota(Quota::enter)?;
        let made = self.files().create_directory_at(dir, path).await;
        self.entered(made)
    }

    async fn symlink(&mut self, dir: Dir, to: String, path: String) -> FsResult<()> {
        self.quota(Quota::enter)?;
        let made = self.files().symlink_at(dir, to, path).await;
        self.entered(made)
    }

    async fn link(
        &mut self,
        dir: Dir,
        at: PathFlags,
        path: String,
        into: Dir,
        name: String,
    ) -> FsResult<()> {
        self.quota(Quota::enter)?;
        let made = self.files().link_at(dir, at, path, into, name).await;
        self.entered(made)
    }

    async fn rename(&mut self, dir: Dir, path: String, into: Dir, name: String) -> FsResult<()> {
        let own = self.found(&dir, &path).await;
        let replaced = self.found(&into, &name).await;
        self.files().rename_at(dir, path, into, name).await?;
        match (own, replaced) {
            (_, Found::Nothing) => {}
            // Two names of one file stay two names.
            (Found::File(own, _), Found::File(replaced, _)) if own == replaced => {}
            (_, replaced) => self.unnamed(&replaced),
        }
        Ok(())
    }

    async fn remove_directory(&mut self, dir: Dir, path: String) -> FsResult<()> {
        self.files().remove_directory_at(dir, path).await?;
        self.quota(Quota::leave);
        Ok(())
    }

    async fn unlink(&mut self, dir: Dir, path: String) -> FsResult<()> {
        let found = self.found(&dir, &path).await;
        self.files().unlink_file_at(dir, path).await?;
        self.unnamed(&found);
        Ok(())
    }

    async fn set_size(&mut self, file: Dir, size: u64) -> FsResult<()> {
        let own = self.written(&file)?;
        if let Some(own) = own {
            self.quota(|quota| quota.grow(own, size))?;
        }
        self.files().set_size(file, size).await?;
        if let Some(own) = own {
            self.quota(|quota| quota.cut(own, size));
        }
        Ok(())
    }

    async fn write_at(&mut self, file: Dir, bytes: Vec<u8>, at: u64) -> FsResult<u64> {
        if let Some(own) = self.written(&file)? {
            let end = at.saturating_add(bytes.len() as u64);
            self.quota(|quota| quota.grow(own, end))?;
        }
        self.files().write(file, bytes, at).await
    }

    /// A stream that writes from here on, or to the end.
    fn stream(&mut self, file: Dir, at: Option<u64>) -> FsResult<Resource<DynOutputStream>> {
        let own = self.written(&file)?;
        let stream = match at {
            Some(at) => self.files().write_via_stream(file, at),
            None => self.files().append_via_stream(file),
        }?;
        let Some(file) = own else {
            return Ok(stream);
        };
        let inner = self.table.delete(stream)?;
        let counted: DynOutputStream = Box::new(Counted {
            inner,
            file,
            at,
            quota: self.quota.clone(),
        });
        Ok(self.table.push(counted)?)
    }

    /// The file that is written, where that is allowed.
    fn written(&self, file: &Dir) -> FsResult<Option<Inode>> {
        Ok(match self.table.get(file)? {
            Descriptor::File(file) if file.perms == FsPerms::ReadWrite => {
                Some(inode(&file.file)?.0)
            }
            _ => None,
        })
    }

    /// Take note of a file that was opened where files may be changed.
    pub(super) fn opened(&self, opened: &Descriptor, truncated: bool) -> FsResult<()> {
        if let Descriptor::File(file) = opened {
            let (own, _) = inode(&file.file)?;
            self.quota(|quota| {
                quota.opened(own, Arc::downgrade(&file.file));
                if truncated {
                    quota.cut(own, 0);
                }
            });
        }
        Ok(())
    }

    /// Make room for the name of a file that is to be created.
    pub(super) fn enter(&self) -> FsResult<()> {
        Ok(self.quota(Quota::enter)?)
    }

    /// It was not created.
    pub(super) fn leave(&self) {
        self.quota(Quota::leave);
    }

    fn unnamed(&self, found: &Found) {
        self.quota(|quota| {
            quota.leave();
            if let Found::File(own, 1) = found {
                quota.removed(*own);
            }
        });
    }

    async fn found(&mut self, dir: &Dir, path: &str) -> Found {
        let dir = Resource::new_borrow(dir.rep());
        let (at, flags) = (PathFlags::empty(), DescriptorFlags::READ);
        let opened = self
            .files()
            .open_at(dir, at, path.to_owned(), OpenFlags::empty(), flags)
            .await;
        let opened = match opened {
            Ok(opened) => self.table.delete(opened),
            Err(error) => {
                return match error.downcast() {
                    // A link is not followed.
                    Ok(ErrorCode::Loop) => Found::Other,
                    _ => Found::Nothing,
                };
            }
        };
        match opened {
            Ok(Descriptor::File(file)) => match inode(&file.file) {
                Ok((own, names)) => Found::File(own, names),
                Err(_) => Found::Nothing,
            },
            Ok(Descriptor::Dir(_)) => Found::Other,
            Err(_) => Found::Nothing,
        }
    }
}

/// The number of a file, and how many names it has.
fn inode(file: &File) -> io::Result<(Inode, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.ino(), metadata.nlink()))
}

impl From<Full> for FsError {
    fn from(_: Full) -> FsError {
        ErrorCode::InsufficientSpace.into()
    }
}

/// A stream into a file of a scratch directory.
struct Counted {
    inner: DynOutputStream,
    file: Inode,
    /// Where the next bytes go; the end of the file if it is not said.
    at: Option<u64>,
    quota: Arc<Mutex<Quota>>,
}

impl Counted {
    /// Count these bytes before they are written.
    fn count(&mut self, bytes: &Bytes) -> StreamResult<()> {
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.at.unwrap_or_else(|| quota.size(self.file));
        let end = at.saturating_add(bytes.len() as u64);
        quota.grow(self.file, end).map_err(|Full| {
            let full = io::Error::from_raw_os_error(Errno::NOSPC.raw_os_error());
            StreamError::LastOperationFailed(full.into())
        })?;
        self.at = self.at.map(|_| end);
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Counted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(&bytes)?;
        self.inner.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(&bytes)?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}
