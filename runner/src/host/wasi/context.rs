//! What every guest has of WASI, made anew for each attempt.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpCtx;

use crate::config::Plugin;

/// Opens of one plugin under way: few of the 512, many for a disk.
const OPENS: usize = 16;
/// Bytes of random numbers in one call.
const RANDOM: u64 = 1 << 20;
/// Bytes of one set of header fields in memory, of which a guest may have as many
/// as handles: twice what is sent of them.
const FIELDS: usize = 64 << 10;

/// What every guest has; its streams come to it. Its directories are opened when it is
/// called.
pub(in crate::host) fn wasi(plugin: &Plugin) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .max_random_size(RANDOM)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for (name, variable) in &plugin.env {
        builder.env(name, variable.value());
    }
    builder
}

/// The settings of `wasi:http`.
pub(in crate::host) fn http() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(FIELDS);
    context
}

/// The opens of a plugin that are under way.
pub(in crate::host) fn opens() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(OPENS))
}
