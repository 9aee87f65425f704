//! How much memory one instance may have, over all of its memories and tables.

use wasmtime::ResourceLimiter;

/// Table elements of one instance. Large for a function table, small for a
/// machine: 100 000 elements are 800 KiB.
const TABLE_ELEMENTS: usize = 100_000;

/// Adds up what wasmtime counts per memory, and remembers what was refused.
#[derive(Debug)]
pub struct Limits {
    max: usize,
    used: usize,
    elements: usize,
    refused: Option<usize>,
}

impl Limits {
    /// So many bytes over all memories.
    pub fn new(max: usize) -> Limits {
        Limits {
            max,
            used: 0,
            elements: 0,
            refused: None,
        }
    }

    /// The limit, bytes.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Bytes of linear memory in use; memories only grow, so this is the peak.
    pub fn used(&self) -> usize {
        self.used
    }

    /// What the guest would have had in all, the first time it was refused.
    pub fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for Limits {
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
