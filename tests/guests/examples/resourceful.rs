//! Exports an interface that can be no contract: a resource has no JSON.

#![allow(missing_docs, unsafe_code, reason = "generated")]

wit_bindgen::generate!({
    inline: "
        package test:odd;
        interface jobs {
            resource thing;
            take: func(thing: thing);
        }
        world odd { export jobs; }
    ",
    path: [],
});

use exports::test::odd::jobs::{Guest, GuestThing, Thing};

struct Odd;

struct Own;

impl GuestThing for Own {}

impl Guest for Odd {
    type Thing = Own;

    fn take(_: Thing) {}
}

#[cfg(target_family = "wasm")]
export!(Odd);
