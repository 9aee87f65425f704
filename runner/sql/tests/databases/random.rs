//! Random values go to each database and come back exactly.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runner_sql::{How, Scalar, Statement, Value};
use tempfile::TempDir;

use crate::support::databases::{Server, fresh};
use crate::support::{query, single, soon};

/// Send random parameters in this statement, which returns them, 200 times.
#[track_caller]
fn come_back(url: &str, create: Option<String>, text: &str, values: BoxedStrategy<Vec<Value>>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = single(url);
    if let Some(create) = create {
        runtime.block_on(query(&database, &create, &[])).unwrap();
    }
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let done = TestRunner::new(config).run(&values, |values| {
        let statement = Statement {
            text: text.to_owned(),
            parameters: values.clone(),
            expect: None,
        };
        let run = database.run(vec![statement], How::Query, soon());
        let back = runtime.block_on(run);
        let back = back.map_err(|error| TestCaseError::fail(error.message))?;
        prop_assert_eq!(&back[0].rows[0], &values);
        Ok(())
    });
    done.unwrap();
}

fn alone(scalar: impl Strategy<Value = Scalar> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![9 => scalar, 1 => Just(Scalar::Null)]
        .prop_map(Value::Scalar)
        .boxed()
}

fn several(scalar: impl Strategy<Value = Scalar> + 'static) -> BoxedStrategy<Value> {
    vec(prop_oneof![4 => scalar, 1 => Just(Scalar::Null)], 0..6)
        .prop_map(Value::Array)
        .boxed()
}

fn integer() -> BoxedStrategy<Scalar> {
    any::<i64>().prop_map(Scalar::Integer).boxed()
}

fn float() -> BoxedStrategy<Scalar> {
    any::<f64>().prop_map(Scalar::Float).boxed()
}

fn text() -> BoxedStrategy<Scalar> {
    any::<String>()
        .prop_map(|text| Scalar::Text(text.replace('\0', "")))
        .boxed()
}

fn bytes() -> BoxedStrategy<Scalar> {
    vec(any::<u8>(), 0..40).prop_map(Scalar::Bytes).boxed()
}

/// A decimal with so many digits behind the point.
fn numeric(scale: std::ops::RangeInclusive<usize>) -> BoxedStrategy<Scalar> {
    let digits = |count| {
        vec(0_u8..10, count)
            .prop_map(|all| -> String { all.iter().map(|it| char::from(b'0' + it)).collect() })
    };
    let parts = scale.prop_flat_map(move |scale| (digits(0..=35), digits(scale..=scale)));
    (any::<bool>(), parts)
        .prop_map(|(negative, (whole, fraction))| {
            let whole = whole.trim_start_matches('0');
            let zero = whole.is_empty() && fraction.chars().all(|it| it == '0');
            let sign = if negative && !zero { "-" } else { "" };
            let whole = if whole.is_empty() { "0" } else { whole };
            let point = if fraction.is_empty() { "" } else { "." };
            Scalar::Numeric(format!("{sign}{whole}{point}{fraction}"))
        })
        .boxed()
}

fn date(years: std::ops::Range<u32>) -> BoxedStrategy<String> {
    (years, 1..=12, 1..=28)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"))
        .boxed()
}

fn time() -> BoxedStrategy<String> {
    (0..24, 0..60, 0..60, 0..1_000_000)
        .prop_map(|(hour, minute, second, fraction)| {
            let time = format!("{hour:02}:{minute:02}:{second:02}.{fraction:06}");
            time.trim_end_matches('0').trim_end_matches('.').to_owned()
        })
        .boxed()
}

fn moment(years: std::ops::Range<u32>) -> BoxedStrategy<String> {
    (date(years), time())
        .prop_map(|(date, time)| format!("{date}T{time}"))
        .boxed()
}

fn era() -> BoxedStrategy<&'static str> {
    prop_oneof![Just(""), Just(" BC")].boxed()
}

#[test]
fn of_postgres() {
    let values = vec![
        alone(integer()),
        alone(float()),
        alone(text()),
        alone(bytes()),
        alone(numeric(0..=30)),
        alone((date(1..4700), era()).prop_map(|(date, era)| Scalar::Date(date + era))),
        alone(time().prop_map(Scalar::Time)),
        alone((moment(1..4700), era()).prop_map(|(it, era)| Scalar::Timestamp(it + era))),
        alone((moment(1..4700), era()).prop_map(|(it, era)| Scalar::Timestamptz(it + "Z" + era))),
        several(text()),
        several(bytes()),
        several(numeric(0..=9)),
        several(any::<bool>().prop_map(Scalar::Boolean)),
    ];
    let text = "select $1::int8, $2::float8, $3::text, $4::bytea, $5::numeric, $6::date, $7::time, \
                $8::timestamp, $9::timestamptz, $10::text[], $11::bytea[], $12::numeric[], \
                $13::bool[]";
    come_back(&Server::postgres().url(), None, text, values.boxed());
}

#[test]
fn of_mariadb() {
    let table = fresh("random");
    let create = format!(
        "create table {table} (a bigint, b double, c longtext, d longblob, e decimal(65,30), f date, \
         g time(6), h datetime(6))"
    );
    let values = vec![
        alone(integer()),
        alone(float()),
        alone(text()),
        alone(bytes()),
        alone(numeric(30..=30)),
        alone(date(1000..9999).prop_map(Scalar::Date)),
        alone(time().prop_map(Scalar::Time)),
        alone(moment(1000..9999).prop_map(Scalar::Timestamp)),
    ];
    let text = format!("insert into {table} values (?, ?, ?, ?, ?, ?, ?, ?) returning *");
    come_back(
        &Server::mariadb().url(),
        Some(create),
        &text,
        values.boxed(),
    );
}

#[test]
fn of_sqlite() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("a.db").display());
    let values = vec![
        alone(integer()),
        alone(float()),
        alone(text()),
        alone(bytes()),
    ];
    let create = Some("create table t (a, b, c, d)".to_owned());
    let text = "insert into t values (?, ?, ?, ?) returning *";
    come_back(&url, create, text, values.boxed());
}
