//! SQLite.

use std::time::{Duration, Instant};

use runner_sql::{Database, How, Kind, Scalar, Settings, Value};
use tempfile::TempDir;

use crate::support::{one, query, settings, single, soon, statement, text, transaction};

/// A new file, and its URL.
fn file() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("a.db").display());
    (folder, url)
}

#[tokio::test]
async fn values_come_back_exactly() {
    let (_folder, url) = file();
    let database = single(&url);
    query(&database, "create table t (a)", &[]).await.unwrap();
    for (value, back) in [
        (Scalar::Null, Scalar::Null),
        (Scalar::Boolean(true), Scalar::Integer(1)),
        (Scalar::Integer(i64::MIN), Scalar::Integer(i64::MIN)),
        (Scalar::Float(0.1), Scalar::Float(0.1)),
        (Scalar::Float(f64::INFINITY), Scalar::Float(f64::INFINITY)),
        (Scalar::Bytes(vec![0, 255]), Scalar::Bytes(vec![0, 255])),
        (text("a\0é\u{1f980}"), text("a\0é\u{1f980}")),
        (Scalar::Numeric("12.340".into()), text("12.340")),
        (Scalar::Json("{ }".into()), text("{ }")),
        (
            Scalar::Timestamptz("2026-11-28T00:00:00Z".into()),
            text("2026-11-28T00:00:00Z"),
        ),
    ] {
        let sql = "insert into t values (?) returning a";
        assert_eq!(one(&database, sql, &[value]).await, back);
    }
    let rows = query(
        &database,
        "select a as \"x y\", 1 + 1 from t where false",
        &[],
    )
    .await
    .unwrap();
    assert_eq!(
        (rows.columns[0].name.as_str(), rows.columns.len()),
        ("x y", 2)
    );
}

// Long because it is one table of mistakes.
#[tokio::test]
async fn mistakes_are_named_without_values() {
    let (_folder, url) = file();
    let database = single(&url);
    query(
        &database,
        "create table t (a integer primary key, b text not null unique, check (a < 100))",
        &[],
    )
    .await
    .unwrap();
    query(&database, "insert into t values (1, 'x')", &[])
        .await
        .unwrap();
    let insert = "insert into t values (?, ?)";
    let secret = text("secret");
    let array = Value::Array(vec![]);
    for (sql, parameters, kind, code, message) in [
        (
            "select 1; select 2",
            vec![],
            Kind::Invalid,
            None,
            "main: it is more than one statement: hand each over by itself",
        ),
        (
            "select ?",
            vec![],
            Kind::Invalid,
            None,
            "main: the statement has 1 parameters, and 0 are given",
        ),
        (
            "select 1",
            vec![Scalar::Null],
            Kind::Invalid,
            None,
            "main: the statement has 0 parameters, and 1 are given",
        ),
        (
            "select ?",
            vec![Scalar::Float(f64::NAN)],
            Kind::Invalid,
            None,
            "main: parameter 1 is NaN, which SQLite does not have",
        ),
        (
            "selec 1",
            vec![],
            Kind::Invalid,
            Some("1"),
            "main: near \"selec\": syntax error",
        ),
        (
            insert,
            vec![Scalar::Integer(2), text("x")],
            Kind::Constraint,
            Some("2067"),
            "main: UNIQUE constraint failed: t.b",
        ),
        (
            insert,
            vec![Scalar::Integer(2), Scalar::Null],
            Kind::Constraint,
            Some("1299"),
            "main: NOT NULL constraint failed: t.b",
        ),
        (
            insert,
            vec![Scalar::Integer(100), secret.clone()],
            Kind::Constraint,
            Some("275"),
            "main: CHECK constraint failed: a < 100",
        ),
        (
            "select cast(x'ff' as text) as broken",
            vec![],
            Kind::Invalid,
            None,
            "main: column \"broken\" has text that is not UTF-8: cast it to blob",
        ),
        (
            "pragma query_only",
            vec![],
            Kind::Invalid,
            None,
            "main: `pragma` is not taken as a statement: a job has a connection only while a call lasts",
        ),
    ] {
        let error = query(&database, sql, &parameters).await.unwrap_err();
        assert_eq!(error.message, message, "{sql}");
        assert_eq!((error.kind, error.code.as_deref()), (kind, code), "{sql}");
    }
    let mut arrays = statement("select ?", &[]);
    arrays.parameters = vec![array];
    let error = database
        .run(vec![arrays], How::Query, soon())
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "main: parameter 1 is an array, which SQLite does not have"
    );
    let error = query(&database, insert, &[Scalar::Integer(2), text("x")])
        .await
        .unwrap_err();
    assert_eq!(error.constraint.as_deref(), Some("t.b"));
    let error = query(&database, "select 'é', nothing", &[])
        .await
        .unwrap_err();
    assert_eq!(error.position, Some(13));
}

