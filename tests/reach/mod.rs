//! What a job can reach beside its queue and HTTP: the databases and object stores that are
//! granted to its plugin, and the values that it keeps.

mod blobs;
mod docs;
mod kv;
mod sql;
