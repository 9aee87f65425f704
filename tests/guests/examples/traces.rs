//! Writes all over its memory, and tells what it found there before.

use std::sync::atomic::{AtomicU8, Ordering};

use runner_sdk::prelude::*;

/// Bytes of static memory: more than the host resets by writing zeroes.
const STATIC: usize = 3 << 20;
/// Bytes it grows by.
const GROWN: usize = 8 << 20;
/// Of a memory's page.
const PAGE: usize = 64 << 10;
const MARK: u8 = 0xa5;

static BYTES: [AtomicU8; STATIC] = [const { AtomicU8::new(0) }; STATIC];

/// How many bytes of static and of grown memory were not zero.
fn handle(_: Job) -> Result<(usize, usize)> {
    let found = BYTES
        .iter()
        .filter(|byte| byte.swap(MARK, Ordering::Relaxed) != 0)
        .count();
    Ok((found, grown()))
}

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "fresh pages belong to whoever asked for them")]
fn grown() -> usize {
    let first = core::arch::wasm32::memory_grow(0, GROWN / PAGE);
    assert_ne!(first, usize::MAX, "no memory");
    // SAFETY: the pages are there, and nobody else knows of them.
    let grown = unsafe { std::slice::from_raw_parts_mut((first * PAGE) as *mut u8, GROWN) };
    let found = grown.iter().filter(|byte| **byte != 0).count();
    grown.fill(MARK);
    std::hint::black_box(grown);
    found
}

#[cfg(not(target_arch = "wasm32"))]
fn grown() -> usize {
    GROWN / PAGE
}

runner_sdk::handler!(handle);
