//! Postgres' errors: their kinds and words.

use runner_sql::{Database, Kind, Scalar};

use crate::support::databases::{Server, fresh};
use crate::support::{database, one, query, settings, single, statement, text, transaction};

// Long because it is one table of mistakes.
#[tokio::test]
async fn mistakes_are_named_without_values() {
    let database = database(&Server::postgres().url());
    let table = fresh("mistakes");
    let sql = format!("create table {table} (a int primary key, b text not null, check (a < 100))");
    query(&database, &sql, &[]).await.unwrap();
    query(
        &database,
        &format!("insert into {table} values (1, 'x')"),
        &[],
    )
    .await
    .unwrap();
    let insert = format!("insert into {table} values ($1, $2)");
    let cases = [
        (
            "select 1; select 2",
            vec![],
            Kind::Invalid,
            Some("42601"),
            "main: cannot insert multiple commands into a prepared statement".into(),
        ),
        (
            "select $1::int4",
            vec![],
            Kind::Invalid,
            None,
            "main: the statement has 1 parameters, and 0 are given".into(),
        ),
        (
            "select 1",
            vec![Scalar::Null],
            Kind::Invalid,
            None,
            "main: the statement has 0 parameters, and 1 are given".into(),
        ),
        (
            "select $1::int4",
            vec![text("secret")],
            Kind::Invalid,
            Some("22P02"),
            "main: invalid input syntax for type integer: \"…\"".into(),
        ),
        (
            "select $1::regclass",
            vec![text("secret")],
            Kind::Invalid,
            Some("42P01"),
            "main: relation \"…\" does not exist".into(),
        ),
        (
            "select $1::text",
            vec![Scalar::Bytes(vec![1])],
            Kind::Invalid,
            None,
            "main: parameter $1 is bytes, and the statement wants text there".into(),
        ),
        (
            "select $1::bytea",
            vec![text("a")],
            Kind::Invalid,
            None,
            "main: parameter $1 is text, and the statement wants bytea there".into(),
        ),
        (
            "select $1::text",
            vec![text("a\0b")],
            Kind::Invalid,
            None,
            "main: parameter $1 has a NUL in its text, which Postgres cannot store: send bytes to \
             a column of bytea"
                .into(),
        ),
        (
            "select point(1, 2) as place",
            vec![],
            Kind::Invalid,
            None,
            "main: column \"place\" has the type point, which cannot be read: cast it to text"
                .into(),
        ),
        (
            "select array[[1, 2], [3, 4]] as grid",
            vec![],
            Kind::Invalid,
            None,
            "main: column \"grid\" has the type _int4, which cannot be read: cast it to text"
                .into(),
        ),
        (
            "begin",
            vec![],
            Kind::Invalid,
            None,
            "main: `begin` is not taken as a statement: hand all statements of a transaction to \
             `transaction`, which begins and commits it"
                .into(),
        ),
        (
            &*insert,
            vec![Scalar::Integer(1), text("secret")],
            Kind::Constraint,
            Some("23505"),
            format!("main: duplicate key value violates unique constraint \"{table}_pkey\""),
        ),
        (
            &*insert,
            vec![Scalar::Integer(2), Scalar::Null],
            Kind::Constraint,
            Some("23502"),
            format!(
                "main: null value in column \"b\" of relation \"{table}\" violates not-null constraint"
            ),
        ),
        (
            &*insert,
            vec![Scalar::Integer(100), text("secret")],
            Kind::Constraint,
            Some("23514"),
            format!(
                "main: new row for relation \"{table}\" violates check constraint \"{table}_a_check\""
            ),
        ),
        (
            "select 1 / 0",
            vec![],
            Kind::Invalid,
            Some("22012"),
            "main: division by zero".into(),
        ),
        (
            "do $$ begin raise exception 'secret'; end $$",
            vec![],
            Kind::Failed,
            Some("P0001"),
            "main: a function or trigger raised an exception, whose text may hold values: the log \
             of the database has it"
                .into(),
        ),
    ];
    for (sql, parameters, kind, code, message) in cases {
        let error = query(&database, sql, &parameters).await.unwrap_err();
        assert_eq!(error.message, message, "{sql}");
        assert_eq!((error.kind, error.code.as_deref()), (kind, code), "{sql}");
    }
    let error = query(&database, "select 'é', nothing", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_deref(), error.position),
        (Some("42703"), Some(13))
    );
    let error = query(&database, &insert, &[Scalar::Integer(1), text("x")])
        .await
        .unwrap_err();
    assert_eq!(error.constraint, Some(format!("{table}_pkey")));
}

#[tokio::test]
async fn wrong_urls_are_named_without_their_secrets() {
    let wrong = |url: &str| Database::new("main", settings(url)).err().unwrap().message;
    assert_eq!(
        wrong("redis://x"),
        "main: its URL must begin with postgres://, mysql:// or sqlite:"
    );
    assert_eq!(
        wrong("postgres://u:secret@h:x/d"),
        "main: its URL cannot be used: invalid value for option `port`"
    );
    assert_eq!(
        wrong("postgres:///d"),
        "main: its URL cannot be used: it names no host"
    );
    assert_eq!(
        wrong("postgres://h/d?sslmode=prefer"),
        "main: sslmode must be require or disable in its URL; require always checks the server's certificate"
    );
    assert_eq!(
        wrong("postgres://h/d?prepare=no"),
        "main: prepare must be true or false in its URL"
    );
    let url = Server::postgres().url();
    let other = url.replace("correct", "wrong");
    let error = query(&database(&other), "select 1", &[]).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Unavailable,
            "main: cannot connect: password authentication failed for user \"runner\""
        )
    );
    let pooled = database(&format!("{url}?prepare=false"));
    assert_eq!(
        one(&pooled, "select $1::int4", &[Scalar::Integer(4)]).await,
        Scalar::Integer(4)
    );
    assert_eq!(
        one(&pooled, "select count(*) from pg_prepared_statements", &[]).await,
        Scalar::Integer(1)
    );
}
#[tokio::test]
async fn a_changed_table_is_prepared_anew() {
    let database = single(&Server::postgres().url());
    let table = fresh("changed");
    let sql = format!("select * from {table}");
    query(&database, &format!("create table {table} (a int)"), &[])
        .await
        .unwrap();
    assert_eq!(query(&database, &sql, &[]).await.unwrap().columns.len(), 1);
    query(&database, &format!("alter table {table} add b text"), &[])
        .await
        .unwrap();
    assert_eq!(query(&database, &sql, &[]).await.unwrap().columns.len(), 2);
    query(&database, &format!("alter table {table} drop b"), &[])
        .await
        .unwrap();
    let rows = transaction(&database, vec![statement(&sql, &[]), statement(&sql, &[])])
        .await
        .unwrap();
    assert_eq!(rows[1].columns.len(), 1);
}
