//! Gives back what it was given, by contract: `tests/guests/wit/typed.wit`.

runner_sdk::contract!({ path: ["../../wit/runner", "wit/typed.wit"], world: "test:typed/typed" });

use exports::test::typed::jobs::{All, Event, Guest, Small};
use runner_sdk::typed::Failure;

struct Typed;

impl Guest for Typed {
    fn every(data: All) -> All {
        data
    }

    fn few(data: Small) -> Result<Small, Failure> {
        if data.name.is_empty() {
            Err(runner_sdk::reject("a name is needed"))?;
        }
        Ok(data)
    }

    fn happened(data: Event) -> Event {
        data
    }

    fn count(data: i8) -> i64 {
        data.into()
    }

    fn bytes(data: Vec<u8>) -> Vec<u8> {
        data
    }

    fn two(first_name: String, how_many: Option<u16>) -> (String, u16) {
        (first_name, how_many.unwrap_or(7))
    }

    fn nothing() {}

    fn fail(data: Failure) -> Result<(), Failure> {
        Err(data)
    }

    fn odd(data: String) -> Result<String, Event> {
        Err(Event::Sent(data))
    }

    fn raw(data: String) -> String {
        data
    }

    fn trap(data: String) {
        panic!("told to: {data}");
    }
}

runner_sdk::serve!(Typed);
