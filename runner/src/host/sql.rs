//! `runner:plugin/sql`: statements in the databases that are granted.

use std::time::Duration;

use runner_bindings::runner::plugin::sql as wit;
use runner_bindings::runner::plugin::sql::Host;
use runner_sql::{Error, How, Kind, Rows, Scalar, Statement, Value};

use super::State;
use crate::cost::{self, Kind as Asked};

impl Host for State {
    async fn query(
        &mut self,
        database: String,
        statement: wit::Statement,
        timeout: Option<u32>,
    ) -> Result<wit::Rows, wit::Error> {
        let mut all = self
            .run(&database, vec![statement], How::Query, timeout)
            .await?;
        Ok(all.pop().map(rows).expect("one statement, one result"))
    }

    async fn execute(
        &mut self,
        database: String,
        statement: wit::Statement,
        timeout: Option<u32>,
    ) -> Result<u64, wit::Error> {
        let all = self
            .run(&database, vec![statement], How::Execute, timeout)
            .await?;
        Ok(all.iter().map(|rows| rows.affected).sum())
    }

    async fn transaction(
        &mut self,
        database: String,
        statements: Vec<wit::Statement>,
        timeout: Option<u32>,
    ) -> Result<Vec<wit::Rows>, wit::Error> {
        let all = self
            .run(&database, statements, How::Transaction, timeout)
            .await?;
        Ok(all.into_iter().map(rows).collect())
    }
}

impl State {
    /// Run statements, and record what they cost.
    async fn run(
        &mut self,
        database: &str,
        statements: Vec<wit::Statement>,
        how: How,
        timeout: Option<u32>,
    ) -> Result<Vec<Rows>, wit::Error> {
        let mut call = self.attempt.cost.begin(Asked::Sql, database);
        let statements: Vec<Statement> = statements.into_iter().map(statement).collect();
        call.know(|call| {
            call.method = word(how).to_owned();
            let parameters = statements.iter().flat_map(|of| &of.parameters);
            call.sent = parameters.map(|value| value.bytes() as u64).sum();
        });
        let done = match self.spend_statements(database, statements.len()) {
            Ok(()) => {
                let timeout = timeout.map(|ms| Duration::from_millis(ms.into()));
                let deadline = self.attempt.deadline();
                self.databases
                    .run(database, statements, how, timeout, deadline)
                    .await
            }
            Err(refused) => Err(refused),
        };
        let (outcome, received) = match &done {
            Ok(all) => (cost::DONE, all.iter().map(received).sum()),
            Err(error) => (label(error.kind), 0),
        };
        call.end(outcome, |call| {
            call.received = received;
            let (plugin, method) = (&self.plugin.name, &call.method);
            let ms = call.began.elapsed().as_millis() as u64;
            tracing::debug!(plugin, method, database, outcome, ms, "sql");
        });
        done.map_err(error)
    }

    /// Whether the attempt may run this many more statements in this database.
    fn spend_statements(&mut self, database: &str, more: usize) -> Result<(), Error> {
        self.refuse_lost()
            .map_err(|text| Error::new(Kind::Denied, text))?;
        let most = self.databases.most(database)?;
        let ran = self.statements.entry(database.to_owned()).or_default();
        if *ran + more > most {
            let message = format!(
                "{database}: this attempt has run {ran} statements and wants {more} more; it may \
                 run {most} (max_statements)"
            );
            return Err(Error::new(Kind::Limit, message));
        }
        *ran += more;
        Ok(())
    }
}

fn word(how: How) -> &'static str {
    match how {
        How::Query => "query",
        How::Execute => "execute",
        How::Transaction => "transaction",
    }
}

/// What an error is called in records.
fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Denied => "denied",
        Kind::Invalid => "invalid",
        Kind::Constraint => "constraint",
        Kind::Expectation => "expectation",
        Kind::Conflict => "conflict",
        Kind::Limit => "limit",
        Kind::Timeout => "timeout",
        Kind::Unavailable => "unavailable",
        Kind::Uncertain => "uncertain",
        Kind::Failed => "failed",
    }
}

/// Bytes of the values of a result.
fn received(of: &Rows) -> u64 {
    let values = of.rows.iter().flatten();
    values.map(|value| value.bytes() as u64).sum()
}

