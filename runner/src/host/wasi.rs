//! WASI 0.2 as a guest sees it: clocks, random numbers, its output, and the
//! directories it was granted. No environment, no arguments, no sockets.

use std::sync::Arc;

use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::State;
use super::http::Hooks;
use super::stdio::Lines;

/// Bytes of random numbers in one call.
const RANDOM: u64 = 1 << 20;
/// Bytes of one set of header fields in memory, of which a guest may have as many
/// as handles: twice what is sent of them.
const FIELDS: usize = 64 << 10;

/// What every guest has. Its directories are opened when it is called.
pub(super) fn context(stdout: &Lines, stderr: &Lines) -> WasiCtx {
    WasiCtxBuilder::new()
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .max_random_size(RANDOM)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The settings of `wasi:http`.
pub(super) fn http_context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(FIELDS);
    context
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
