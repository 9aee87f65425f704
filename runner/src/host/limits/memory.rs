//! How much memory one instance may have, over all of its memories and tables.

use wasmtime::ResourceLimiter;

/// Table elements of one instance. Large for a function table, small for a
/// machine: 100 000 elements are 800 KiB.
const TABLE_ELEMENTS: usize = 100_000;

/// Adds up what wasmtime counts per memory, and remembers what was refused.
#[derive(Debug)]
pub struct Memory {
    max: usize,
    used: usize,
    /// What was used before the first job.
    start: usize,
    elements: usize,
    refused: Option<usize>,
}

impl Memory {
    /// A limit of `max` bytes over all memories.
    pub fn new(max: usize) -> Memory {
        Memory {
            max,
            used: 0,
            start: 0,
            elements: 0,
            refused: None,
        }
    }

    /// The instance is there and has not been called.
    pub(in crate::host) fn has_started(&mut self) {
        self.start = self.used;
    }

    /// Whether a job with this limit has at least half of the memory that it would find
    /// free in a fresh instance.
    pub fn has_room(&self, max: usize) -> bool {
        let fresh = max.saturating_sub(self.start);
        self.used - self.start <= fresh / 2
    }

    /// The same memory under the limit of another job.
    pub(in crate::host) fn renewed(&self, max: usize) -> Memory {
        Memory {
            max,
            refused: None,
            ..*self
        }
    }

    /// The limit.
    pub fn max(&self) -> usize {
        self.max
    }

    /// What the guest has.
    pub fn used(&self) -> usize {
        self.used
    }

    /// What the guest would have had in all, the first time it was refused.
    pub fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.used.saturating_add(desired.saturating_sub(current));
        if total > self.max {
            self.refused.get_or_insert(total);
            return Ok(false);
        }
        self.used = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .elements
            .saturating_add(desired.saturating_sub(current));
        if total > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }
}
