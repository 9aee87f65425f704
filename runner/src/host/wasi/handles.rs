//! What a guest may hold of the host from one job to the next: its standard streams
//! and open directories, which the runtimes of most languages open once and keep.
//!
//! For the state of an attempt; knows wasmtime's WASI.

use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};

use crate::host::State;
use crate::host::state::HANDLES;

/// Whether the guest holds nothing but such handles. Open files, requests, responses,
/// timers are work of its job that it has not ended.
pub(in crate::host) fn are_those_of_every_job(state: &mut State) -> bool {
    let own = state.stdout.streams() + state.stderr.streams();
    let mut written = 0;
    for handle in 0..HANDLES as u32 {
        let Ok(held) = state.table.get_any_mut(handle) else {
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
    written == own
}
