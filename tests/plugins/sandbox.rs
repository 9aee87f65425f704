//! Every way a guest can go wrong ends in one readable outcome, and no guest
//! holds up another.

use std::time::{Duration, Instant};

use runner::config::JobSettings;
use runner::outcome::{Cause, Failure, Outcome};
use runner::queue::Stop;

use crate::support::guest;
use crate::support::sandbox::{Running, Sandbox, job, timeout};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(50);

fn faults() -> Sandbox {
    Sandbox::new(&guest("faults"))
}

/// The failure of an attempt that counts, without a delay of the handler's.
#[track_caller]
fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Retry {
            failure,
            delay: None,
        } => failure,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fails(name: &str, data: &str, cause: Cause, reason: &str) -> Failure {
    let failure = failure(faults().run(name, data));
    assert_eq!((failure.cause, &*failure.reason), (cause, reason));
    failure
}

#[test]
fn a_returned_failure_keeps_its_kind_and_its_text() {
    let sandbox = faults();
    fails("retry", "0", Cause::Returned, "the other side is down");
    match sandbox.run("retry-after", "1500") {
        Outcome::Retry {
            failure,
            delay: Some(delay),
        } => {
            assert_eq!(failure.reason, "slow down");
            assert_eq!(delay, Duration::from_millis(1500));
        }
        other => panic!("{other:?}"),
    }
    match sandbox.run("reject", "0") {
        Outcome::Rejected(failure) => assert_eq!(failure.reason, "no such user"),
        other => panic!("{other:?}"),
    }
    let snoozed = Outcome::Snoozed {
        delay: Duration::from_millis(2000),
        reason: "quiet hours".into(),
    };
    assert_eq!(sandbox.run("snooze", "2000"), snoozed);
}

#[test]
fn the_deadline_ends_a_guest_that_spins_and_one_that_waits() {
    let sandbox = faults();
    for name in ["spin", "sleep"] {
        let began = Instant::now();
        let running = sandbox.start(job(name, "60000"), timeout(SHORT));
        let failure = failure(running.outcome());
        assert_eq!(failure.cause, Cause::Deadline, "{name}");
        assert_eq!(failure.reason, "timed out after 300ms", "{name}");
        assert!(began.elapsed() >= SHORT, "{name}");
    }
}

#[test]
fn a_stop_signal_ends_a_guest_that_spins_and_one_that_waits() {
    let sandbox = faults();
    for name in ["spin", "sleep"] {
        for (stop, outcome) in [
            (Stop::Shutdown, Outcome::Released),
            (Stop::LockLost, Outcome::Lost),
        ] {
            let running = sandbox.start(job(name, "60000"), timeout(LONG));
            running.attempt.stop(stop);
            assert_eq!(running.outcome(), outcome, "{name}");
        }
    }
}

#[test]
fn the_memory_limit_is_named_with_what_was_asked_for() {
    let failure = failure(faults().run("allocate", &(200 << 20).to_string()));
    assert_eq!(failure.cause, Cause::Memory);
    let reason = failure.reason;
    assert!(
        reason.starts_with("memory limit of 64MiB reached (asked for 20")
            && reason.ends_with("MiB)"),
        "{reason}"
    );
    assert_eq!(
        faults().run("allocate", &(32 << 20).to_string()),
        Outcome::Completed("null".into())
    );
}

#[test]
fn a_panic_is_told_with_its_place_its_message_and_its_frames() {
    let failure = failure(faults().run("panic", "0"));
    assert_eq!(failure.cause, Cause::Panic);
    let reason = &failure.reason;
    assert!(
        reason.starts_with("panicked at ") && reason.contains("faults.rs:"),
        "{reason}"
    );
    assert!(reason.ends_with(": the sky is falling"), "{reason}");
    // The guest's own, without those of the panic itself.
    assert_eq!(failure.frames, ["runner:plugin/handler@0.1.0#handle"]);
}

#[test]
fn endless_recursion_abort_and_exit_are_failures_with_a_reason() {
    fails(
        "abort",
        "0",
        Cause::Trap,
        "the plugin aborted and wrote no reason",
    );
    fails(
        "recurse",
        "0",
        Cause::Trap,
        "the plugin used up its stack: recursion without end?",
    );
    // WASI 0.2 passes on no more than whether the status was 0.
    fails(
        "exit",
        "0",
        Cause::Exit,
        "the plugin exited with an error; a handler returns its result or a failure",
    );
    fails(
        "exit-well",
        "0",
        Cause::Exit,
        "the plugin exited; a handler returns its result or a failure",
    );
}

