//! Goes wrong in the way the job's name says.

#![expect(clippy::disallowed_methods, reason = "what this guest is for")]

use std::hint::black_box;
use std::time::Duration;

use runner_sdk::bindings::exports::runner::plugin::handler::{Failure, Guest, Job};

struct Faults;

impl Guest for Faults {
    fn handle(job: Job) -> Result<Option<String>, Failure> {
        let number: u64 = serde_json::from_str(&job.data).unwrap_or(0);
        match job.name.as_str() {
            "retry" => return Err(Failure::Retry("the other side is down".into())),
            "retry-once" if job.attempt == 1 => return Err(Failure::Retry("not yet".into())),
            "retry-once" => {}
            "retry-after" => return Err(Failure::RetryAfter((number, "slow down".into()))),
            "reject" => return Err(Failure::Reject("no such user".into())),
            "snooze" if job.started_at < job.added_at + number => {
                return Err(Failure::Snooze((number, "quiet hours".into())));
            }
            "snooze" => {}
            "spin" => loop {
                black_box(());
            },
            "sleep" => std::thread::sleep(Duration::from_millis(number)),
            "allocate" => {
                let bytes = vec![1u8; number as usize];
                black_box(&bytes);
            }
            "recurse" => {
                black_box(recurse(1));
            }
            "panic" => panic!("the sky is falling"),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(3),
            "exit-well" => std::process::exit(0),
            // As the runtimes of other languages end: what they write, then how.
            "says-and-aborts" | "says-and-exits" | "says-and-returns" => {
                let text: String = serde_json::from_str(&job.data).unwrap_or_default();
                eprintln!("{text}");
                match job.name.as_str() {
                    "says-and-exits" => std::process::exit(2),
                    // As an SDK does that caught it.
                    "says-and-returns" => return Err(Failure::Retry("ValueError: amount".into())),
                    _ => std::process::abort(),
                }
            }
            "not-json" => return Ok(Some("{oops".into())),
            "large" => return Ok(Some(format!("\"{}\"", "x".repeat(number as usize)))),
            "print" => {
                println!("to stdout");
                eprintln!("to stderr \u{1b}[31mred");
            }
            "flood" => (0..number).for_each(|line| println!("line {line}")),
            other => return Err(Failure::Reject(format!("no fault is named {other:?}"))),
        }
        Ok(None)
    }
}

#[expect(unconditional_recursion, reason = "what this guest is for")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + depth
}

runner_sdk::export!(Faults);
