//! The words of faults, each with its place.

use std::sync::Arc;

use super::{RULES, field, function};
use crate::read::read;
use crate::types::{Case, Integer, Shape, Type};
use crate::{Function, Notes, Rules};

fn ty(shape: Shape) -> Type {
    Type::new(shape)
}

fn list(of: Type) -> Type {
    ty(Shape::List(Arc::new(of)))
}

fn option(of: Type) -> Type {
    ty(Type::option(Arc::new(of)))
}

fn case(key: &str, ty: Option<Type>) -> Case {
    Case {
        key: key.into(),
        name: key.into(),
        ty: ty.map(Arc::new),
        notes: Notes::default(),
    }
}

/// An order: an id, items of product and quantity, how it is paid.
fn order() -> Function {
    let integer = |of| ty(Shape::Integer(of));
    let item = ty(Type::record(vec![
        field("product", ty(Shape::String)),
        field("quantity", integer(Integer::U32)),
    ]));
    let mut otp = field("otp", option(ty(Shape::String)));
    otp.notes.sensitive = true;
    function(ty(Type::record(vec![
        field("id", ty(Shape::String)),
        field("items", list(item)),
        field(
            "paid",
            option(ty(Shape::Enum(vec![
                case("card", None),
                case("cash", None),
            ]))),
        ),
        field("photo", option(ty(Shape::Bytes))),
        field("grade", option(ty(Shape::Char))),
        field(
            "to",
            option(ty(Type::variant(vec![
                case("shop", None),
                case("home", Some(ty(Shape::String))),
            ]))),
        ),
        field(
            "size",
            option(ty(Type::tuple(
                [integer(Integer::U8), integer(Integer::U8)].map(Arc::new),
            ))),
        ),
        field(
            "gift",
            option(ty(Shape::Flags(vec![
                case("wrap", None),
                case("card", None),
            ]))),
        ),
        otp,
    ])))
}

fn fault_of(data: &str, rules: Rules) -> String {
    read(&order(), data, rules).unwrap_err().to_string()
}

/// Payloads that are not orders, and why.
const FAULTS: &[(&str, &str)] = &[
    ("5", "data: expected an object, found 5"),
    ("{}", "data.id: is missing; expected a string"),
    (
        r#"{"id":null,"items":[]}"#,
        "data.id: expected a string, found null",
    ),
    (
        r#"{"id":"1","items":[{"product":"a","quantity":1},{"product":"b","quantity":-2}]}"#,
        "data.items[1].quantity: -2 is out of range for u32",
    ),
    (
        r#"{"id":"1","items":[{"product":"a","quantity":1.5}]}"#,
        "data.items[0].quantity: expected an integer (u32), found 1.5",
    ),
    (
        r#"{"id":"1","items":[{"product":"a","quantity":"3"}]}"#,
        "data.items[0].quantity: expected an integer (u32), found the string \"3\"",
    ),
    (
        r#"{"id":"1","items":{}}"#,
        "data.items: expected an array, found an object",
    ),
    (
        r#"{"id":"1","items":[],"paid":"gold"}"#,
        "data.paid: expected one of \"card\", \"cash\", found the string \"gold\"",
    ),
    (
        r#"{"id":"1","items":[],"photo":"***"}"#,
        "data.photo: expected base64, found the string \"***\"",
    ),
    (
        r#"{"id":"1","items":[],"photo":[1,256]}"#,
        "data.photo[1]: 256 is out of range for u8",
    ),
    (
        r#"{"id":"1","items":[],"grade":"AB"}"#,
        "data.grade: expected a string of one character, found the string \"AB\"",
    ),
    (
        r#"{"id":"1","items":[],"to":{"val":"x"}}"#,
        "data.to.tag: is missing; expected one of \"shop\", \"home\"",
    ),
    (
        r#"{"id":"1","items":[],"to":{"tag":"sea"}}"#,
        "data.to.tag: expected one of \"shop\", \"home\", found \"sea\"",
    ),
    (
        r#"{"id":"1","items":[],"to":{"val":7,"tag":"home"}}"#,
        "data.to.val: expected a string, found 7",
    ),
    (
        r#"{"id":"1","items":[],"to":{"tag":"home"}}"#,
        "data.to.val: is missing; expected a string",
    ),
    (
        r#"{"id":"1","items":[],"size":[1]}"#,
        "data.size: expected an array of 2, found an array of 1",
    ),
    (
        r#"{"id":"1","items":[],"size":[1,2,3]}"#,
        "data.size: expected an array of 2, found an array of 3",
    ),
    (
        r#"{"id":"1","items":[],"gift":{"wrap":1}}"#,
        "data.gift.wrap: expected true or false, found 1",
    ),
    (
        r#"{"id":"1","items":[]"#,
        "data: is not JSON: EOF while parsing an object at line 1 column 20",
    ),
    (
        r#"{"id":"1","items":[]} x"#,
        "data: is not JSON: trailing characters at line 1 column 23",
    ),
    (
        r#"{"id":"\ud800","items":[]}"#,
        "data.id: is not JSON: unexpected end of hex escape at line 1 column 14",
    ),
];

