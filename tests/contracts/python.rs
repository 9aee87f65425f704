//! Python: the dataclasses of a contract, which read each kind of value and write
//! the same JSON again, and the SDK, which is tested in its own language.

use std::path::Path;
use std::process::Command;

use crate::support::{Redis, Setup};

/// The module that the command prints for the contract of every kind of type.
fn module() -> Setup {
    let setup = super::setup(
        &Redis::shared(),
        "[queues.typed]\ncontract = \"test:typed/jobs\"\n",
    );
    let ended = setup.cli(&["contract", "python", "typed"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    std::fs::write(setup.path("typed.py"), ended.stdout).unwrap();
    setup
}

/// What Python prints.
#[track_caller]
fn python(setup: &Setup, script: &str) -> String {
    let output = Command::new("python3")
        .current_dir(setup.path(""))
        .args(["-W", "error", "-c", script])
        .output()
        .expect("python3 starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn python_reads_every_kind_of_value_and_writes_it_again() {
    let script = r#"
import json, typed
from typed import All, EventSeen, Place, ResultError, Small, Some, JOBS
text = '''{"yes": true, "aU8": 1, "aU16": 2, "aU32": 3, "aU64": 18446744073709551615,
"aS8": -1, "aS16": -2, "aS32": -3, "aS64": -9223372036854775808, "aF32": 0.5, "aF64": 0.1,
"letter": "\u00e9", "text": "t", "free": {"any": [1]}, "blob": "AAEC", "words": ["a"],
"smalls": [{"name": "n", "count": 1}], "pair": [1, "x"], "maybe": {"name": "m", "count": 2},
"perhaps": {"tag": "some", "val": 7}, "channel": "SMS",
"event": {"tag": "seen", "val": {"name": "e", "count": 3, "note": "k"}},
"places": {"home": false, "atWork": true, "farAway": false},
"outcome": {"tag": "error", "val": "no"}, "secret": 5}'''
data = json.loads(text)
value = All.from_json(data)
assert value.to_json() == data, value.to_json()
assert value.a_u64 == 2**64 - 1 and value.blob == b"\0\1\2" and value.pair == (1, "x")
assert value.event == EventSeen(Small(name="e", count=3, note="k")), value.event
assert value.perhaps == Some(7) and value.outcome == ResultError("no")
assert value.channel is typed.Channel.TEXT_MESSAGE and value.places == Place(at_work=True)
assert "secret" not in repr(value) and value.secret == 5
data = {**data, "blob": [0, 255], "perhaps": {"tag": "none"}, "outcome": {"tag": "ok", "val": 1}}
for key in ("maybe", "secret"):
    del data[key]
value = All.from_json(data)
assert (value.blob, value.maybe, value.perhaps) == (b"\0\xff", None, Some(None))
assert value.to_json() == {**data, "blob": "AP8="}
two = JOBS["two"]
assert two == (typed.TwoData, tuple[str, int]), two
assert two[0](first_name="Ada").to_json() == {"firstName": "Ada"}
print(typed.Event, JOBS["bytes"], typed.Small.__doc__)
"#;
    let text = python(&module(), script);
    assert!(
        text.starts_with("typing.Union[typed.EventNothing, typed.EventSent, "),
        "{text}"
    );
    assert!(
        text.ends_with("(<class 'bytes'>, <class 'bytes'>) A record of few values.\n"),
        "{text}"
    );
}

#[test]
fn words_of_a_contract_cannot_break_the_module() {
    let wit = r#"package a:b;
/// Ends """ early \ and says "so"
interface jobs {
  /// "quoted"
  record class { %from: string, none: option<u8>, self: bool, to-json: string }
  enum none { and, %string }
  /// @name "x"'y'
  run: func(data: class, other: none) -> string;
}
"#;
    let toml = "[queues.q]\ncontract = \"a:b/jobs\"\n";
    let setup = Setup::new(&Redis::shared(), toml);
    std::fs::create_dir(setup.path("wit")).unwrap();
    std::fs::write(setup.path("wit/a.wit"), wit).unwrap();
    let ended = setup.cli(&["contract", "python", "q"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    std::fs::write(setup.path("q.py"), ended.stdout).unwrap();
    let script = r#"
import q
one = q.Class(from_="a", none=None, self_=True, to_json_="b")
assert one.to_json() == {"from": "a", "self": True, "toJson": "b"}, one.to_json()
data = q.RunData(data=one, other=q.None_.AND)
assert q.RunData.from_json(data.to_json()) == data
print(list(q.JOBS), q.Class.__doc__)
"#;
    let text = python(&setup, script);
    assert_eq!(text, "['\"x\"\\'y\\''] \"quoted\"\n");
}

#[test]
fn the_sdk_passes_its_own_tests() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/python");
    let output = Command::new("python3")
        .current_dir(sdk)
        .args(["-B", "-W", "error", "-m", "unittest", "--quiet"])
        .output()
        .expect("python3 starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
