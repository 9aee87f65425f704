//! What breaks around Runner: its own process, Redis in all the ways it is run, the
//! network between them, and data that nobody should have stored. The measure is
//! always the same: no job is lost, none is stuck, and the log says what to do.

mod around_jobs;
mod bad_data;
mod cluster;
mod crashes;
mod embedded;
mod recovery;
mod rights;
mod servers;
mod tls;
mod topology;
