//! Opening granted directories and their files, with more care than wasmtime takes.
//!
//! What is no regular file or directory is refused: to open a FIFO is to wait for
//! its other end, and to open a device may do anything. On a file system that has
//! stopped answering an open waits, too, on one of the 512 threads that all guests
//! share and after its job has ended; so a plugin has a few opens under way and
//! waits with further ones, while the files of others are read.
//!
//! A listing is read whole when it is opened, so there are few of them, too.

use std::path::Path;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntryStream, ErrorCode,
    HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::changes::{self, answer};
use crate::config::{Plugin, SCRATCH};
use crate::host::State;

/// Listings an attempt may have open, which the host holds whole: deeper than
/// directories are nested.
const LISTINGS: usize = 32;
/// The interface, in the version of wasmtime-wasi.
const TYPES: &str = "wasi:filesystem/types@0.2.12";

/// Put these functions in the place of wasmtime's.
pub(in crate::host) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store, (dir, at, path, open, flags): (_, _, String, _, _)| {
            Box::new(async move {
                let opened = store.data_mut().open_at(dir, at, path, open, flags).await;
                Ok((answer(opened)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.stat-at",
        |mut store, (dir, at, path): (_, _, String)| {
            Box::new(async move {
                let found = store.data_mut().stat_at(dir, at, path).await;
                Ok((answer(found)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store, (dir,): (_,)| {
            Box::new(async move {
                let listing = store.data_mut().read_directory(dir).await;
                Ok((answer(listing)?,))
            })
        },
    )?;
    changes::add_to_linker(&mut types)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl State {
    /// Open the directories the plugin was granted, as they are now, and make its
    /// scratch directory.
    ///
    /// # Errors
    /// When one cannot be opened or made; the message names it.
    pub async fn open_directories(&mut self) -> Result<(), String> {
        if self.plugin.dirs.is_empty() && self.plugin.scratch.is_none() {
            return Ok(());
        }
        let place = self.opens.clone().acquire_owned().await;
        let plugin = self.plugin.clone();
        let scratches = self.scratches.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let _place = place;
            let scratch = plugin.scratch.map(|_| scratches.make()).transpose()?;
            let own = scratch.as_ref().map(|scratch| scratch.path.as_path());
            Ok::<_, String>((directories(&plugin, own)?, scratch))
        });
        let opened = opened.await.map_err(|error| error.to_string())?;
        (*self.wasi.filesystem(), self.scratch) = opened?;
        Ok(())
    }

    /// Remove the scratch directory, if there is one.
    pub async fn remove_scratch(&mut self) {
        if let Some(scratch) = self.scratch.take() {
            let removed = tokio::task::spawn_blocking(move || drop(scratch));
            // It is told where it is removed when it cannot be.
            let _ = removed.await;
        }
    }

    async fn open_at(
        &mut self,
        dir: Resource<Descriptor>,
        at: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let mut apart = self.apart(&dir).await?;
        let changes = apart.perms == FsPerms::ReadWrite;
        let new = changes
            && open.contains(OpenFlags::CREATE)
            && apart.stat(at, path.clone()).await.is_err();
        if new {
            self.enter()?;
        }
        let opened = apart_from_the_attempt(apart.open(at, path, open, flags)).await;
        let opened = opened.inspect_err(|_| {
            if new {
                self.leave();
            }
        })?;
        if changes {
            self.opened(&opened, open.contains(OpenFlags::TRUNCATE))?;
        }
        Ok(self.table.push(opened)?)
    }

    async fn stat_at(
        &mut self,
        dir: Resource<Descriptor>,
        at: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let mut apart = self.apart(&dir).await?;
        apart_from_the_attempt(async move { apart.stat(at, path).await }).await
    }

    async fn read_directory(
        &mut self,
        dir: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let open = |listing: &u32| {
            let listing = Resource::<DirectoryEntryStream>::new_borrow(*listing);
            self.table.get(&listing).is_ok()
        };
        self.listings.retain(open);
        if self.listings.len() >= LISTINGS {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let mut view = WasiFilesystemCtxView {
            ctx: self.wasi.filesystem(),
            table: &mut self.table,
        };
        let listing = view.read_directory(dir).await?;
        // A number is given again when its listing is closed.
        if !self.listings.contains(&listing.rep()) {
            self.listings.push(listing.rep());
        }
        Ok(listing)
    }

    /// Wait until the plugin may open something in this directory.
    async fn apart(&mut self, dir: &Resource<Descriptor>) -> FsResult<Apart> {
        let Descriptor::Dir(dir) = self.table.get(dir)? else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let place = self.opens.clone().acquire_owned().await;
        let mut table = ResourceTable::new();
        Ok(Apart {
            perms: dir.perms,
            dir: table.push(Descriptor::Dir(Dir::clone(dir)))?,
            table,
            context: WasiFilesystemCtx::default(),
            _place: place.expect("the semaphore is never closed"),
        })
    }
}

fn directories(plugin: &Plugin, scratch: Option<&Path>) -> Result<WasiFilesystemCtx, String> {
    let mut builder = WasiCtxBuilder::new();
    if let Some(scratch) = scratch {
        builder
            .preopened_dir(scratch, SCRATCH, FsPerms::ReadWrite)
            .map_err(|error| {
                format!(
                    "the scratch directory cannot be opened: {}",
                    error.root_cause()
                )
            })?;
    }
    for (guest, host) in &plugin.dirs {
        builder
            .preopened_dir(host, guest, FsPerms::ReadOnly)
            .map_err(|error| {
                format!(
                    "the directory {:?}, granted as {guest:?} to plugin {:?}, cannot be opened: {}",
                    host.display().to_string(),
                    plugin.name,
                    error.root_cause()
                )
            })?;
    }
    Ok(builder.build().filesystem().clone())
}

/// Do this in a task of its own, which keeps its place until the system answers,
/// even if nobody waits any more.
async fn apart_from_the_attempt<T: Send + 'static>(
    what: impl Future<Output = FsResult<T>> + Send + 'static,
) -> FsResult<T> {
    match tokio::spawn(what).await {
        Ok(result) => result,
        Err(error) => Err(FsError::trap(error)),
    }
}

/// A directory of the guest, outside of its store.
struct Apart {
    table: ResourceTable,
    context: WasiFilesystemCtx,
    dir: Resource<Descriptor>,
    perms: FsPerms,
    _place: OwnedSemaphorePermit,
}

impl Apart {
    fn view(&mut self) -> (WasiFilesystemCtxView<'_>, Resource<Descriptor>) {
        let dir = Resource::new_borrow(self.dir.rep());
        let view = WasiFilesystemCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        };
        (view, dir)
    }

    async fn stat(&mut self, at: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let (mut view, dir) = self.view();
        view.stat_at(dir, at, path).await
    }

    async fn open(
        mut self,
        at: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Descriptor> {
        // A file that is to be created is not there.
        if !open.contains(OpenFlags::CREATE) {
            let found = self.stat(at, path.clone()).await?;
            use DescriptorType::{Directory, RegularFile, SymbolicLink};
            // A link that is not followed is for wasmtime to refuse.
            if !matches!(found.type_, RegularFile | Directory | SymbolicLink) {
                return Err(ErrorCode::NotPermitted.into());
            }
        }
        let (mut view, dir) = self.view();
        let opened = view.open_at(dir, at, path, open, flags).await?;
        Ok(self.table.delete(opened)?)
    }
}
