//! WASI 0.2 as a guest sees it: clocks, random numbers, its output, and the
//! directories it was granted. No environment, no arguments, no sockets.

use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::State;
use super::stdio::Lines;
use crate::config::Plugin;

/// Bytes of random numbers in one call.
const RANDOM: u64 = 1 << 20;

pub(super) fn context(plugin: &Plugin, stdout: &Lines, stderr: &Lines) -> Result<WasiCtx, String> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .max_random_size(RANDOM)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
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
    Ok(builder.build())
}

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
        WasiHttpCtxView {
            ctx: &mut self.wasi_http,
            table: &mut self.table,
            hooks: &mut self.wasi_hooks,
        }
    }
}
