//! What a new version of a contract changes, in words, and whether it breaks
//! something: payloads of the old version, or readers of the old results.

use crate::{Interface, Library, compare};

fn interface(text: &str) -> Interface {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("package a:b;\ninterface c {{\n{text}\n}}\n");
    std::fs::write(directory.path().join("c.wit"), text).unwrap();
    let library = Library::read(directory.path()).unwrap();
    Interface::clone(library.get("a:b/c").unwrap().unwrap())
}

/// Each difference, with `!` when it breaks something.
fn changes(old: &str, new: &str) -> Vec<String> {
    let found = compare(&interface(old), &interface(new));
    let told = found
        .iter()
        .map(|of| format!("{of}{}", if of.breaking { "!" } else { "" }));
    told.collect()
}

#[test]
fn the_same_is_the_same() {
    let text = "variant v { a, b(list<u8>) }\nrecord r { x: option<v> }\nf: func(data: r) -> v;";
    assert_eq!(changes(text, text), [""; 0]);
}

/// A type before and after; what changes in a payload of it, and in a result. What
/// breaks ends with `!`.
const CHANGES: &[[&str; 4]] = &[
    [
        "record r { a: u32 }",
        "record r { a: s32 }",
        "f: data.a was u32, is s32!",
        "f: result.a was u32, is s32!",
    ],
    [
        "record r { a: u8, b: option<u8> }",
        "record r { a: u8 }",
        "f: data.b was removed",
        "f: result.b was removed",
    ],
    [
        "record r { a: tuple<u8> }",
        "record r { a: tuple<u8, u8> }",
        "f: data.a was tuple<u8>, is tuple<u8, u8>!",
        "f: result.a was tuple<u8>, is tuple<u8, u8>!",
    ],
    [
        "enum r { a, b }",
        "enum r { b, a }",
        "f: data has its cases in another order",
        "f: result has its cases in another order",
    ],
    [
        "record r { a: u8 }",
        "record r { a: u8, b: string }",
        "f: data.b was added (string)!",
        "f: result.b was added (string)",
    ],
    [
        "record r { a: u8 }",
        "record r { a: u8, b: option<u8> }",
        "f: data.b was added (option<u8>)",
        "f: result.b was added (option<u8>)",
    ],
    [
        "record r { a: u8, b: u8 }",
        "record r { a: u8 }",
        "f: data.b was removed",
        "f: result.b was removed!",
    ],
    [
        "record r { a: u8, b: u8 }",
        "record r { b: u8, a: u8 }",
        "f: data has its fields in another order",
        "f: result has its fields in another order",
    ],
    [
        "record r { a: u32 }",
        "record r { a: u64 }",
        "f: data.a was u32, is u64",
        "f: result.a was u32, is u64!",
    ],
    [
        "record r { a: u64 }",
        "record r { a: u32 }",
        "f: data.a was u64, is u32!",
        "f: result.a was u64, is u32",
    ],
    [
        "record r { a: string }",
        "record r { a: option<string> }",
        "f: data.a was string, is option<string>",
        "f: result.a was string, is option<string>!",
    ],
    [
        "record r { a: option<string> }",
        "record r { a: string }",
        "f: data.a was option<string>, is string!",
        "f: result.a was option<string>, is string",
    ],
    [
        "record r { a: list<u32> }",
        "record r { a: list<string> }",
        "f: data.a[] was u32, is string!",
        "f: result.a[] was u32, is string!",
    ],
    [
        "enum r { a, b }",
        "enum r { a, b, c }",
        "f: data has \"c\" now",
        "f: result has \"c\" now!",
    ],
    [
        "enum r { a, b }",
        "enum r { a }",
        "f: data has no \"b\" any more!",
        "f: result has no \"b\" any more",
    ],
    [
        "variant r { a(u8) }",
        "variant r { a(string) }",
        "f: data(a) was u8, is string!",
        "f: result(a) was u8, is string!",
    ],
];

#[test]
fn each_change_is_told_once_and_rated_for_payloads_and_results() {
    for &[old, new, payload, result] in CHANGES {
        let of = |ty: &str, takes: bool| match takes {
            true => format!("{ty}\nf: func(data: r);"),
            false => format!("{ty}\nf: func() -> r;"),
        };
        assert_eq!(
            changes(&of(old, true), &of(new, true)),
            [payload],
            "{old} → {new}"
        );
        assert_eq!(
            changes(&of(old, false), &of(new, false)),
            [result],
            "{old} → {new}"
        );
    }
}

#[test]
fn functions_and_whole_payloads_come_and_go() {
    assert_eq!(
        changes("f: func();\ng: func();", "f: func();"),
        ["g was removed!"]
    );
    assert_eq!(
        changes("f: func();", "f: func();\ng: func();"),
        ["g was added"]
    );
    assert_eq!(
        changes("f: func();", "f: func(data: u8);"),
        ["f: data was added (u8)!"]
    );
    assert_eq!(
        changes("f: func(data: u8);", "f: func();"),
        ["f: data was removed"]
    );
}
