//! MariaDB.

use std::time::{Duration, Instant};

use runner_sql::{Database, How, Kind, Scalar, Settings};

use crate::support::databases::{Server, fresh};
use crate::support::{database, one, query, settings, single, soon, statement, text, transaction};

// Long because it is one table of values.
#[tokio::test]
async fn values_come_back_exactly() {
    let database = single(&Server::mariadb().url());
    for (kind, value) in [
        ("tinyint", Scalar::Integer(-128)),
        ("smallint", Scalar::Integer(-32768)),
        ("mediumint", Scalar::Integer(-8_388_608)),
        ("int unsigned", Scalar::Integer(4_294_967_295)),
        ("bigint", Scalar::Integer(i64::MIN)),
        ("bigint unsigned", Scalar::Integer(5)),
        ("bigint unsigned", Scalar::Numeric(u64::MAX.to_string())),
        ("double", Scalar::Float(0.1)),
        ("float", Scalar::Float(0.5)),
        (
            "decimal(65,30)",
            Scalar::Numeric(
                "-12345678901234567890123456789012345.000000000000000000000000000012".into(),
            ),
        ),
        ("decimal(5,3)", Scalar::Numeric("12.340".into())),
        ("varchar(50)", text("\"q\" 'é' \\ \u{1f980}\0")),
        ("text", text("")),
        ("longtext", text("long")),
        ("varbinary(9)", Scalar::Bytes(vec![0, 255, b'\\', b'\''])),
        ("blob", Scalar::Bytes(vec![0, 159, 146, 150])),
        ("date", Scalar::Date("2026-11-28".into())),
        ("date", Scalar::Date("9999-12-31".into())),
        ("time(6)", Scalar::Time("23:59:59.123456".into())),
        ("time", Scalar::Other("-838:59:59".into())),
        ("time", Scalar::Other("24:00:00".into())),
        (
            "datetime(6)",
            Scalar::Timestamp("2026-11-28T23:59:59.1234".into()),
        ),
        ("datetime", Scalar::Timestamp("1000-01-01T00:00:00".into())),
        (
            "timestamp(6) null",
            Scalar::Timestamptz("2026-11-28T23:59:59.123456Z".into()),
        ),
        ("enum('a b', 'c')", Scalar::Other("a b".into())),
        ("set('a', 'c')", text("a,c")),
        ("year", Scalar::Integer(2026)),
        ("int", Scalar::Null),
        ("datetime", Scalar::Null),
    ] {
        let table = fresh("value");
        query(&database, &format!("create table {table} (a {kind})"), &[])
            .await
            .unwrap();
        let insert = format!("insert into {table} values (?)");
        query(&database, &insert, std::slice::from_ref(&value))
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(
            one(&database, &format!("select a from {table}"), &[]).await,
            value,
            "{kind}"
        );
    }
    assert_eq!(
        one(&database, "select b'101'", &[]).await,
        Scalar::Bytes(vec![5])
    );
    let rows = query(
        &database,
        "select 1 as a, 'x' as a from dual where false",
        &[],
    )
    .await
    .unwrap();
    assert_eq!(
        (rows.columns.len(), rows.rows.len(), rows.affected),
        (2, 0, 0)
    );
    assert_eq!(
        (&*rows.columns[0].name, &*rows.columns[0].kind),
        ("a", "INT")
    );
}

