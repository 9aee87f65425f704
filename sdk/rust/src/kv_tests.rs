use std::time::Duration;

use super::{
    Error, compare_and_set, delete, entry, expire, get, get_json, increment, keys, set, set_json,
};
use crate::testing::Host;
use crate::{Failure, reject, retry};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_value_stays_until_its_time_is_over() {
    let host = Host::new();
    assert_eq!(get("a"), Ok(None));
    set("a", "1", SECOND).expect("it is set");
    set("b", [0, 255], None).expect("it is set");
    host.advance(SECOND / 4);
    let left = entry("a").expect("it is read").expect("it is there");
    assert_eq!(
        (left.value, left.ttl),
        (b"1".to_vec(), Some(SECOND * 3 / 4))
    );
    assert_eq!(expire("b", SECOND), Ok(true));
    assert_eq!(expire("c", SECOND), Ok(false));
    host.advance(SECOND * 3 / 4);
    assert_eq!(get("a"), Ok(None));
    assert_eq!(host.kv().into_keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!((delete("b"), delete("b")), (Ok(true), Ok(false)));
}

#[test]
fn a_counter_is_a_window_of_time() {
    let host = Host::new();
    assert_eq!(increment("n", 2, SECOND), Ok(2));
    host.advance(SECOND / 2);
    assert_eq!(increment("n", -5, SECOND), Ok(-3));
    host.advance(SECOND / 2);
    assert_eq!(increment("n", 1, None), Ok(1));
    set("text", "x", None).expect("it is set");
    let error = increment("text", 1, None).expect_err("it is no number");
    assert_eq!(error, Error::Invalid("\"text\" holds no integer".into()));
    set("n", i64::MAX.to_string(), None).expect("it is set");
    assert!(matches!(increment("n", 1, None), Err(Error::Invalid(_))));
}

#[test]
fn a_value_is_set_only_if_it_is_as_expected() {
    let _host = Host::new();
    assert_eq!(compare_and_set("a", None, Some(b"1"), None), Ok(true));
    assert_eq!(compare_and_set("a", None, Some(b"2"), None), Ok(false));
    assert_eq!(compare_and_set("a", Some(b"2"), None, None), Ok(false));
    assert_eq!(compare_and_set("a", Some(b"1"), None, None), Ok(true));
    assert_eq!(get("a"), Ok(None));
}

#[test]
fn json_is_written_and_read() {
    let _host = Host::new();
    set_json("a", &vec![1, 2], None).expect("it is set");
    assert_eq!(get_json::<Vec<u8>>("a"), Ok(Some(vec![1, 2])));
    assert_eq!(get_json::<Vec<u8>>("b"), Ok(None));
    let error = get_json::<Vec<String>>("a").expect_err("numbers are no text");
    assert_eq!(
        Failure::from(error),
        reject(
            "the value of \"a\" does not fit: [0]: invalid type: integer `1`, expected a \
             string at line 1 column 2"
        )
    );
}

#[test]
fn keys_are_listed_in_their_order_over_pages() {
    let _host = Host::new();
    for n in (0..2500).rev() {
        set(&format!("a/{n:04}"), "", None).expect("it is set");
    }
    set("b", "", None).expect("it is set");
    let listed: Result<Vec<_>, _> = keys("a/").collect();
    let expected: Vec<_> = (0..2500).map(|n| format!("a/{n:04}")).collect();
    assert_eq!(listed, Ok(expected));
}

#[test]
fn what_may_work_later_is_retried() {
    let host = Host::new();
    for (error, retried) in [
        (Error::Denied("no".into()), false),
        (Error::Invalid("no".into()), false),
        (Error::Limit("no".into()), false),
        (Error::Lost("no".into()), true),
        (Error::Unavailable("no".into()), true),
    ] {
        host.refuse_kv(error.clone());
        let failure = Failure::from(set("a", "", None).expect_err("it is refused"));
        let expected = if retried {
            retry(&error)
        } else {
            reject(&error)
        };
        assert_eq!(failure, expected);
        assert_eq!(keys("").collect::<Vec<_>>(), [Err(error)]);
    }
    host.refuse_kv(None);
    assert_eq!(get("a"), Ok(None));
    assert!(matches!(get(""), Err(Error::Invalid(_))));
}
