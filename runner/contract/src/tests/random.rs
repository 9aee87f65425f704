//! Random types and values: what is read is written again, what is changed is
//! taken or refused at the place of the change, and nothing panics.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::{RULES, around, field};
use crate::fault::Step;
use crate::types::{Case, Integer, Shape, Type};
use crate::{Fault, Notes};

const INTEGERS: [Integer; 8] = [
    Integer::U8,
    Integer::U16,
    Integer::U32,
    Integer::U64,
    Integer::S8,
    Integer::S16,
    Integer::S32,
    Integer::S64,
];

fn case(key: String, ty: Option<Type>) -> Case {
    Case {
        name: key.clone(),
        key,
        ty: ty.map(Arc::new),
        notes: Notes::default(),
    }
}

/// Any type, a few levels deep.
pub(super) fn types() -> impl Strategy<Value = Type> {
    let names = |range| proptest::collection::btree_set("[a-z]{1,4}", range);
    let plain = |names: std::collections::BTreeSet<String>| -> Vec<Case> {
        names.into_iter().map(|name| case(name, None)).collect()
    };
    let leaf = prop_oneof![
        Just(Shape::Bool),
        proptest::sample::select(&INTEGERS[..]).prop_map(Shape::Integer),
        Just(Shape::F32),
        Just(Shape::F64),
        Just(Shape::Char),
        Just(Shape::String),
        Just(Shape::Json),
        Just(Shape::Bytes),
        names(1..6).prop_map(move |names| Shape::Enum(plain(names))),
        names(1..33).prop_map(move |names| Shape::Flags(plain(names))),
    ]
    .prop_map(Type::new);
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let record = (names(1..5), proptest::collection::vec(inner.clone(), 5));
        let variant = (
            names(1..5),
            proptest::collection::vec(proptest::option::of(inner.clone()), 5),
        );
        prop_oneof![
            inner.clone().prop_map(|ty| Shape::List(Arc::new(ty))),
            // Null would be the option's own.
            inner
                .clone()
                .prop_filter("json may be null", |ty| ty.shape != Shape::Json)
                .prop_map(|ty| Type::option(Arc::new(ty))),
            proptest::collection::vec(inner, 1..4)
                .prop_map(|types| Type::tuple(types.into_iter().map(Arc::new))),
            record.prop_map(|(names, types)| {
                let fields = names.iter().zip(types);
                Type::record(fields.map(|(name, ty)| field(name, ty)).collect())
            }),
            variant.prop_map(|(names, types)| {
                let cases = names.into_iter().zip(types);
                Type::variant(cases.map(|(name, ty)| case(name, ty)).collect())
            }),
        ]
        .prop_map(Type::new)
    })
}

/// Any value of a type, in the form in which it is written.
fn values(ty: &Type) -> BoxedStrategy<Value> {
    match &ty.shape {
        Shape::List(ty) => proptest::collection::vec(values(ty), 0..5)
            .prop_map(Value::from)
            .boxed(),
        Shape::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|item| values(&item.ty)).collect();
            items.prop_map(Value::from).boxed()
        }
        Shape::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| {
                    let optional = Just(field.is_optional());
                    (Just(field.key.clone()), values(&field.ty), optional)
                })
                .collect();
            fields
                .prop_map(|fields| {
                    let there = fields
                        .into_iter()
                        .filter(|(_, v, optional)| !(*optional && v.is_null()));
                    Value::Object(there.map(|(key, value, _)| (key, value)).collect())
                })
                .boxed()
        }
        Shape::Option(item) => match &item.ty.shape {
            Shape::Option(inner) => prop_oneof![
                Just(Value::Null),
                Just(json!({"tag": "none"})),
                values(&inner.ty).prop_map(|value| match value {
                    Value::Null => json!({"tag": "none"}),
                    value => json!({"tag": "some", "val": value}),
                }),
            ]
            .boxed(),
            _ => prop_oneof![Just(Value::Null), values(&item.ty)].boxed(),
        },
        Shape::Variant { cases, .. } => {
            let cases: Vec<BoxedStrategy<Value>> = cases
                .iter()
                .map(|case| {
                    let tag = case.key.clone();
                    match &case.ty {
                        None => Just(json!({ "tag": tag })).boxed(),
                        Some(ty) => values(ty)
                            .prop_map(move |value| json!({ "tag": tag, "val": value }))
                            .boxed(),
                    }
                })
                .collect();
            proptest::strategy::Union::new(cases).boxed()
        }
        _ => plain_values(ty),
    }
}

/// Any value of a type without parts.
fn plain_values(ty: &Type) -> BoxedStrategy<Value> {
    match &ty.shape {
        Shape::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Integer(Integer::U64) => any::<u64>().prop_map(Value::from).boxed(),
        Shape::Integer(integer) => {
            let range = integer.range();
            let (low, high) = (*range.start() as i64, *range.end() as i64);
            (low..=high).prop_map(Value::from).boxed()
        }
        Shape::F32 => any::<f32>()
            .prop_filter("no number", |number| number.is_finite())
            .prop_map(|number| {
                // As the shortest text of a float reads.
                serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap()
            })
            .boxed(),
        Shape::F64 => any::<f64>()
            .prop_filter("no number", |number| number.is_finite())
            .prop_map(Value::from)
            .boxed(),
        Shape::Char => any::<char>()
            .prop_map(|letter| letter.to_string().into())
            .boxed(),
        Shape::String => any::<String>().prop_map(Value::from).boxed(),
        Shape::Json => prop_oneof![
            Just(json!(null)),
            Just(json!({"a": [1, 2.5, "x"], "b": null})),
            any::<String>().prop_map(Value::from)
        ]
        .boxed(),
        Shape::Bytes => proptest::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD
                    .encode(bytes)
                    .into()
            })
            .boxed(),
        Shape::Enum(cases) => {
            let keys: Vec<String> = cases.iter().map(|case| case.key.clone()).collect();
            proptest::sample::select(keys).prop_map(Value::from).boxed()
        }
        Shape::Flags(flags) => {
            let flags: Vec<_> = flags
                .iter()
                .map(|flag| (Just(flag.key.clone()), any::<bool>().prop_map(Value::from)))
                .collect();
            flags
                .prop_map(|flags| Value::Object(flags.into_iter().collect()))
                .boxed()
        }
        _ => unreachable!("it has parts"),
    }
}

