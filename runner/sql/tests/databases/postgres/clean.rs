//! What a call may leave, do and have in Postgres.

use std::time::{Duration, Instant};

use runner_sql::{Database, How, Kind, Scalar, Settings};

use crate::support::databases::{Server, fresh};
use crate::support::{database, one, query, settings, single, soon, statement, text, transaction};

// Long because it is one table of what can be left.
#[tokio::test]
async fn nothing_of_a_call_is_left_for_the_next() {
    let database = single(&Server::postgres().url());
    let table = fresh("left");
    query(&database, &format!("create table {table} (a int)"), &[])
        .await
        .unwrap();
    let pid = one(&database, "select pg_backend_pid()", &[]).await;
    for (leave, look, clean) in [
        (
            "set statement_timeout = '7s'",
            "select current_setting('statement_timeout')",
            "0",
        ),
        (
            "select set_config('work_mem', '77MB', false)",
            "select current_setting('work_mem')",
            "4MB",
        ),
        (
            "set time zone 'Asia/Tokyo'",
            "select current_setting('TimeZone')",
            "UTC",
        ),
        (
            "create temp table temporary (a int)",
            "select coalesce(to_regclass('temporary')::text, 'none')",
            "none",
        ),
        (
            "select 1 as a into temp temporary",
            "select coalesce(to_regclass('temporary')::text, 'none')",
            "none",
        ),
        (
            "select pg_advisory_lock(77)",
            "select count(*)::text from pg_locks where locktype = 'advisory'",
            "0",
        ),
        (
            "do $$ begin perform set_config('a.b', 'c', false); end $$",
            "select coalesce(nullif(current_setting('a.b', true), ''), 'none')",
            "none",
        ),
        ("set role pg_monitor", "select current_user::text", "runner"),
        (
            "do $$ begin execute 'declare c cursor with hold for select 1'; end $$",
            "select count(*)::text from pg_cursors where name = 'c'",
            "0",
        ),
    ] {
        query(&database, leave, &[])
            .await
            .unwrap_or_else(|error| panic!("{leave}: {error}"));
        assert_eq!(one(&database, look, &[]).await, text(clean), "{leave}");
    }
    assert_eq!(
        one(&database, "select pg_backend_pid()", &[]).await,
        pid,
        "cleaned, not closed"
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let database = single(&Server::postgres().url());
    let table = fresh("whole");
    let insert = format!("insert into {table} values ($1)");
    let count = format!("select count(*) from {table}");
    let made = transaction(
        &database,
        vec![
            statement(&format!("create table {table} (a int primary key)"), &[]),
            statement(&insert, &[Scalar::Integer(1)]),
        ],
    );
    assert_eq!(made.await.unwrap()[1].affected, 1);
    // Cold, and with all prepared.
    for _ in 0..2 {
        let mut update = statement(
            &format!("update {table} set a = a where a = $1"),
            &[Scalar::Integer(9)],
        );
        update.expect = Some(1);
        let statements = vec![statement(&insert, &[Scalar::Integer(2)]), update];
        let error = transaction(&database, statements).await.unwrap_err();
        assert_eq!((error.kind, error.statement), (Kind::Expectation, Some(1)));
        assert_eq!(
            error.message,
            "main: the statement had 0 rows and expects 1: nothing was changed"
        );
        assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(1));

        let twice = vec![
            statement(&insert, &[Scalar::Integer(2)]),
            statement(&insert, &[Scalar::Integer(2)]),
        ];
        let error = transaction(&database, twice).await.unwrap_err();
        assert_eq!((error.kind, error.statement), (Kind::Constraint, Some(1)));
        assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(1));
    }
    let many = (10..60)
        .map(|it| statement(&insert, &[Scalar::Integer(it)]))
        .collect();
    assert_eq!(transaction(&database, many).await.unwrap().len(), 50);
    assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(51));
    let mut expecting = statement(&format!("delete from {table}"), &[]);
    expecting.expect = Some(1);
    let error = database
        .run(vec![expecting], How::Execute, soon())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.statement), (Kind::Expectation, None));
    assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(51));
}

