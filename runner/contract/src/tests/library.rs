//! What of a WIT file cannot be a contract, in words.

use crate::Library;

/// The library of one file with this interface.
fn library(interface: &str) -> Library {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("package a:b@1.0.0;\ninterface c {{\n{interface}\n}}\n");
    std::fs::write(directory.path().join("c.wit"), text).unwrap();
    Library::read(directory.path()).unwrap()
}

#[test]
fn what_has_no_json_or_a_wrong_tag_is_told_with_its_place() {
    for (interface, reason) in [
        (
            "resource r;\nf: func(data: list<r>);",
            "function `f`: parameter `data`: a resource has no JSON",
        ),
        (
            "record x { y: future<u8> }\nf: func(data: x);",
            "function `f`: parameter `data`: type `x`: field `y`: a future has no JSON",
        ),
        (
            "f: func() -> stream<u8>;",
            "function `f`: its result: a stream has no JSON",
        ),
        (
            "f: async func();",
            "function `f`: a job is a plain function, not a method and not async",
        ),
        (
            "record x { a-b: u8, /// @name aB\n c: u8 }\nf: func(data: x);",
            "function `f`: parameter `data`: type `x`: `a-b` and `c` are both \"aB\" in JSON; \
             change one with @name",
        ),
        (
            "/// @name g\nf: func();\ng: func();",
            "`f` and `g` are both \"g\" in JSON; change one with @name",
        ),
        (
            "enum e { /// @name\n a }\nf: func(data: e);",
            "function `f`: parameter `data`: type `e`: `a`: `@name` needs a name",
        ),
        (
            "/// @format\nf: func();",
            "function `f`: `@format` needs a format, e.g. `@format email`",
        ),
        (
            "/// @example\nf: func();",
            "function `f`: `@example` needs a JSON value",
        ),
        (
            "/// @example {x}\nf: func();",
            "function `f`: `@example {x}` is not JSON: key must be a string at line 1 column 2",
        ),
        (
            "/// @secret\nf: func();",
            "function `f`: `@secret` is not a known tag; use @name, @sensitive, @example or @format",
        ),
    ] {
        let library = library(interface);
        assert_eq!(library.get("a:b/c").unwrap_err(), reason, "{interface}");
    }
}

#[test]
fn without_a_version_the_newest_is_meant() {
    let directory = tempfile::tempdir().unwrap();
    for version in ["1.2.0", "1.10.0"] {
        let text = format!("package a:b@{version};\ninterface c {{ f: func(); }}\n");
        let file = directory.path().join(format!("{version}.wit"));
        std::fs::write(file, text).unwrap();
    }
    let library = Library::read(directory.path()).unwrap();
    let id = |asked| library.get(asked).unwrap().map(|of| of.id.clone());
    assert_eq!(id("a:b/c").as_deref(), Some("a:b/c@1.10.0"));
    assert_eq!(id("a:b/c@1.2.0").as_deref(), Some("a:b/c@1.2.0"));
    assert_eq!(id("a:b/d"), None);
}
