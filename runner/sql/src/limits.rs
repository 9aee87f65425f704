//! How much may go there and come back.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Kind};
use crate::value::{How, Statement};

/// The longest text of a statement, in bytes, as the host API says.
const TEXT: usize = 1024 * 1024;
/// The most parameters of a statement: Postgres and MySQL count them in 16 bits.
const PARAMETERS: usize = 65_535;

/// What the results of one call may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Rows of all statements.
    pub(crate) rows: usize,
    /// Bytes of all values; also of the parameters that go there.
    pub(crate) bytes: usize,
}

impl Limits {
    /// Whether the statements may be sent.
    pub(crate) fn check(&self, statements: &[Statement], how: How) -> Result<(), Error> {
        let mut bytes = 0;
        for (index, statement) in statements.iter().enumerate() {
            let limit = |message: String| {
                let error = Error::new(Kind::Limit, message);
                match how {
                    How::Transaction => error.at(index),
                    How::Query | How::Execute => error,
                }
            };
            if statement.text.len() > TEXT {
                let long = statement.text.len();
                return Err(limit(format!(
                    "the text of the statement has {long} bytes, more than {TEXT}: give values as parameters"
                )));
            }
            let count = statement.parameters.len();
            if count > PARAMETERS {
                return Err(limit(format!(
                    "the statement has {count} parameters, more than {PARAMETERS}"
                )));
            }
            bytes += statement
                .parameters
                .iter()
                .map(|it| it.bytes())
                .sum::<usize>();
            if bytes > self.bytes {
                let most = self.bytes;
                return Err(limit(format!(
                    "the parameters have more than {most} bytes (max_bytes): send fewer at once"
                )));
            }
        }
        Ok(())
    }
}

/// Counts what comes back, while it comes.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    rows: AtomicUsize,
    bytes: AtomicUsize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Meter {
        Meter {
            limits,
            rows: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// One more row, of so many bytes.
    pub(crate) fn row(&self, size: usize) -> Result<(), Error> {
        let Limits { rows, bytes } = self.limits;
        if self.rows.fetch_add(1, Ordering::Relaxed) >= rows {
            return Err(Error::new(
                Kind::Limit,
                format!("more than {rows} rows came back (max_rows): ask for fewer with `limit`"),
            ));
        }
        if self
            .bytes
            .fetch_add(size, Ordering::Relaxed)
            .saturating_add(size)
            > bytes
        {
            return Err(Error::new(
                Kind::Limit,
                format!(
                    "more than {bytes} bytes came back (max_bytes): ask for fewer rows or columns"
                ),
            ));
        }
        Ok(())
    }
}
