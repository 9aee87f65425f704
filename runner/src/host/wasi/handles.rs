//! What a guest may hold of the host from one job to the next: its standard streams
//! and open directories, which the runtimes of most languages open once and keep.
//!
//! For the state of an attempt; knows wasmtime's WASI.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

/// Whether the guest holds nothing but such handles, of which `streams` are streams to
/// write its output to. Open files, requests, responses, timers are work of its job that
/// it has not ended.
pub(in crate::host) fn are_those_of_every_job(table: &mut ResourceTable, streams: usize) -> bool {
    let mut written = 0;
    for handle in 0..table.max_capacity() as u32 {
        let Ok(held) = table.get_any_mut(handle) else {
            continue;
        };
        if held.is::<DynOutputStream>() {
            written += 1;
        } else if let Some(descriptor) = held.downcast_ref() {
            // The plugin's own, and directories in them.
            if !matches!(descriptor, Descriptor::Dir(_)) {
                return false;
            }
        } else if !held.is::<DynInputStream>() && !held.is::<DynPollable>() {
            // A stream of a response has the response beside it, a pollable what it
            // waits for.
            return false;
        }
    }
    written == streams
}