fn statement(of: wit::Statement) -> Statement {
    Statement {
        text: of.text,
        parameters: of.parameters.into_iter().map(parameter).collect(),
        expect: of.expect,
    }
}

fn parameter(value: wit::Value) -> Value {
    match value {
        wit::Value::Scalar(of) => Value::Scalar(scalar(of)),
        wit::Value::Array(all) => Value::Array(all.into_iter().map(scalar).collect()),
    }
}

fn scalar(of: wit::Scalar) -> Scalar {
    match of {
        wit::Scalar::Null => Scalar::Null,
        wit::Scalar::Boolean(of) => Scalar::Boolean(of),
        wit::Scalar::Integer(of) => Scalar::Integer(of),
        wit::Scalar::Float(of) => Scalar::Float(of),
        wit::Scalar::Numeric(of) => Scalar::Numeric(of),
        wit::Scalar::Text(of) => Scalar::Text(of),
        wit::Scalar::Bytes(of) => Scalar::Bytes(of),
        wit::Scalar::Json(of) => Scalar::Json(of),
        wit::Scalar::Uuid(of) => Scalar::Uuid(of),
        wit::Scalar::Date(of) => Scalar::Date(of),
        wit::Scalar::Time(of) => Scalar::Time(of),
        wit::Scalar::Timestamp(of) => Scalar::Timestamp(of),
        wit::Scalar::Timestamptz(of) => Scalar::Timestamptz(of),
        wit::Scalar::Other(of) => Scalar::Other(of),
    }
}

fn rows(of: Rows) -> wit::Rows {
    let columns = of.columns.into_iter().map(|column| wit::Column {
        name: column.name,
        kind: column.kind,
    });
    let rows = of.rows.into_iter();
    let rows = rows.map(|row| row.into_iter().map(field).collect());
    wit::Rows {
        columns: columns.collect(),
        rows: rows.collect(),
        affected: of.affected,
    }
}

fn field(value: Value) -> wit::Value {
    match value {
        Value::Scalar(of) => wit::Value::Scalar(one(of)),
        Value::Array(all) => wit::Value::Array(all.into_iter().map(one).collect()),
    }
}

fn one(of: Scalar) -> wit::Scalar {
    match of {
        Scalar::Null => wit::Scalar::Null,
        Scalar::Boolean(of) => wit::Scalar::Boolean(of),
        Scalar::Integer(of) => wit::Scalar::Integer(of),
        Scalar::Float(of) => wit::Scalar::Float(of),
        Scalar::Numeric(of) => wit::Scalar::Numeric(of),
        Scalar::Text(of) => wit::Scalar::Text(of),
        Scalar::Bytes(of) => wit::Scalar::Bytes(of),
        Scalar::Json(of) => wit::Scalar::Json(of),
        Scalar::Uuid(of) => wit::Scalar::Uuid(of),
        Scalar::Date(of) => wit::Scalar::Date(of),
        Scalar::Time(of) => wit::Scalar::Time(of),
        Scalar::Timestamp(of) => wit::Scalar::Timestamp(of),
        Scalar::Timestamptz(of) => wit::Scalar::Timestamptz(of),
        Scalar::Other(of) => wit::Scalar::Other(of),
    }
}

fn error(of: Error) -> wit::Error {
    wit::Error {
        kind: match of.kind {
            Kind::Denied => wit::ErrorKind::Denied,
            Kind::Invalid => wit::ErrorKind::Invalid,
            Kind::Constraint => wit::ErrorKind::Constraint,
            Kind::Expectation => wit::ErrorKind::Expectation,
            Kind::Conflict => wit::ErrorKind::Conflict,
            Kind::Limit => wit::ErrorKind::Limit,
            Kind::Timeout => wit::ErrorKind::Timeout,
            Kind::Unavailable => wit::ErrorKind::Unavailable,
            Kind::Uncertain => wit::ErrorKind::Uncertain,
            Kind::Failed => wit::ErrorKind::Failed,
        },
        code: of.code,
        constraint: of.constraint,
        statement: of.statement,
        position: of.position,
        message: of.message,
    }
}
