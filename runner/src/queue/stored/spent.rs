//! Where a job keeps what its attempts have cost: fields of its hash, so that it goes with
//! the job. Those of the last ten starts are kept.

/// The fields, used in turn. `settle.lua` has the first one, too.
pub(in crate::queue) const FIELDS: [&str; 10] = [
    "at:1", "at:2", "at:3", "at:4", "at:5", "at:6", "at:7", "at:8", "at:9", "at:10",
];

/// The field of the attempt that is this start of the job, from 1.
pub(in crate::queue) fn field(start: u32) -> &'static str {
    FIELDS[start.saturating_sub(1) as usize % FIELDS.len()]
}
