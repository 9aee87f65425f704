//! Statements that end before they are done.

use std::time::{Duration, Instant};

use runner_sql::{Database, How, Kind, Scalar, Settings};

use crate::support::databases::Server;
use crate::support::{database, one, query, settings, single, soon, statement, transaction};

#[tokio::test]
async fn a_statement_is_stopped_on_the_server() {
    let url = Server::postgres().url();
    let (slow, other) = (single(&url), database(&url));
    let running = |mark: &str| {
        format!(
            "select count(*) from pg_stat_activity where state = 'active' and query like '%{mark}' and pid <> pg_backend_pid()"
        )
    };
    // At its deadline.
    let began = Instant::now();
    let statements = vec![statement("select pg_sleep(60) -- mark1", &[])];
    let deadline = began + Duration::from_millis(200);
    let error = slow
        .run(statements, How::Query, deadline)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    assert_eq!(
        error.message,
        "main: the statement took longer than it may, and was stopped: nothing was changed"
    );
    assert!(
        began.elapsed() < Duration::from_millis(1200),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        one(&other, &running("mark1"), &[]).await,
        Scalar::Integer(0)
    );
    // When its caller goes away, also in a transaction.
    for how in [How::Query, How::Transaction] {
        let call = slow.clone();
        let task = tokio::spawn(async move {
            call.run(
                vec![statement("select pg_sleep(60) -- mark2", &[])],
                how,
                soon(),
            )
            .await
        });
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
    assert_eq!(slow.usage().open, 1);
}

#[tokio::test]
async fn a_full_pool_is_waited_for_and_then_named() {
    let url = Server::postgres().url();
    let small = Database::new(
        "main",
        Settings {
            pool: 2,
            ..settings(&url)
        },
    )
    .unwrap();
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let small = small.clone();
            tokio::spawn(async move { query(&small, "select pg_sleep(60)", &[]).await })
        })
        .collect();
    while small.usage().open < 2 || small.usage().idle > 0 {
        tokio::task::yield_now().await;
    }
    let deadline = Instant::now() + Duration::from_millis(100);
    let error = small
        .run(vec![statement("select 1", &[])], How::Query, deadline)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (
            Kind::Unavailable,
            "main: no connection became free in time, all 2 of its pool are in use: run fewer jobs at once, or raise `pool`"
        )
    );
    busy.iter().for_each(|it| it.abort());
    assert_eq!(one(&small, "select 1", &[]).await, Scalar::Integer(1));
}

#[tokio::test]
async fn a_server_that_dies_is_unavailable_and_comes_back() {
    let mut server = Server::own_postgres();
    let database = database(&server.url());
    query(&database, "create table t (a int)", &[])
        .await
        .unwrap();
    let call = database.clone();
    let task = tokio::spawn(async move {
        transaction(
            &call,
            vec![
                statement("insert into t values (1)", &[]),
                statement("select pg_sleep(60)", &[]),
            ],
        )
        .await
    });
    let waiting = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'";
    while one(&database, waiting, &[]).await != Scalar::Integer(1) {
        tokio::task::yield_now().await;
    }
    server.kill();
    let error = task.await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "{error:?}");
    // Connections that were idle end one by one.
    loop {
        let error = query(&database, "select 1", &[]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable);
        if error.message == "main: cannot connect: Connection refused (os error 111)" {
            break;
        }
        assert_eq!(
            error.message,
            "main: the connection broke: connection closed"
        );
    }
    assert_eq!(database.ready().await.unwrap_err().kind, Kind::Unavailable);
    server.start();
    database.ready().await.unwrap();
    assert_eq!(
        one(&database, "select count(*) from t", &[]).await,
        Scalar::Integer(0)
    );
}
