//! What a job can reach beside its queue and HTTP: the databases that are granted to its
//! plugin.

mod sql;
