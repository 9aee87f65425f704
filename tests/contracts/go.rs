//! Go: the types of a contract, which read each kind of value and write the same JSON
//! again.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::support::{Redis, Setup, tool};

/// What a tool of Go says in the package that the command prints.
fn told(setup: &Setup, program: impl AsRef<OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .current_dir(setup.path("contract"))
        .args(arguments)
        .env("GOPROXY", "off")
        .output()
        .expect("it starts");
    let told = [output.stdout, output.stderr].concat();
    String::from_utf8(told).unwrap()
}

const TEST: &str = r#"package contract

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestValues(t *testing.T) {
	text := `{"yes":true,"aU8":1,"aU16":2,"aU32":3,"aU64":18446744073709551615,` +
		`"aS8":-1,"aS16":-2,"aS32":-3,"aS64":-9223372036854775808,"aF32":0.5,"aF64":0.1,` +
		`"letter":"é","text":"t","free":{"any":[1]},"blob":"AAEC","words":["a"],` +
		`"smalls":[{"name":"n","count":1}],"pair":[1,"x"],"maybe":{"name":"m","count":2},` +
		`"perhaps":{"tag":"some","val":7},"channel":"SMS",` +
		`"event":{"tag":"seen","val":{"name":"e","count":3,"note":"k"}},` +
		`"places":{"home":false,"atWork":true,"farAway":false},` +
		`"outcome":{"tag":"error","val":"no"},"secret":5}`
	var all All
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	seven, no := uint32(7), "no"
	if all.AU64 != 1<<64-1 || string(all.Blob) != "\x00\x01\x02" || all.Pair != (Tuple2[uint8, string]{1, "x"}) ||
		all.Event.Tag != EventSeen || all.Event.Seen.Count != 3 || !all.Places.AtWork ||
		all.Channel != ChannelTextMessage || !reflect.DeepEqual(all.Perhaps, Option[*uint32]{true, &seven}) ||
		!reflect.DeepEqual(all.Outcome, AllOutcome{Tag: AllOutcomeError, Error: &no}) {
		t.Errorf("%+v", all)
	}
	written, err := json.Marshal(all)
	if err != nil || string(written) != text {
		t.Error(string(written), err)
	}
	// What is left empty is none, an empty array and an empty object.
	written, err = json.Marshal(All{Event: Event{Tag: EventNothing}, Outcome: AllOutcome{Tag: AllOutcomeOk, Ok: new(uint32)}, Free: json.RawMessage("1")})
	want := `{"yes":false,"aU8":0,"aU16":0,"aU32":0,"aU64":0,"aS8":0,"aS16":0,"aS32":0,"aS64":0,"aF32":0,"aF64":0,` +
		`"letter":"","text":"","free":1,"blob":"","words":[],"smalls":[],"pair":[0,""],"channel":"","event":{"tag":"nothing"},` +
		`"places":{"home":false,"atWork":false,"farAway":false},"outcome":{"tag":"ok","val":0}}`
	if err != nil || string(written) != want {
		t.Error(string(written), err)
	}
	if _, err := json.Marshal(Event{Tag: "lost"}); err == nil {
		t.Error("no such case")
	}
	if err := json.Unmarshal([]byte(`{"tag":"lost"}`), new(Event)); err == nil || err.Error() != `Event has no case "lost"` {
		t.Error(err)
	}
	var pair Tuple2[uint8, string]
	if err := json.Unmarshal([]byte(`[1]`), &pair); err == nil || err.Error() != "expected an array of 2, found one of 1" {
		t.Error(err)
	}
	if JobHappened != "happened" {
		t.Error(JobHappened)
	}
}
"#;

#[test]
fn go_reads_every_kind_of_value_and_writes_it_again() {
    let toml = "[queues.typed]\ncontract = \"test:typed/jobs\"\n\
                [queues.otp-queue]\ncontract = \"fundify:otp/otp-queue\"\n";
    let setup = super::setup(&Redis::shared(), toml);
    let otp = super::wit().with_file_name("../../../wit/queues/otp.wit");
    std::fs::copy(otp, setup.path("wit/otp.wit")).unwrap();
    std::fs::create_dir(setup.path("contract")).unwrap();
    std::fs::write(
        setup.path("contract/go.mod"),
        "module contract\n\ngo 1.26\n",
    )
    .unwrap();
    let root = told(&setup, tool("go"), &["env", "GOROOT"]);
    let gofmt = Path::new(root.trim()).join("bin/gofmt");
    for queue in ["otp-queue", "typed"] {
        let ended = setup.cli(&["contract", "go", queue]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        std::fs::write(setup.path("contract/contract.go"), ended.stdout).unwrap();
        assert_eq!(told(&setup, &gofmt, &["-d", "."]), "", "{queue}");
        assert_eq!(told(&setup, tool("go"), &["vet", "."]), "", "{queue}");
    }
    std::fs::write(setup.path("contract/values_test.go"), TEST).unwrap();
    let tested = told(&setup, tool("go"), &["test", "."]);
    assert!(tested.starts_with("ok "), "{tested}");
}
