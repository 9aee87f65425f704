//! What goes to Postgres and comes back.

use runner_sql::{How, Scalar, Value};

use crate::support::databases::{Server, fresh};
use crate::support::{database, one, query, soon, statement, text};

// Long because it is one table of values.
#[tokio::test]
async fn values_come_back_exactly() {
    let database = database(&Server::postgres().url());
    let values = [
        ("int2", Scalar::Integer(-32768)),
        ("int4", Scalar::Integer(2_147_483_647)),
        ("int8", Scalar::Integer(i64::MIN)),
        ("bool", Scalar::Boolean(true)),
        ("float8", Scalar::Float(0.1)),
        ("float8", Scalar::Float(f64::INFINITY)),
        ("float8", Scalar::Float(1.797e308)),
        ("float4", Scalar::Float(f64::from(0.1_f32))),
        ("numeric", Scalar::Numeric("12.340".into())),
        ("numeric", Scalar::Numeric("NaN".into())),
        ("numeric", Scalar::Numeric("-Infinity".into())),
        (
            "numeric",
            Scalar::Numeric("0.0000000000000000000000000000120".into()),
        ),
        (
            "numeric",
            Scalar::Numeric("-123456789012345678901234567890.000012".into()),
        ),
        ("numeric", Scalar::Numeric("10000".into())),
        ("numeric", Scalar::Numeric("0.00".into())),
        ("text", text("\"quoted\" 'and' \\ \u{1f980}")),
        ("text", text("")),
        ("bytea", Scalar::Bytes(vec![0, 1, 255, b'\\'])),
        (
            "json",
            Scalar::Json("{\"b\": 1.10,  \"a\": 12345678901234567890123}".into()),
        ),
        (
            "jsonb",
            Scalar::Json("{\"a\": 12345678901234567890123}".into()),
        ),
        (
            "uuid",
            Scalar::Uuid("123e4567-e89b-12d3-a456-426614174000".into()),
        ),
        ("date", Scalar::Date("2026-11-28".into())),
        ("date", Scalar::Date("infinity".into())),
        ("date", Scalar::Date("0044-03-15 BC".into())),
        ("date", Scalar::Date("4713-01-01 BC".into())),
        ("date", Scalar::Date("12026-02-28".into())),
        ("time", Scalar::Time("23:59:59.123456".into())),
        ("time", Scalar::Time("24:00:00".into())),
        (
            "timestamp",
            Scalar::Timestamp("2026-11-28T23:59:59.123456".into()),
        ),
        ("timestamp", Scalar::Timestamp("-infinity".into())),
        (
            "timestamp",
            Scalar::Timestamp("0044-03-15T01:02:03 BC".into()),
        ),
        (
            "timestamptz",
            Scalar::Timestamptz("2026-11-28T23:59:59.1Z".into()),
        ),
        (
            "timestamptz",
            Scalar::Timestamptz("294276-12-31T23:59:59.999999Z".into()),
        ),
        (
            "timestamptz",
            Scalar::Timestamptz("0044-03-15T01:02:03Z BC".into()),
        ),
        (
            "interval",
            Scalar::Other("1 year 2 mons -3 days +04:05:06.789".into()),
        ),
        ("interval", Scalar::Other("00:00:00".into())),
        ("interval", Scalar::Other("-1 years".into())),
        ("inet", Scalar::Other("192.168.0.1".into())),
        ("inet", Scalar::Other("2001:db8::1/64".into())),
        ("cidr", Scalar::Other("10.0.0.0/8".into())),
        ("macaddr", Scalar::Other("08:00:2b:01:02:03".into())),
        ("varbit", Scalar::Other("10110".into())),
        ("timetz", Scalar::Other("01:02:03-04:30".into())),
        ("xml", Scalar::Other("<a>1</a>".into())),
        ("varchar", Scalar::Null),
        ("int4", Scalar::Null),
    ];
    for (kind, value) in values {
        let sql = format!("select $1::{kind}");
        let back = one(&database, &sql, std::slice::from_ref(&value)).await;
        assert_eq!(back, value, "{kind}");
    }
}

#[tokio::test]
async fn what_it_writes_is_what_the_server_writes() {
    let database = database(&Server::postgres().url());
    for (kind, values) in [
        (
            "interval",
            &[
                "1 mon",
                "-1 mon -2 days",
                "1 year -00:00:01",
                "-1 days +00:00:01",
            ][..],
        ),
        (
            "numeric",
            &[
                "0",
                "-0.5",
                "100000000",
                "9999.9999",
                "1e-20",
                "12340000.00001",
            ],
        ),
        ("inet", &["::1", "::ffff:1.2.3.4", "10.1.2.3/8"]),
        ("timetz", &["00:00:00+00", "12:00:00-11:59:59"]),
        (
            "date",
            &["0001-01-01", "0001-12-31 BC", "2000-02-29", "1900-03-01"],
        ),
    ] {
        for value in values {
            let sql = format!("select '{value}'::{kind}");
            let ours = one(&database, &sql, &[]).await;
            let theirs = one(
                &database,
                &format!("select format('%s', '{value}'::{kind})"),
                &[],
            )
            .await;
            let (Scalar::Other(ours) | Scalar::Numeric(ours) | Scalar::Date(ours)) = ours else {
                panic!("{ours:?}");
            };
            assert_eq!(text(&ours), theirs, "{kind}");
        }
    }
}

#[tokio::test]
async fn arrays_enums_domains_and_empty_results_have_their_types() {
    let database = database(&Server::postgres().url());
    let mood = fresh("mood");
    query(
        &database,
        &format!("create type {mood} as enum ('a b', 'c')"),
        &[],
    )
    .await
    .unwrap();
    query(
        &database,
        &format!("create domain {mood}_d as int4 check (value > 0)"),
        &[],
    )
    .await
    .unwrap();
    let array = Value::Array(vec![text("a,\"b\\"), Scalar::Null, text("NULL"), text("")]);
    let mut ask = statement("select $1::text[], $2::bytea[], $3::int8[]", &[]);
    let bytes = Value::Array(vec![Scalar::Bytes(vec![0, 255])]);
    ask.parameters = vec![array.clone(), bytes.clone(), Value::Array(vec![])];
    let rows = database
        .run(vec![ask], How::Query, soon())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(rows.rows, [vec![array, bytes, Value::Array(vec![])]]);
    assert_eq!(rows.columns[0].kind, "_text");

    let sql = format!("select $1::{mood}, $2::{mood}_d, array[$1]::{mood}[]");
    let rows = query(
        &database,
        &sql,
        &[Scalar::Other("a b".into()), Scalar::Integer(3)],
    )
    .await;
    let other = Scalar::Other("a b".into());
    assert_eq!(
        rows.unwrap().rows[0],
        [
            Value::Scalar(other.clone()),
            Value::Scalar(Scalar::Integer(3)),
            Value::Array(vec![other]),
        ]
    );

    let rows = query(&database, "select 1 as a, 'x'::text as a where false", &[])
        .await
        .unwrap();
    assert_eq!((rows.rows.len(), rows.affected), (0, 0));
    let columns: Vec<_> = rows
        .columns
        .iter()
        .map(|it| (&*it.name, &*it.kind))
        .collect();
    assert_eq!(columns, [("a", "int4"), ("a", "text")]);
}