#[tokio::test]
async fn a_file_is_made_only_where_the_url_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none.db");
    let database = single(&format!("sqlite:{}", path.display()));
    let error = query(&database, "select 1", &[]).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(
        error.message,
        format!(
            "main: {}: unable to open database file, it does not exist; with mode=rwc in its URL it is made",
            path.display()
        )
    );
    assert!(!path.exists());
    single(&format!("sqlite:{}?mode=rwc", path.display()))
        .ready()
        .await
        .unwrap();
    assert!(path.exists());
    let wrong = |url: &str| Database::new("main", settings(url)).err().unwrap().message;
    assert_eq!(
        wrong("sqlite::memory:"),
        "main: its URL names no file: write sqlite:path/to/file.db"
    );
    assert_eq!(
        wrong("sqlite:a.db?cache=shared"),
        "main: the URL of SQLite may have mode=ro, mode=rw or mode=rwc, and nothing else"
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let (_folder, url) = file();
    let database = single(&url);
    let made = transaction(
        &database,
        vec![
            statement("create table t (a integer primary key)", &[]),
            statement("insert into t values (1)", &[]),
        ],
    )
    .await
    .unwrap();
    assert_eq!((made[0].affected, made[1].affected), (0, 1));
    let twice = vec![
        statement("insert into t values (2)", &[]),
        statement("insert into t values (2)", &[]),
    ];
    let error = transaction(&database, twice).await.unwrap_err();
    assert_eq!((error.kind, error.statement), (Kind::Constraint, Some(1)));
    let mut update = statement("update t set a = a where a = 9", &[]);
    update.expect = Some(1);
    let error = transaction(
        &database,
        vec![statement("insert into t values (2)", &[]), update],
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Expectation,
            "main: the statement had 0 rows and expects 1: nothing was changed"
        )
    );
    assert_eq!(
        one(&database, "select count(*) from t", &[]).await,
        Scalar::Integer(1)
    );
    query(&database, "create temp table gone (a)", &[])
        .await
        .unwrap();
    let error = query(&database, "select * from gone", &[])
        .await
        .unwrap_err();
    assert_eq!(error.message, "main: no such table: gone");
}

// Long because each limit has its statement.
#[tokio::test]
async fn limits_and_reading_only_hold() {
    let (_folder, url) = file();
    let database = single(&url);
    query(&database, "create table t (a)", &[]).await.unwrap();
    let limited = Database::new(
        "main",
        Settings {
            max_rows: 10,
            max_bytes: 1000,
            ..settings(&url)
        },
    )
    .unwrap();
    let count = "with recursive n(i) as (values (1) union all select i + 1 from n) select i from n";
    let error = query(&limited, count, &[]).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Limit,
            "main: more than 10 rows came back (max_rows): ask for fewer with `limit`"
        )
    );
    let error = query(&limited, "select randomblob(2000)", &[])
        .await
        .unwrap_err();
    assert_eq!(
        &*error.message,
        "main: more than 1000 bytes came back (max_bytes): ask for fewer rows or columns"
    );
    let error = query(&limited, "select randomblob(20000000)", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (Kind::Limit, Some("18"))
    );
    let sql = "insert into t values (1),(1),(1),(1),(1),(1),(1),(1),(1),(1),(1) returning a";
    assert_eq!(
        query(&limited, sql, &[]).await.unwrap_err().kind,
        Kind::Limit
    );
    assert_eq!(
        one(&database, "select count(*) from t", &[]).await,
        Scalar::Integer(0)
    );

    let reader = Database::new(
        "main",
        Settings {
            readonly: true,
            ..settings(&url)
        },
    )
    .unwrap();
    assert_eq!(
        one(&reader, "select count(*) from t", &[]).await,
        Scalar::Integer(0)
    );
    let error = query(&reader, "insert into t values (1)", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Denied,
            "main: `insert` may change something, and the database is granted for reading only"
        )
    );
    let error = query(
        &reader,
        "with x as (select 1) insert into t select * from x",
        &[],
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (Kind::Denied, "main: attempt to write a readonly database")
    );
}

// Long because the second lock needs a first.
#[tokio::test]
async fn a_long_statement_and_a_held_lock_end_in_time() {
    let (_folder, url) = file();
    let database = single(&url);
    let other = single(&url);
    query(&database, "create table t (a)", &[]).await.unwrap();
    let endless =
        "with recursive n(i) as (values (1) union all select i + 1 from n) select max(i) from n";
    let began = Instant::now();
    let deadline = began + Duration::from_millis(200);
    let error = database
        .run(vec![statement(endless, &[])], How::Query, deadline)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Timeout,
            "main: the statement took longer than it may, and was stopped: nothing was changed"
        )
    );
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(one(&database, "select 1", &[]).await, Scalar::Integer(1));

    // One holds the lock, the other waits for it.
    let call = other.clone();
    let holding = tokio::spawn(async move {
        let statements = vec![
            statement("insert into t values (1)", &[]),
            statement(endless, &[]),
        ];
        call.run(
            statements,
            How::Transaction,
            Instant::now() + Duration::from_millis(800),
        )
        .await
    });
    while other.usage().open == 0 || other.usage().idle > 0 {
        tokio::task::yield_now().await;
    }
    let write = || vec![statement("insert into t values (2)", &[])];
    loop {
        let deadline = Instant::now() + Duration::from_millis(100);
        match database.run(write(), How::Execute, deadline).await {
            // It has not begun.
            Ok(_) => {}
            Err(error) => {
                assert_eq!(
                    (error.kind, &*error.message),
                    (
                        Kind::Conflict,
                        "main: another connection held the lock until the time was over: nothing was changed"
                    )
                );
                break;
            }
        }
    }
    database.run(write(), How::Execute, soon()).await.unwrap();
    assert_eq!(holding.await.unwrap().unwrap_err().kind, Kind::Timeout);
    assert_eq!(
        one(&database, "select count(*) from t where a = 1", &[]).await,
        Scalar::Integer(0)
    );
}