// Long because there are many ways around it.
#[tokio::test]
async fn reading_only_is_enforced_by_the_server() {
    let url = Server::postgres().url();
    let table = fresh("readonly");
    query(
        &database(&url),
        &format!("create table {table} (a int)"),
        &[],
    )
    .await
    .unwrap();
    let reader = Database::new(
        "main",
        Settings {
            readonly: true,
            pool: 1,
            ..settings(&url)
        },
    )
    .unwrap();
    assert_eq!(
        one(&reader, &format!("select count(*) from {table}"), &[]).await,
        Scalar::Integer(0)
    );
    for sql in [
        "insert into T values (1)",
        "set transaction read write",
        "do $$ begin delete from T; end $$",
        "create table x (a int)",
    ] {
        let error = query(&reader, &sql.replace('T', &table), &[])
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Denied, "{sql}");
    }
    let sql = format!("with x as (insert into {table} values (1) returning a) select * from x");
    let error = query(&reader, &sql, &[]).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (Kind::Denied, Some("25006"))
    );
    assert_eq!(
        error.message,
        "main: cannot execute SELECT in a read-only transaction"
    );
    let undo = transaction(
        &reader,
        vec![
            statement(
                "select set_config('transaction_read_only', 'off', false)",
                &[],
            ),
            statement(&sql, &[]),
        ],
    )
    .await
    .unwrap_err();
    assert_eq!(undo.kind, Kind::Invalid, "{undo:?}");
    let undo = query(
        &reader,
        "select set_config('default_transaction_read_only', 'off', false)",
        &[],
    )
    .await;
    assert!(undo.is_ok());
    assert_eq!(
        query(&reader, &sql, &[]).await.unwrap_err().kind,
        Kind::Denied
    );
}

// Long because each limit has its statement.
#[tokio::test]
async fn limits_hold_while_rows_come() {
    let url = Server::postgres().url();
    let table = fresh("limits");
    let limited = Database::new(
        "main",
        Settings {
            max_rows: 10,
            max_bytes: 1000,
            pool: 1,
            ..settings(&url)
        },
    )
    .unwrap();
    query(&limited, &format!("create table {table} (a int)"), &[])
        .await
        .unwrap();
    let began = Instant::now();
    let error = query(&limited, "select generate_series(1, 1000000000)", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Limit,
            "main: more than 10 rows came back (max_rows): ask for fewer with `limit`"
        )
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    let error = query(&limited, "select repeat('x', 2000)", &[])
        .await
        .unwrap_err();
    assert_eq!(
        &*error.message,
        "main: more than 1000 bytes came back (max_bytes): ask for fewer rows or columns"
    );
    let error = query(&limited, "select $1", &[text(&"x".repeat(1001))])
        .await
        .unwrap_err();
    assert_eq!(
        &*error.message,
        "main: the parameters have more than 1000 bytes (max_bytes): send fewer at once"
    );
    let long = format!("select '{}'", "x".repeat(1024 * 1024));
    let error = query(&limited, &long, &[]).await.unwrap_err();
    assert_eq!(
        &*error.message,
        "main: the text of the statement has 1048585 bytes, more than 1048576: give values as parameters"
    );
    let error = query(&limited, "select 1", &vec![Scalar::Null; 65_536])
        .await
        .unwrap_err();
    assert_eq!(
        &*error.message,
        "main: the statement has 65536 parameters, more than 65535"
    );
    // A change whose rows are too many is not made.
    let sql = format!("insert into {table} select generate_series(1, 100) returning a");
    assert_eq!(
        query(&limited, &sql, &[]).await.unwrap_err().kind,
        Kind::Limit
    );
    assert_eq!(
        one(&limited, &format!("select count(*) from {table}"), &[]).await,
        Scalar::Integer(0)
    );
    let done = limited
        .run(vec![statement(&sql, &[])], How::Execute, soon())
        .await
        .unwrap();
    assert_eq!((done[0].affected, done[0].rows.len()), (100, 0));
}
