//! `runner:plugin/sql` through the door, in a real Postgres: values, transactions, limits,
//! what is stopped, what is granted.

use serde_json::{Value, json};

use crate::support::databases::{Server, fresh};
use crate::support::runner::with_redis;
use crate::support::{Redis, Runner, Setup, guest, until};

/// A runner whose plugin has a database `main`, with these keys besides.
pub(super) struct Reach {
    redis: Redis,
    setup: Setup,
    runner: Runner,
}

impl Reach {
    pub(super) fn new(url: &str, keys: &str) -> Reach {
        let reach = Reach::beginning(url, keys);
        reach.runner.until_ready();
        reach
    }

    /// One that need not be ready.
    fn beginning(url: &str, keys: &str) -> Reach {
        let redis = Redis::shared();
        let toml = format!(
            "[queues.work]\nplugin = \"statements\"\nconcurrency = 1000\n\
             [plugins.statements.sql.main]\nurl = \"env:DATABASE_URL\"\n{keys}\n"
        );
        let setup = Setup::new(&redis, &toml)
            .plugin("statements", &guest("statements"))
            .env("DATABASE_URL", url);
        let runner = setup.spawn(&["serve"]);
        Reach {
            redis,
            setup,
            runner,
        }
    }

    fn add(&self, data: &Value) -> String {
        self.redis.add("work", "sql", data.to_string(), "{}")
    }

