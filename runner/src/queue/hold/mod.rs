//! Who holds a job, and for how long: locks renewed, jobs of the dead put back,
//! jobs failed from outside (cancelled, expired). Called by `worker` and `cli`.

pub(in crate::queue) mod cancel;
pub(in crate::queue) mod expire;
pub(in crate::queue) mod heartbeat;
pub(in crate::queue) mod recover;
pub(in crate::queue) mod renew;
