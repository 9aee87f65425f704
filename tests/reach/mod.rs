//! What a job can reach beside its queue and HTTP: the databases and object stores that are
//! granted to its plugin.

mod blobs;
mod docs;
mod sql;