#[tokio::test]
async fn mistakes_are_named_without_values() {
    let database = single(&Server::mariadb().url());
    let table = fresh("mistakes");
    query(&database, &format!("create table {table} (a int primary key, b varchar(9) not null unique, constraint small check (a < 100))"), &[]).await.unwrap();
    let insert = format!("insert into {table} values (?, ?)");
    query(&database, &insert, &[Scalar::Integer(1), text("secret")])
        .await
        .unwrap();
    for (sql, parameters, kind, code, message) in [
        ("select ?", vec![], Kind::Invalid, None, "main: the statement has 1 parameters, and 0 are given".to_owned()),
        ("select ?", vec![Scalar::Float(f64::NAN)], Kind::Invalid, None, "main: parameter 1 is no finite number, and MySQL has no others".into()),
        ("select ?", vec![Scalar::Timestamptz("2026-11-28T00:00:00+01".into())], Kind::Invalid, None, "main: parameter 1 is a point in time that does not end with Z".into()),
        (&insert, vec![Scalar::Integer(2), text("secret")], Kind::Constraint, Some("23000"), "main: Duplicate entry '…' for key 'b'".into()),
        (&insert, vec![text("secret"), text("x")], Kind::Invalid, Some("22007"), format!("main: Incorrect integer value: '…' for column `runner`.`{table}`.`a` at row 1")),
        (&insert, vec![Scalar::Integer(2), text("too long a text")], Kind::Invalid, Some("22001"), "main: Data too long for column 'b' at row 1".into()),
        (&insert, vec![Scalar::Integer(2), Scalar::Null], Kind::Constraint, Some("23000"), "main: Column 'b' cannot be null".into()),
        (&insert, vec![Scalar::Integer(100), text("x")], Kind::Constraint, Some("23000"), format!("main: CONSTRAINT `small` failed for `runner`.`{table}`")),
        ("select * from nowhere", vec![], Kind::Invalid, Some("42S02"), "main: Table 'runner.nowhere' doesn't exist".into()),
        ("use mysql", vec![], Kind::Invalid, None, "main: `use` is not taken as a statement: a job has a connection only while a call lasts".into()),
    ] {
        let error = query(&database, sql, &parameters).await.unwrap_err();
        assert_eq!(error.message, message, "{sql}");
        assert_eq!((error.kind, error.code.as_deref()), (kind, code), "{sql}");
    }
    let error = query(&database, &insert, &[Scalar::Integer(100), text("x")])
        .await
        .unwrap_err();
    assert_eq!(error.constraint.as_deref(), Some("small"));
    let error = query(&database, "select 1; select 2", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (Kind::Invalid, Some("42000"))
    );
}

#[tokio::test]
async fn nothing_of_a_call_is_left_for_the_next() {
    let database = single(&Server::mariadb().url());
    let id = one(
        &database,
        "select count(*) from information_schema.tables where false",
        &[],
    )
    .await;
    assert_eq!(id, Scalar::Integer(0));
    for (leave, look, clean) in [
        ("set @a = 1", "select coalesce(@a, 'none')", "none"),
        ("select @a := 1", "select coalesce(@a, 'none')", "none"),
        (
            "set autocommit = 0",
            "select cast(@@autocommit + 0 as char)",
            "1",
        ),
        ("set time_zone = '+09:00'", "select @@time_zone", "+00:00"),
        (
            "select get_lock('left', 1)",
            "select coalesce(is_used_lock('left'), 'none')",
            "none",
        ),
    ] {
        query(&database, leave, &[])
            .await
            .unwrap_or_else(|error| panic!("{leave}: {error}"));
        let left = one(&database, look, &[]).await;
        assert!(
            left == text(clean) || left == Scalar::Bytes(clean.into()),
            "{leave}: {left:?}"
        );
    }
    query(&database, "create temporary table gone (a int)", &[])
        .await
        .unwrap();
    let error = query(&database, "select * from gone", &[])
        .await
        .unwrap_err();
    assert_eq!(error.code.as_deref(), Some("42S02"));
}

