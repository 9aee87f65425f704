//! What a process that serves does once for all its queues: wait for work, be seen
//! as a worker, say what its Redis lacks. Called by `app` and `cli check`.

pub(in crate::queue) mod examine;
pub(in crate::queue) mod listen;
pub(in crate::queue) mod presence;
pub(in crate::queue) mod scripts;
