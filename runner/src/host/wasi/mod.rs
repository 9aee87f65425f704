//! WASI 0.2 as a guest sees it: clocks, random numbers, its output, and the
//! directories and variables it was granted. A command has its arguments and its
//! payload, too; no guest has sockets. Beside it, the drafts that public SDKs use, on
//! what Runner has.
//!
//! For the state of an attempt and the linker; knows wasmtime's WASI.

mod changes;
pub(super) mod config;
pub(super) mod context;
pub(super) mod files;
pub(super) mod handles;
pub(super) mod logging;
pub mod offered;

use std::sync::Arc;

use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::State;
use super::client::Hooks;

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        if self.wasi_hooks.is_none() {
            self.wasi_hooks = Some(Hooks {
                grant: self.grant.clone(),
                attempt: self.attempt.clone(),
                request_id: self.request_id.clone(),
                room: self.room(),
                log: self.log.clone(),
                logged: Arc::default(),
            });
        }
        WasiHttpCtxView {
            ctx: &mut self.wasi_http,
            table: &mut self.table,
            hooks: self.wasi_hooks.as_mut().expect("made above"),
        }
    }
}