// Long because there are many ways to undo one.
#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let url = Server::mariadb().url();
    let database = single(&url);
    let table = fresh("whole");
    query(
        &database,
        &format!("create table {table} (a int primary key)"),
        &[],
    )
    .await
    .unwrap();
    let insert = format!("insert into {table} values (?)");
    let two = || statement(&insert, &[Scalar::Integer(2)]);
    let error = transaction(&database, vec![two(), two()])
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.statement), (Kind::Constraint, Some(1)));
    let mut update = statement(&format!("update {table} set a = a where a = 9"), &[]);
    update.expect = Some(1);
    let error = transaction(&database, vec![two(), update])
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.statement), (Kind::Expectation, Some(1)));
    let count = format!("select count(*) from {table}");
    assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(0));
    let error = transaction(&database, vec![statement("truncate table x", &[])])
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "main: `truncate` may commit by itself in MySQL, so it cannot be a part of a transaction: run it alone with `execute`"
    );
    // A row that is found and stays the same counts, as in Postgres.
    assert_eq!(
        transaction(&database, vec![two()]).await.unwrap()[0].affected,
        1
    );
    let same = query(
        &database,
        &format!("update {table} set a = 2 where a = 2"),
        &[],
    )
    .await
    .unwrap();
    assert_eq!(same.affected, 1);

    let reader = Database::new(
        "main",
        Settings {
            readonly: true,
            pool: 1,
            ..settings(&url)
        },
    )
    .unwrap();
    assert_eq!(one(&reader, &count, &[]).await, Scalar::Integer(1));
    let error = query(&reader, &insert, &[Scalar::Integer(3)])
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    let limited = Database::new(
        "main",
        Settings {
            max_rows: 10,
            pool: 1,
            ..settings(&url)
        },
    )
    .unwrap();
    let error = query(&limited, "select seq from seq_1_to_100000000", &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Limit,
            "main: more than 10 rows came back (max_rows): ask for fewer with `limit`"
        )
    );
    let sql = format!("insert into {table} select seq + 10 from seq_1_to_100 returning a");
    assert_eq!(
        query(&limited, &sql, &[]).await.unwrap_err().kind,
        Kind::Limit
    );
    assert_eq!(one(&database, &count, &[]).await, Scalar::Integer(1));
}

#[tokio::test]
async fn a_statement_is_stopped_on_the_server() {
    let url = Server::mariadb().url();
    let (slow, other) = (single(&url), database(&url));
    let slept = |mark: &str| format!("select sleep(60) as {mark}");
    let running = |mark: &str| {
        format!(
            "select count(*) from information_schema.processlist where info like 'select sleep(60) as {mark}%'"
        )
    };
    let began = Instant::now();
    let deadline = began + Duration::from_millis(300);
    let error = slow
        .run(vec![statement(&slept("mark1"), &[])], How::Query, deadline)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Timeout,
            "main: the statement took longer than it may, and was stopped: nothing was changed"
        )
    );
    assert!(
        began.elapsed() < Duration::from_millis(1300),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        one(&other, &running("mark1"), &[]).await,
        Scalar::Integer(0)
    );
    for how in [How::Query, How::Transaction] {
        let (call, sql) = (slow.clone(), slept("mark2"));
        let task =
            tokio::spawn(async move { call.run(vec![statement(&sql, &[])], how, soon()).await });
        while one(&other, &running("mark2"), &[]).await != Scalar::Integer(1) {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        task.abort();
        while one(&other, &running("mark2"), &[]).await != Scalar::Integer(0) {
            assert!(began.elapsed() < Duration::from_secs(1), "not stopped");
        }
        assert_eq!(one(&slow, "select 1", &[]).await, Scalar::Integer(1));
    }
}

#[tokio::test]
async fn a_server_that_dies_is_unavailable_and_comes_back() {
    let mut server = Server::own_mariadb();
    let database = database(&server.url());
    query(&database, "create table t (a int)", &[])
        .await
        .unwrap();
    let call = database.clone();
    let task = tokio::spawn(async move {
        let statements = vec![
            statement("insert into t values (1)", &[]),
            statement("select sleep(60)", &[]),
        ];
        transaction(&call, statements).await
    });
    let waiting =
        "select count(*) from information_schema.processlist where info like 'select sleep(60)%'";
    while one(&database, waiting, &[]).await != Scalar::Integer(1) {
        tokio::task::yield_now().await;
    }
    server.kill();
    let error = task.await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "{error:?}");
    loop {
        let error = query(&database, "select 1", &[]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable);
        if error.message == "main: cannot connect: Connection refused (os error 111)" {
            break;
        }
    }
    server.start();
    database.ready().await.unwrap();
    assert_eq!(
        one(&database, "select count(*) from t", &[]).await,
        Scalar::Integer(0)
    );
}
