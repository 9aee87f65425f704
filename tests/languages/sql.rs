//! What a guest asks of a database.

use serde_json::{Value, json};

use super::door::Door;

/// Run statements in one transaction of the guest.
fn run(door: &Door, statements: Value) -> Value {
    door.value("sql", json!({ "statements": statements }))
}

/// A table of its own for each behaviour, as they run at once.
fn create(door: &Door, table: &str) {
    let text = format!("create table {table} (id integer primary key, name text, note text)");
    let created = run(door, json!([{ "text": text }]));
    assert_eq!(created["rows"], json!([]), "{created}");
}

pub(crate) fn transaction(door: &Door) {
    create(door, "people");
    let done = run(
        door,
        json!([
            { "text": "insert into people values (?, ?, ?)", "values": [-7, "Ada ä😀", null], "expect": 1 },
            { "text": "insert into people values (?, ?, ?)", "values": [8, "", "x"] },
            { "text": "select id, name, note from people where id < ? order by id", "values": [9] },
        ]),
    );
    let rows = json!([["-7", "Ada ä😀", null], ["8", "", "x"]]);
    assert_eq!(done, json!({ "affected": 2, "rows": rows }));
}

pub(crate) fn large(door: &Door) {
    create(door, "large");
    let id = 9_007_199_254_740_993_i64;
    let done = run(
        door,
        json!([
            { "text": "insert into large (id) values (?)", "values": [id] },
            { "text": "select id, typeof(id) from large where id = ?", "values": [id] },
        ]),
    );
    assert_eq!(done["rows"], json!([["9007199254740993", "integer"]]));
}

pub(crate) fn undone(door: &Door) {
    create(door, "undone");
    let insert = json!({ "text": "insert into undone (id) values (?)", "values": [1] });
    let twice = run(door, json!([insert, insert]));
    assert_eq!(
        (&twice["error"], &twice["statement"]),
        (&json!("constraint"), &json!(1)),
        "{twice}"
    );
    let update = json!({ "text": "update undone set note = ?", "values": ["x"], "expect": 2 });
    let other = run(door, json!([insert, update]));
    assert_eq!(
        (&other["error"], &other["statement"]),
        (&json!("expectation"), &json!(1)),
        "{other}"
    );
    let left = run(door, json!([{ "text": "select count(*) from undone" }]));
    assert_eq!(left["rows"], json!([["0"]]));
}

pub(crate) fn denied(door: &Door) {
    let asked = json!({ "database": "other", "statements": [{ "text": "select 1" }] });
    let denied = door.value("sql", asked);
    assert_eq!(denied["error"], "denied", "{denied}");
}
