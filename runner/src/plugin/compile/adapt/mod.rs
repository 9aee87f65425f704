//! A component of a program for WASI preview 1, so that there is one kind of
//! compiled code and one linker for it.
//!
//! The public adapter does most of it. Two things it cannot do, so the program is
//! changed before it ([`own`]): the adapter tells of an exit no more than whether its
//! code was 0, as WASI 0.2 does; and it takes memory from the program's own by
//! `memory.grow`, in the middle of what Go, TinyGo and older C libraries take for
//! theirs.

mod memory;
mod own;
mod parts;

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use runner_bindings::program;

/// Goes up when what is done here changes.
const VERSION: u8 = 2;

/// Part of the name of compiled code: with another adapter it is other code.
pub(in crate::plugin) fn adapter() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let digest = hex::encode(Sha256::digest(ADAPTER));
        format!("adapted{VERSION}-{digest}")
    });
    &NAME
}

/// The component; its `wasi:cli/run` calls `_start`.
///
/// # Errors
/// What of the program cannot be adapted, in words.
pub(super) fn command(program: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut program = own::changed(program)?;
    let mut resolve = Resolve::default();
    let package = resolve.push_source("program.wit", program::WIT)?;
    let world = resolve.select_world(&[package], Some(program::WORLD))?;
    wit_component::embed_component_metadata(&mut program, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default()
        .module(&program)?
        .adapter(PREVIEW1, ADAPTER)?
        .encode()
}