    /// What the job returns.
    #[track_caller]
    pub(super) fn ask(&self, data: Value) -> Value {
        let id = self.add(&data);
        assert_eq!(self.redis.until_ended("work", &id), "completed", "{data}");
        let text = self.redis.field("work", &id, "returnvalue").unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[track_caller]
    pub(super) fn query(&self, text: &str, parameters: Value) -> Value {
        self.ask(json!({ "statements": [{ "text": text, "parameters": parameters }] }))
    }
}

/// Without what is not compared.
fn error(of: &Value) -> (&str, &str) {
    (
        of["kind"].as_str().unwrap(),
        of["message"].as_str().unwrap(),
    )
}

#[test]
fn values_go_there_and_come_back_as_they_are() {
    let reach = Reach::new(&Server::postgres().url(), "");
    let answer = reach.query(
        "select $1::int8 as n, $2::numeric as price, $3::timestamptz as at, $4::jsonb as doc, \
         $5::text[] as tags, $6::uuid as id, $7::bool as ok",
        json!([
            { "integer": 9_007_199_254_740_993_i64 }, { "numeric": "12.340" },
            { "timestamptz": "2026-11-28T23:59:59.5+01:00" },
            { "json": "{\"n\": 9007199254740993}" },
            { "array": [{ "text": "a" }, null] }, null, { "boolean": true },
        ]),
    );
    assert_eq!(
        answer["rows"],
        json!([[
            { "integer": 9_007_199_254_740_993_i64 }, { "numeric": "12.340" },
            { "timestamptz": "2026-11-28T22:59:59.5Z" },
            { "json": "{\"n\": 9007199254740993}" },
            { "array": [{ "text": "a" }, null] }, null, { "boolean": true },
        ]])
    );
    let columns = [
        "n int8",
        "price numeric",
        "at timestamptz",
        "doc jsonb",
        "tags _text",
        "id uuid",
        "ok bool",
    ];
    assert_eq!(answer["columns"], json!(columns));
}

#[test]
fn a_transaction_is_done_whole_or_not_at_all_and_recorded() {
    let reach = Reach::new(&Server::postgres().url(), "");
    let table = fresh("accounts");
    let create = format!(
        "create table {table} (name text primary key, cents int8 not null check (cents >= 0))"
    );
    reach.query(&create, json!([]));
    let insert = format!("insert into {table} values ('ada', 100), ('bob', 0)");
    assert_eq!(
        reach.ask(json!({ "call": "execute", "statements": [insert] })),
        2
    );
    let update = format!("update {table} set cents = cents + $2 where name = $1");
    let moving = |cents: i64, to: &str| {
        json!({ "call": "transaction", "statements": [
            { "text": update, "parameters": [{ "text": to }, { "integer": cents }], "expect": 1 },
            { "text": update, "parameters": [{ "text": "ada" }, { "integer": -cents }], "expect": 1 },
        ]})
    };
    let done = reach.ask(moving(30, "bob"));
    assert_eq!(done[0]["affected"], 1);
    let refused = reach.ask(moving(500, "bob"));
    assert_eq!(refused["kind"], "Constraint");
    assert_eq!(refused["code"], "23514");
    assert_eq!(refused["statement"], 1);
    assert_eq!(refused["constraint"], format!("{table}_cents_check"));
    let unmet = reach.ask(moving(1, "eve"));
    assert_eq!(
        error(&unmet),
        (
            "Expectation",
            "main: the statement had 0 rows and expects 1: nothing was changed"
        )
    );
    let select = format!("select cents from {table} order by name");
    let left = reach.query(&select, json!([]));
    assert_eq!(
        left["rows"],
        json!([[{ "integer": 70 }], [{ "integer": 30 }]])
    );

    // The record of the attempt names the call, and no value.
    let id = reach.add(&moving(1, "bob"));
    reach.redis.until_ended("work", &id);
    let shown = reach.setup.cli(&["job", "get", "work", &id]);
    let call = shown
        .stdout
        .lines()
        .find(|line| line.contains("sql transaction main: ok"));
    let call = call.unwrap_or_else(|| panic!("{}", shown.stdout));
    assert!(!call.contains("bob"), "{call}");
}

#[test]
fn what_is_not_granted_names_what_is() {
    let reach = Reach::new(&Server::postgres().url(), "readonly = true");
    let asked =
        |database: &str| reach.ask(json!({ "database": database, "statements": ["select 1"] }));
    assert_eq!(
        error(&asked("mian")),
        (
            "Denied",
            "database \"mian\" is not granted to plugin \"statements\": \
             [plugins.statements.sql] has \"main\"; did you mean \"main\"?"
        )
    );
    let written = reach.query("create table never (n int)", json!([]));
    assert_eq!(written["kind"], "Denied", "{written}");
    let toml = with_redis(&reach.redis, "[queues.work]\nplugin = \"statements\"\n");
    reach.setup.write(&toml);
    reach.runner.until_logged("queues.toml was reloaded");
    assert_eq!(
        error(&asked("main")),
        (
            "Denied",
            "plugin \"statements\" is granted no database: add \"main\" to \
             [plugins.statements.sql]"
        )
    );
}

#[test]
fn a_cancelled_job_leaves_no_statement_behind() {
    let server = Server::postgres();
    let reach = Reach::new(&server.url(), "");
    let mark = fresh("mark");
    let text = format!("select pg_sleep(600) /* {mark} */");
    let id = reach.add(&json!({ "statements": [text] }));
    let running = || {
        let text = "select count(*) from pg_stat_activity where state = 'active' and query like $1";
        let like = format!("select pg_sleep% {mark} */");
        let found = reach.query(text, json!([{ "text": like }]));
        found["rows"][0][0]["integer"].as_i64().unwrap()
    };
    until("the statement to run", || (running() == 1).then_some(()));
    let cancelled = reach.setup.cli(&["job", "cancel", "work", &id]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    reach.redis.until_ended("work", &id);
    until("the statement to be stopped", || {
        (running() == 0).then_some(())
    });
}

#[test]
fn a_thousand_jobs_share_the_connections_of_the_pool() {
    let server = Server::own_postgres();
    let reach = Reach::new(&server.url(), "pool = 5\n");
    let data = json!({ "statements": ["select pg_sleep(0.01), (select count(*) from pg_stat_activity where usename = 'runner' and backend_type = 'client backend')"] });
    let ids: Vec<String> = (0..1_000).map(|_| reach.add(&data)).collect();
    for id in &ids {
        assert_eq!(reach.redis.until_ended("work", id), "completed");
        let text = reach.redis.field("work", id, "returnvalue").unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let connections = answer["rows"][0][1]["integer"].as_i64();
        assert!(
            connections.is_some_and(|n| (1..=5).contains(&n)),
            "{answer}"
        );
    }
}

#[test]
fn limits_are_told_with_the_key_that_sets_them() {
    let keys = "pool = 1\nmax_rows = 3\nmax_statements = 2\n";
    let reach = Reach::new(&Server::postgres().url(), keys);
    let many = reach.query("select generate_series(1, 4)", json!([]));
    assert_eq!(many["kind"], "Limit", "{many}");
    let flood = json!({ "statements": ["select 1"], "times": 3 });
    assert_eq!(
        error(&reach.ask(flood)),
        (
            "Limit",
            "main: this attempt has run 2 statements and wants 1 more; it may run 2 \
             (max_statements)"
        )
    );
    // The only connection is in use.
    let id = reach.add(&json!({ "statements": ["select pg_sleep(600)"] }));
    until("it to be used", || {
        let waits = json!({ "statements": ["select 1"], "timeout": 20 });
        let answer = reach.ask(waits);
        (answer["kind"] == "Unavailable").then(|| {
            assert_eq!(
                answer["message"],
                "main: no connection became free in time, all 1 of its pool are in use: run \
                 fewer jobs at once, or raise `pool`"
            );
        })
    });
    reach.setup.cli(&["job", "cancel", "work", &id]);
    reach.redis.until_ended("work", &id);
    let again = reach.query("select 1", json!([]));
    assert_eq!(again["rows"], json!([[{ "integer": 1 }]]));
}

#[test]
fn a_server_that_is_killed_in_a_transaction_leaves_nothing_half_done() {
    let mut server = Server::own_postgres();
    let reach = Reach::new(&server.url(), "");
    reach.query("create table steps (n int primary key)", json!([]));
    let data = json!({ "retry": true, "call": "transaction", "statements": [
        "insert into steps values (1)", "select pg_sleep(1)", "insert into steps values (2)",
    ]});
    let options = r#"{"attempts":100,"backoff":{"type":"fixed","delay":50}}"#;
    let id = reach.redis.add("work", "sql", data.to_string(), options);
    until("the transaction to run", || {
        let text = "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()";
        let found = reach.query(text, json!([]));
        (found["rows"][0][0]["integer"] != 0).then_some(())
    });
    server.kill();
    until("an attempt to fail", || {
        reach
            .redis
            .field("work", &id, "failedReason")
            .filter(|text| !text.is_empty())
    });
    server.start();
    assert_eq!(reach.redis.until_ended("work", &id), "completed");
    let left = reach.query("select count(*), sum(n) from steps", json!([]));
    assert_eq!(left["rows"], json!([[{ "integer": 2 }, { "integer": 3 }]]));
}

#[test]
fn a_queue_waits_for_a_database_that_is_down() {
    let mut server = Server::own_postgres();
    let url = server.url();
    server.kill();
    let reach = Reach::beginning(&url, "");
    let told = reach
        .runner
        .until_logged("queue held: a database of its plugin");
    assert!(told.contains("main: "), "{told}");
    let id = reach.add(&json!({ "statements": ["select 1"] }));
    assert_eq!(reach.redis.count("work", "wait"), 1);
    server.start();
    assert_eq!(reach.redis.until_ended("work", &id), "completed");
    assert_eq!(reach.redis.field("work", &id, "ats").as_deref(), Some("1"));
}