fn pairs() -> impl Strategy<Value = (Type, Value)> {
    types().prop_flat_map(|ty| {
        let values = values(&ty);
        (Just(ty), values)
    })
}

/// The value as the function takes it: what is not there is left out.
fn payload(ty: &Type, value: &Value) -> Value {
    match (value, &ty.shape) {
        (Value::Null, Shape::Option(_)) => Value::Object(Map::new()),
        (value, _) => json!({ "value": value }),
    }
}

/// All places of a value.
fn places(value: &Value, here: &mut Vec<Step>, all: &mut Vec<Vec<Step>>) {
    all.push(here.clone());
    let children: Vec<(Step, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (Step::Key(key.clone()), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (Step::Index(at), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        here.push(step);
        places(child, here, all);
        here.pop();
    }
}

fn change(value: &mut Value, place: &[Step], to: Option<Value>) {
    let Some((step, rest)) = place.split_first() else {
        *value = to.unwrap_or(Value::Null);
        return;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(fields)) if rest.is_empty() && to.is_none() => {
            fields.shift_remove(key);
        }
        (Step::Key(key), Value::Object(fields)) => {
            change(fields.get_mut(key).expect("it is there"), rest, to);
        }
        (Step::Index(at), Value::Array(items)) => change(&mut items[*at], rest, to),
        _ => unreachable!("the place is one of the value"),
    }
}

/// Whether a fault is about what was changed there: at the place, below it, or,
/// when it was what chooses a case, at the value beside it.
fn points_at(fault: &Fault, place: &[Step]) -> bool {
    let steps = &fault.path.steps;
    steps.starts_with(place)
        || match place.split_last() {
            Some((Step::Key(key), parent)) => {
                ["tag", "val"].contains(&key.as_str()) && steps.starts_with(parent)
            }
            _ => false,
        }
}

fn others() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!([]))),
        Just(Some(json!({}))),
        any::<bool>().prop_map(|value| Some(value.into())),
        any::<i64>().prop_map(|value| Some(value.into())),
        any::<u64>().prop_map(|value| Some(value.into())),
        any::<f64>().prop_map(|value| Some(value.into())),
        "[a-z!]{0,5}".prop_map(|value| Some(value.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_written_again((ty, value) in pairs()) {
        let data = payload(&ty, &value);
        let written = around(ty, &data.to_string(), RULES).expect("it is of the type");
        let written: Value = serde_json::from_str(&written).expect("JSON");
        prop_assert_eq!(written, data);
    }

    #[test]
    fn what_is_changed_is_taken_or_refused_there(
        (ty, value) in pairs(), at in any::<Index>(), to in others(), strict in any::<bool>(),
    ) {
        let mut data = payload(&ty, &value);
        let mut all = Vec::new();
        places(&data, &mut Vec::new(), &mut all);
        let place = all.swap_remove(at.index(all.len()));
        change(&mut data, &place, to);
        let rules = crate::Rules { strict, ..RULES };
        if let Err(fault) = around(ty, &data.to_string(), rules) {
            prop_assert!(points_at(&fault, &place), "{} for {:?}", fault, place);
        }
    }
}

/// Texts that are not what any producer writes. `FUZZ=10000000 cargo test
/// --release -p runner --lib fuzz` takes some minutes.
#[test]
fn fuzzed_texts_end_in_a_value_or_a_fault() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    const PIECES: [&str; 14] = [
        "{", "}", "[", "]", ",", ":", "\"", "null", "-1e999", "\\ud800", "1", "\u{0}", "é", "tag",
    ];
    #[expect(clippy::disallowed_methods, reason = "how long to test")]
    let inputs: usize = std::env::var("FUZZ").map_or(20_000, |n| n.parse().expect("a number"));
    let mut runner = TestRunner::deterministic();
    let mut random = fastrand::Rng::with_seed(7);
    let mut done = 0;
    while done < inputs {
        let (ty, value) = pairs().new_tree(&mut runner).expect("a pair").current();
        let text = payload(&ty, &value).to_string();
        for _ in 0..200 {
            let mut text = text.clone();
            for _ in 0..random.usize(1..4) {
                let at = text.floor_char_boundary(random.usize(0..=text.len()));
                match random.u8(0..3) {
                    0 => text.insert_str(at, PIECES[random.usize(0..PIECES.len())]),
                    1 => text.truncate(at),
                    _ => drop(
                        text.drain(
                            at..text
                                .floor_char_boundary(at + random.usize(0..9))
                                .max(at)
                                .min(text.len()),
                        ),
                    ),
                }
            }
            // Either is right; what matters is that there is an answer.
            let _ = around(ty.clone(), &text, RULES);
            done += 1;
        }
    }
}
