use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use super::{Error, Kind, Value, query, statement, transaction};
use crate::testing::{Host, Outcome};
use crate::{Failure, reject, retry, sql};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Open,
    Paid,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Item {
    sku: String,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Invoice {
    id: u64,
    total: String,
    rate: f64,
    paid_at: Option<String>,
    note: Option<String>,
    state: State,
    items: Vec<Item>,
    meta: serde_json::Value,
    tags: Vec<String>,
    seal: Vec<u8>,
    locked: bool,
}

fn invoice() -> (Vec<&'static str>, Vec<Value>) {
    let names = [
        "id", "total", "rate", "paid_at", "note", "state", "items", "meta", "tags", "seal",
        "locked", "unknown",
    ];
    let values = params![
        7,
        sql::decimal("12.340"),
        sql::decimal("0.25"),
        sql::timestamptz("2026-11-28T23:59:59.123456Z"),
        None::<String>,
        sql::other("paid"),
        Value::Json(r#"[{"sku": "B-7"}]"#.into()),
        Value::Json(r#"{"big": 12345678901234567890}"#.into()),
        sql::array(["a", "b"]),
        vec![1_u8, 2],
        1,
        "dropped",
    ];
    (names.to_vec(), values)
}

#[test]
fn rows_become_structs_exactly() {
    let host = Host::new();
    let (names, values) = invoice();
    host.statement("main", "from invoices", Outcome::rows(names, [values]));
    let rows = query("main", "select *\n  from  invoices", params![]).expect("it is expected");
    let [invoice] = &rows.into::<Invoice>().expect("they fit")[..] else {
        panic!("one row");
    };
    assert_eq!(
        *invoice,
        Invoice {
            id: 7,
            total: "12.340".into(),
            rate: 0.25,
            paid_at: Some("2026-11-28T23:59:59.123456Z".into()),
            note: None,
            state: State::Paid,
            items: vec![Item { sku: "B-7".into() }],
            meta: serde_json::json!({ "big": 12_345_678_901_234_567_890_u64 }),
            tags: vec!["a".into(), "b".into()],
            seal: vec![1, 2],
            locked: true,
        }
    );
}

#[test]
fn a_row_is_a_tuple_or_with_one_column_its_value() {
    let host = Host::new();
    let two = || Outcome::rows(["a", "a"], [params![1, "x"], params![2, None::<&str>]]);
    let one = || Outcome::rows(["n"], [params![3]]);
    for outcome in [two(), one(), one(), two(), one()] {
        host.statement("main", "select", outcome);
    }
    let ask = || query("main", "select", params![]).expect("it is expected");
    let pairs = ask().into::<(i64, Option<String>)>().expect("they fit");
    assert_eq!(pairs, [(1, Some("x".into())), (2, None)]);
    assert_eq!(ask().into::<u8>().expect("it fits"), [3]);
    assert_eq!(
        ask().first::<Option<i64>>().expect("it fits"),
        Some(Some(3))
    );
    let error = ask().one::<(i64, String)>().expect_err("there are two");
    assert_eq!(error.kind, Kind::Expectation);
    assert_eq!(
        error.message,
        "one row was expected, and the statement returned 2"
    );
    assert_eq!(ask().one::<i64>().expect("there is one"), 3);
}

#[test]
fn what_does_not_fit_is_named_with_row_and_column() {
    let host = Host::new();
    let rows = || {
        let mut other = invoice();
        other.1[0] = "seven".into();
        Outcome::rows(invoice().0, [invoice().1, other.1])
    };
    host.statement("main", "select", rows());
    host.statement("main", "select", rows());
    let ask = || query("main", "select", params![]).expect("it is expected");
    let error = ask().into::<Invoice>().expect_err("a text is no number");
    assert_eq!(
        error.message,
        "row 2, column \"id\" does not fit: invalid type: string \"seven\", expected u64"
    );
    let error = ask().into::<i64>().expect_err("there are 12 columns");
    assert_eq!(
        Failure::from(error),
        reject("row 1 does not fit: a row of 12 columns is no single value")
    );
}

#[test]
fn parameters_keep_their_type() {
    let time = UNIX_EPOCH + Duration::from_micros(1_795_910_399_123_456);
    let leap = UNIX_EPOCH + Duration::from_secs(951_782_400);
    let early = UNIX_EPOCH - Duration::from_micros(1);
    let host = Host::new();
    host.statement("main", "insert", Outcome::changed(1));
    let given = params![
        u64::MAX,
        i64::MIN,
        0.5_f32,
        Some("x"),
        None::<i32>,
        time,
        leap,
        early,
        serde_json::json!({ "a": 1 }),
    ];
    let changed = sql::execute("main", "insert", given).expect("it is expected");
    assert_eq!(changed, 1);
    assert_eq!(
        host.statements()[0].parameters,
        [
            sql::decimal("18446744073709551615"),
            Value::Integer(i64::MIN),
            Value::Float(0.5),
            Value::Text("x".into()),
            Value::Null,
            sql::timestamptz("2026-11-28T23:59:59.123456Z"),
            sql::timestamptz("2000-02-29T00:00:00.000000Z"),
            sql::timestamptz("1969-12-31T23:59:59.999999Z"),
            Value::Json(r#"{"a":1}"#.into()),
        ]
    );
}

#[test]
fn a_transaction_names_the_statement_that_failed() {
    let host = Host::new();
    host.statement("main", "update stock", Outcome::changed(1));
    host.statement("main", "insert into orders", Outcome::changed(1));
    let done = transaction("main")
        .add("update stock set count = count - 1", params![])
        .expect(1)
        .add("insert into orders values ($1)", params![7])
        .timeout(Duration::from_secs(1))
        .commit()
        .expect("both are expected");
    assert_eq!(
        done.iter().map(super::Rows::affected).collect::<Vec<_>>(),
        [1, 1]
    );
    let asked = host.statements();
    assert_eq!((asked[0].expect, asked[0].place), (Some(1), Some(0)));
    assert_eq!((asked[1].expect, asked[1].place), (None, Some(1)));

    host.statement("main", "insert", Outcome::changed(1));
    host.statement("main", "update stock", Outcome::changed(0));
    let error = transaction("main")
        .add("insert into orders values ($1)", params![7])
        .add("update stock set count = count - 1", params![])
        .expect(1)
        .commit()
        .expect_err("nothing was changed");
    assert_eq!((error.kind, error.statement), (Kind::Expectation, Some(1)));
}

#[test]
fn what_may_work_later_is_retried() {
    for (kind, retried) in [
        (Kind::Denied, false),
        (Kind::Invalid, false),
        (Kind::Constraint, false),
        (Kind::Expectation, false),
        (Kind::Limit, false),
        (Kind::Conflict, true),
        (Kind::Timeout, true),
        (Kind::Unavailable, true),
        (Kind::Uncertain, true),
        (Kind::Failed, true),
    ] {
        let host = Host::new();
        let error = Error::new(kind, "main: it went wrong");
        host.statement("main", "select 1", Outcome::error(error.clone()));
        let refused = statement("select 1", params![]).query("main");
        let refused = refused.expect_err("the host says so");
        assert_eq!(refused, error);
        let expected = if retried {
            retry(&error)
        } else {
            reject(&error)
        };
        assert_eq!(Failure::from(refused), expected, "{kind:?}");
    }
}

#[test]
#[should_panic(expected = "these statements were expected and not run: [\"main: select 1\"]")]
fn a_statement_that_was_not_run_fails_the_test() {
    let host = Host::new();
    host.statement("main", "select 1", Outcome::changed(0));
}

#[test]
#[should_panic(expected = "no outcome for the statement on \"other\": select 1; expected: []")]
fn a_statement_that_was_not_expected_fails_the_test() {
    let _host = Host::new();
    let _ = query("other", "select\t1", params![]);
}
