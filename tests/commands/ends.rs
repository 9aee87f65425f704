//! How a program ends, and what that means for its job.

use std::time::Duration;

use runner::config::{JobSettings, Plugin};
use runner::outcome::{Cause, Outcome};
use runner::queue::Stop;

use super::{completes, fails, rejects, run, sandbox};
use crate::support::sandbox::{Sandbox, job, timeout};
use crate::support::wasm::program;

#[test]
fn each_exit_code_means_what_sysexits_says() {
    let sandbox = sandbox();
    for code in 0..=255 {
        let how = ["exit", "exit-now"][code % 2];
        let outcome = sandbox.run(&format!("{how} {code}"), "{}");
        let name = match code {
            64 => " (usage)",
            65 => " (data)",
            66 => " (input)",
            75 => " (temporary failure)",
            77 => " (permission)",
            78 => " (configuration)",
            _ => "",
        };
        let told = format!("exit code {code}{name}; the program wrote nothing to stderr");
        match outcome {
            Outcome::Completed(value) => assert_eq!((code, &*value), (0, "null")),
            Outcome::Rejected(failure) => {
                assert!([64, 65, 66, 77, 78].contains(&code), "{code}");
                assert_eq!((failure.cause, failure.reason), (Cause::Returned, told));
            }
            Outcome::Retry {
                failure,
                delay: None,
            } => {
                let cause = match code {
                    75 => Cause::Returned,
                    _ => Cause::Exit,
                };
                assert!(code != 0);
                assert_eq!((failure.cause, failure.reason), (cause, told));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_code_beyond_a_byte_is_no_success() {
    let sandbox = sandbox();
    let failure = fails(&sandbox, "exit-now 256", "{}");
    assert_eq!(
        failure.reason,
        "exit code 256; the program wrote nothing to stderr"
    );
    // As a shell has it.
    let failure = fails(&sandbox, "exit-now -1", "{}");
    assert_eq!(
        failure.reason,
        "exit code 255; the program wrote nothing to stderr"
    );
}

#[test]
fn the_last_lines_of_stderr_are_in_the_reason() {
    let sandbox = sandbox();
    let failure = rejects(&sandbox, "fail 65", "no such shop: 7");
    assert_eq!(failure.reason, "exit code 65 (data): no such shop: 7");
    let failure = fails(&sandbox, "fail 3", "1\n2\n3\n::progress 4\n\n5\n6\n7");
    assert_eq!(failure.reason, "exit code 3: 2\n3\n5\n6\n7");
}

#[test]
fn a_component_tells_success_from_failure_only() {
    let sandbox = Sandbox::new(&program("program"));
    assert_eq!(completes(&sandbox, "exit 0", "{}"), "null");
    for name in ["fail 65", "fail 1"] {
        assert_eq!(fails(&sandbox, name, "why").reason, "exit code 1: why");
    }
}

/// A component whose toolchain knows `exit-with-code`, which WASI has since 0.2.12.
const EXITS: &str = r#"(component
    (import "wasi:cli/exit@0.2.12" (instance $exit
        (export "exit-with-code" (func (param "status-code" u8)))))
    (core func $exit (canon lower (func $exit "exit-with-code")))
    (core instance $host (export "exit" (func $exit)))
    (core module $program
        (import "host" "exit" (func $exit (param i32)))
        (func (export "run") (result i32) (call $exit (i32.const 65)) (unreachable)))
    (core instance $program (instantiate $program (with "host" (instance $host))))
    (func $run (result (result)) (canon lift (core func $program "run")))
    (instance $run (export "run" (func $run)))
    (export "wasi:cli/run@0.2.12" (instance $run)))"#;

#[test]
fn a_component_that_exits_with_a_code_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exits.wasm");
    std::fs::write(&file, wat::parse_str(EXITS).unwrap()).unwrap();
    let failure = rejects(&Sandbox::new(&file), "any", "{}");
    assert_eq!(
        failure.reason,
        "exit code 65 (data); the program wrote nothing to stderr"
    );
}

#[test]
fn what_a_program_wrote_before_it_failed_is_no_result() {
    let failure = fails(&sandbox(), "panic", "{}");
    assert_eq!(failure.cause, Cause::Panic);
    let reason = &failure.reason;
    assert!(
        reason.starts_with("panicked at ") && reason.ends_with(": out of paper"),
        "{reason}"
    );
}

#[test]
fn a_program_without_end_is_stopped() {
    let sandbox = sandbox();
    for name in ["spin", "sleep"] {
        let outcome = run(&sandbox, name, "{}", timeout(Duration::from_millis(200)));
        match outcome {
            Outcome::Retry { failure, .. } => assert_eq!(
                (failure.cause, &*failure.reason),
                (Cause::Deadline, "timed out after 200ms")
            ),
            other => panic!("{name}: {other:?}"),
        }
        let running = sandbox.start(job(name, "{}"), JobSettings::default());
        running.attempt.stop(Stop::Cancelled);
        match running.outcome() {
            Outcome::Rejected(failure) => assert_eq!(failure.cause, Cause::Cancelled),
            other => panic!("{name}: {other:?}"),
        }
        let running = sandbox.start(job(name, "{}"), JobSettings::default());
        running.attempt.stop(Stop::LockLost);
        assert_eq!(running.outcome(), Outcome::Lost);
    }
}

#[test]
fn memory_has_the_limit_of_its_queue() {
    let settings = || JobSettings {
        memory: 16 << 20,
        ..JobSettings::default()
    };
    let sandbox = sandbox();
    let small = run(&sandbox, "allocate 4000000", "{}", settings());
    assert_eq!(small, Outcome::Completed("4000000".into()));
    match run(&sandbox, "allocate 64000000", "{}", settings()) {
        Outcome::Retry { failure, .. } => {
            assert_eq!(failure.cause, Cause::Memory);
            let reason = &failure.reason;
            assert!(
                reason.starts_with("memory limit of 16MiB reached (asked for "),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_has_its_memory_to_itself() {
    assert_eq!(completes(&sandbox(), "grow", "{}"), "\"pages: 200\"");
    let least = JobSettings {
        memory: 8 << 20,
        ..JobSettings::default()
    };
    match run(&sandbox(), "grow", "{}", least) {
        Outcome::Retry { failure, .. } => {
            assert_eq!(failure.cause, Cause::Memory);
            let reason = &failure.reason;
            assert!(
                reason.starts_with("memory limit of 8MiB reached (asked for ")
                    && reason.contains("; exit code 1: ")
                    && reason.ends_with("no pages left"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn recursion_without_end_is_a_trap() {
    let failure = fails(&sandbox(), "recurse", "{}");
    assert_eq!(failure.cause, Cause::Trap);
    assert!(
        failure.reason.contains("recursion without end"),
        "{failure:?}"
    );
}

#[test]
fn a_program_that_does_not_know_its_job_rejects_it() {
    let failure = rejects(&super::granted(Plugin::default()), "unheard-of", "{}");
    assert_eq!(
        failure.reason,
        "exit code 64 (usage): no such job: unheard-of"
    );
}
