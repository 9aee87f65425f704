//! Statements of plugins in the databases they are granted: Postgres, MySQL or MariaDB,
//! SQLite. The behaviour is that of `wit/runner/sql.wit`.
//!
//! A call is a task of its own that holds a connection: when its caller goes away or the
//! time is over, the task stops the statement on the server. It gives the connection back
//! only when nothing of the call is left on it, and otherwise cleans or closes it.

mod call;
mod database;
mod error;
mod limits;
mod mysql;
mod pool;
mod postgres;
mod settings;
mod sqlite;
mod text;
mod tls;
mod value;

pub use crate::database::Database;
pub use crate::error::{Error, Kind};
pub use crate::pool::Usage;
pub use crate::settings::{Settings, Tls};
pub use crate::value::{Column, How, Rows, Scalar, Statement, Value};
