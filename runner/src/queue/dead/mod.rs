//! Dead letters: the copy of a job that failed for good, and its way back. Copies
//! are made by `work` and `worker`, letters are read and replayed by `cli`.

pub(in crate::queue) mod copy;
pub(in crate::queue) mod letters;