#[test]
fn a_fault_says_where_what_was_expected_and_what_was_found() {
    for &(data, fault) in FAULTS {
        assert_eq!(fault_of(data, RULES), fault, "{data}");
    }
}

#[test]
fn the_value_of_a_sensitive_field_is_not_shown() {
    let fault = fault_of(r#"{"id":"1","items":[],"otp":123456}"#, RULES);
    assert_eq!(fault, "data.otp: expected a string, found a number");
}

#[test]
fn unknown_fields_pass_unless_the_contract_is_strict() {
    let data = r#"{"id":"1","items":[{"product":"a","quantity":1,"colour":"red"}]}"#;
    assert!(read(&order(), data, RULES).is_ok());
    let strict = Rules {
        strict: true,
        ..RULES
    };
    assert_eq!(
        fault_of(data, strict),
        "data.items[0].colour: is not in the contract, which has \"product\", \"quantity\""
    );
    let data = r#"{"id":"1","items":[],"gift":{"bow":true}}"#;
    assert_eq!(
        fault_of(data, strict),
        "data.gift.bow: is not a flag of the contract: one of \"wrap\", \"card\""
    );
    let data = r#"{"id":"1","items":[],"to":{"tag":"shop","value":1}}"#;
    assert_eq!(
        fault_of(data, strict),
        "data.to.value: is not in the contract, which has \"tag\", \"val\""
    );
}

#[test]
fn of_a_key_that_is_there_twice_the_last_counts() {
    let data = r#"{"id":5,"items":[],"id":"1"}"#;
    // The first is read, too.
    assert_eq!(fault_of(data, RULES), "data.id: expected a string, found 5");
    let data = r#"{"id":"1","items":[],"paid":"card","paid":null}"#;
    assert!(read(&order(), data, RULES).is_ok());
}

/// The bytes of one case must not be read as those of another.
#[test]
fn a_tag_is_given_once_and_of_two_values_the_last_counts() {
    let order = |to: &str| {
        read(
            &order(),
            &format!(r#"{{"id":"1","items":[],"to":{to}}}"#),
            RULES,
        )
    };
    let twice = order(r#"{"tag":"home","val":"x","tag":"shop"}"#).unwrap_err();
    assert_eq!(twice.to_string(), "data.to.tag: is given twice");
    let last = order(r#"{"val":5,"tag":"home","val":"last"}"#).unwrap();
    assert!(String::from_utf8_lossy(&last).contains("last"), "{last:?}");
}

#[test]
fn an_option_within_an_option_says_what_it_expects_and_hides_what_is_sensitive() {
    let twice = |sensitive| {
        let mut code = field("code", option(option(ty(Shape::String))));
        code.notes.sensitive = sensitive;
        function(ty(Type::record(vec![code])))
    };
    let fault = |sensitive, data: &str| {
        read(&twice(sensitive), data, RULES)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fault(false, r#"{"code":"1234"}"#),
        "data.code: expected null, or an object with `tag` and `val`, found the string \"1234\""
    );
    assert_eq!(
        fault(true, r#"{"code":1234}"#),
        "data.code: expected null, or an object with `tag` and `val`, found a number"
    );
}

#[test]
fn a_short_text_that_means_much_memory_is_refused() {
    let rules = Rules {
        memory: 10_000,
        ..RULES
    };
    let items = r#"{"product":"","quantity":0},"#.repeat(2_000);
    let data = format!(r#"{{"id":"1","items":[{}]}}"#, items.trim_end_matches(','));
    let fault = fault_of(&data, rules);
    assert!(fault.starts_with("data.items"), "{fault}");
    let end = "takes more than the 10000 bytes of memory of a job";
    assert!(fault.ends_with(end), "{fault}");
}

#[test]
fn numbers_beyond_doubles_stay_exact() {
    let of = |integer, number: &str| {
        let image = read(&function(ty(Shape::Integer(integer))), number, RULES);
        u64::from_le_bytes(*image.unwrap().first_chunk().unwrap())
    };
    assert_eq!(of(Integer::U64, "18446744073709551615"), u64::MAX);
    assert_eq!(of(Integer::S64, "-9223372036854775808"), i64::MIN as u64);
    assert_eq!(of(Integer::U8, "3.0"), 3);
    let wrong = |integer, number: &str| {
        let function = function(ty(Shape::Integer(integer)));
        read(&function, number, RULES).unwrap_err().to_string()
    };
    assert_eq!(
        wrong(Integer::U64, "18446744073709551616"),
        "data: 18446744073709552000 is out of range for u64"
    );
    assert_eq!(
        wrong(Integer::S8, "128"),
        "data: 128 is out of range for s8"
    );
}
