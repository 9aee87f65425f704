//! What the tests stand on.

#![allow(dead_code, reason = "no single test file needs all of it")]

#[path = "../../../../tests/support/databases.rs"]
pub(crate) mod databases;
#[path = "../../../../tests/support/process.rs"]
pub(crate) mod process;

use std::time::{Duration, Instant};

use runner_sql::{Database, Error, How, Rows, Scalar, Settings, Statement, Tls, Value};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Poll until `probe` has an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        #[expect(clippy::disallowed_methods, reason = "polls with a deadline")]
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        readonly: false,
        pool: 4,
        timeout: Duration::from_secs(30),
        max_rows: 10_000,
        max_bytes: 16 * 1024 * 1024,
        tls: Tls::default(),
    }
}

pub(crate) fn database(url: &str) -> Database {
    Database::new("main", settings(url)).unwrap()
}

/// With one connection, so that every call meets what the one before left.
pub(crate) fn single(url: &str) -> Database {
    let settings = Settings {
        pool: 1,
        ..settings(url)
    };
    Database::new("main", settings).unwrap()
}

pub(crate) fn statement(text: &str, parameters: &[Scalar]) -> Statement {
    Statement {
        text: text.to_owned(),
        parameters: parameters.iter().cloned().map(Value::Scalar).collect(),
        expect: None,
    }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

pub(crate) async fn query(
    database: &Database,
    text: &str,
    parameters: &[Scalar],
) -> Result<Rows, Error> {
    let statements = vec![statement(text, parameters)];
    let mut done = database.run(statements, How::Query, soon()).await?;
    Ok(done.remove(0))
}

/// The first row's first value.
pub(crate) async fn one(database: &Database, text: &str, parameters: &[Scalar]) -> Scalar {
    let rows = query(database, text, parameters).await;
    let rows = rows.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    match &rows.rows[0][0] {
        Value::Scalar(scalar) => scalar.clone(),
        Value::Array(_) => panic!("{text}: an array"),
    }
}

pub(crate) async fn transaction(
    database: &Database,
    statements: Vec<Statement>,
) -> Result<Vec<Rows>, Error> {
    database.run(statements, How::Transaction, soon()).await
}

pub(crate) fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}
