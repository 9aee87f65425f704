//! docs/reach.md: its statements do what the page says.

use serde_json::{Value, json};

use super::sql::Reach;
use crate::support::databases::Server;

const PAGE: &str = include_str!("../../docs/reach.md");

/// The blocks of this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    let blocks = PAGE.split(start.as_str()).skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

/// The block that has this text.
fn block(language: &str, text: &str) -> &'static str {
    let found = blocks(language).into_iter().find(|of| of.contains(text));
    found.unwrap_or_else(|| panic!("docs/reach.md has no {language} with {text:?}"))
}

/// Run a statement of the page that makes something.
#[track_caller]
fn made(reach: &Reach, statement: &str) {
    let answer = reach.query(statement.trim(), json!([]));
    assert_eq!(answer["kind"], Value::Null, "{statement}: {answer}");
}

#[test]
fn an_effect_and_its_mark_are_made_once_however_often_the_job_runs() {
    let server = Server::own_postgres();
    let reach = Reach::new(&server.url(), "");
    for create in block("sql", "create table done").lines() {
        made(&reach, create);
    }
    reach.query(
        "insert into accounts values ('ada', 100), ('bob', 0)",
        json!([]),
    );
    let transaction = block("json", "insert into done");
    let transaction: Value = serde_json::from_str(transaction).unwrap();
    let first = reach.ask(transaction.clone());
    assert_eq!(first[2]["affected"], 1, "{first}");
    let second = reach.ask(transaction);
    assert_eq!(
        (&second["kind"], &second["statement"]),
        (&json!("Constraint"), &json!(0))
    );
    let left = reach.query("select cents from accounts order by name", json!([]));
    assert_eq!(
        left["rows"],
        json!([[{ "integer": 70 }], [{ "integer": 30 }]])
    );
}

#[test]
fn the_outbox_hands_each_row_out_once() {
    let server = Server::own_postgres();
    let reach = Reach::new(&server.url(), "");
    let create = block("sql", "create table outbox");
    made(&reach, create);
    let insert = "insert into outbox (name, payload) select 'mail', jsonb_build_object('n', n) from generate_series(1, 150) n";
    reach.query(insert, json!([]));
    let take = block("sql", "skip locked").trim();
    for handed_out in [100, 50, 0] {
        let rows = reach.query(take, json!([]));
        assert_eq!(rows["affected"], handed_out, "{rows}");
    }
}