/// What the runtimes of other languages write is read in `executor/report.rs`;
/// this is the way of it from stderr to the failure.
#[test]
fn the_reason_and_the_frames_are_those_of_the_guests_own_language() {
    let python = "Traceback (most recent call last):\n  File \"/0/app.py\", line 16, in handle\n\
        ValueError: amount: must be positive\n\
        thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:\n\
        Python function threw an unexpected exception\n\
        note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
    let javascript = "invalid variant tag value `undefined` (received `TypeError: no amount`) \
        specified for `Failure`\nStack:\n  handle@app.js:3:9\n\
        Redirecting call to abort() to mozalloc_abort";
    let go = format!(
        "panic: boom\n\ngoroutine 1 [running]:\nmain.handle(...)\n\t/src/main.go:14 +0x2\n{}",
        "main.main()\n\t<autogenerated>:1 +0x1\n".repeat(100)
    );
    let c = "Assertion failed: amount > 0 (main.c: handle: 12)";
    for (how, says, reason, frame) in [
        (
            "aborts",
            python,
            "ValueError: amount: must be positive",
            "handle (/0/app.py:16)",
        ),
        (
            "aborts",
            javascript,
            "TypeError: no amount",
            "handle (app.js:3:9)",
        ),
        ("exits", &go, "panic: boom", "main.handle (/src/main.go:14)"),
        ("aborts", c, c, "abort"),
    ] {
        let data = serde_json::Value::from(says).to_string();
        let failure = failure(faults().run(&format!("says-and-{how}"), &data));
        assert_eq!((failure.cause, &*failure.reason), (Cause::Panic, reason));
        assert_eq!(failure.frames[0], frame, "{says}");
        assert!(failure.frames.len() <= 32, "{}", failure.frames.len());
    }
}

#[test]
fn a_failure_that_was_caught_and_returned_has_the_frames_that_were_written() {
    let written = |error: &str| {
        let text = format!(
            "Traceback (most recent call last):\n  File \"app.py\", line 7, in handle\n{error}"
        );
        failure(faults().run(
            "says-and-returns",
            &serde_json::Value::from(text).to_string(),
        ))
    };
    let found = written("ValueError: amount");
    assert_eq!(found.cause, Cause::Returned);
    assert_eq!(found.reason, "ValueError: amount");
    assert_eq!(found.frames, ["handle (app.py:7)"]);
    // Another error was logged and dealt with.
    assert_eq!(written("KeyError: 'other'").frames, Vec::<String>::new());
}

#[test]
fn a_result_that_is_not_json_or_too_large_is_a_failed_attempt() {
    fails(
        "not-json",
        "0",
        Cause::Result,
        "the result is not JSON: key must be a string at line 1 column 2: \"{oops\"",
    );
    fails(
        "large",
        &(6 << 20).to_string(),
        Cause::Result,
        "the result has 6291458 bytes; this queue stores 5242880 (max_result)",
    );
}

#[test]
fn a_gigabyte_returned_ends_at_the_memory_limit() {
    let failure = failure(faults().run("large", &(1u64 << 30).to_string()));
    assert_eq!(failure.cause, Cause::Memory);
    assert!(failure.reason.starts_with("memory limit of 64MiB reached"));
}

#[test]
fn printed_lines_are_log_lines_without_control_characters() {
    let sandbox = faults();
    let running = sandbox.start(job("print", "0"), timeout(LONG));
    assert_eq!(running.outcome(), Outcome::Completed("null".into()));
    let expected = ["INFO to stdout", "WARN to stderr \\u001b[31mred"];
    assert_eq!(running.logs(), expected);
}

#[test]
fn a_flood_of_lines_is_cut_and_says_so() {
    let sandbox = faults();
    let settings = JobSettings {
        max_logs: 10,
        ..timeout(LONG)
    };
    let running = sandbox.start(job("flood", "100000"), settings);
    assert_eq!(running.outcome(), Outcome::Completed("null".into()));
    let logs = running.logs();
    assert_eq!(logs.len(), 10);
    assert_eq!(logs[0], "INFO line 0");
    assert_eq!(
        logs[9],
        "INFO this attempt may log 10 lines (max_logs); further lines are dropped"
    );
}

#[test]
fn an_attempt_says_which_version_ran_it() {
    let sandbox = faults();
    let running = sandbox.start(job("print", "0"), timeout(LONG));
    running.outcome();
    let version = format!("work@{}", &sandbox.digest().unwrap()[..12]);
    assert_eq!(running.attempt.ran.get(), Some(&version));
}

#[test]
fn a_job_whose_plugin_does_not_serve_spends_no_attempt() {
    let settings = JobSettings {
        plugin: Some("gone".into()),
        ..timeout(LONG)
    };
    let sandbox = faults();
    let outcome = sandbox.start(job("print", "0"), settings).outcome();
    let snoozed = Outcome::Snoozed {
        delay: Duration::from_secs(5),
        reason: "plugin \"gone\" does not serve".into(),
    };
    assert_eq!(outcome, snoozed);
}

#[test]
fn guests_that_spin_on_every_thread_delay_neither_timers_nor_other_jobs() {
    let sandbox = faults();
    let spin = || sandbox.start(job("spin", "0"), timeout(LONG));
    let spinners: Vec<Running> = (0..4).map(|_| spin()).collect();
    let timers = tokio::runtime::Runtime::new().unwrap();
    timers.block_on(async {
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let quick = sandbox.start(job("print", "0"), timeout(LONG));
    assert_eq!(quick.outcome(), Outcome::Completed("null".into()));
    // All of it while they spun.
    assert!(spinners.iter().all(Running::runs));
    for spinner in &spinners {
        spinner.attempt.stop(Stop::Shutdown);
        assert_eq!(spinner.outcome(), Outcome::Released);
    }
}
