//! Counts the jobs of its instance, and keeps what it can from one to the next.

#![expect(clippy::disallowed_methods, reason = "what this guest is for")]

use std::cell::RefCell;
use std::fs::File;
use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use runner_sdk::prelude::*;
use serde_json::{Value, json};

static JOBS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OPEN: RefCell<Option<File>> = const { RefCell::new(None) };
}

fn handle(job: Job) -> Result<Value> {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let before = BEGAN.get_or_init(Instant::now).elapsed();
    let jobs = JOBS.fetch_add(1, Ordering::Relaxed) + 1;
    let number = || job.data::<u64>().unwrap_or_default();
    match job.name.as_str() {
        "retry" => return Err(retry("it returned this")),
        "reject" => return Err(reject("it returned this")),
        "panic" => panic!("the sky is falling"),
        "exit" => std::process::exit(1),
        "spin" => loop {
            black_box(());
        },
        "sleep" => std::thread::sleep(Duration::from_millis(number())),
        "allocate" => drop(black_box(vec![1u8; number() as usize])),
        "leak" => std::mem::forget(black_box(vec![1u8; number() as usize])),
        "lines" => (0..number()).for_each(|line| println!("line {line}")),
        "large" => return Ok(json!("x".repeat(number() as usize))),
        "began" => return Ok(json!(before.as_nanos() > 0)),
        "say" => {
            println!("job {}", job.id);
            eprint!("unfinished {}", job.id);
            log::info!("logged {}", job.id);
            progress::set(jobs as f64);
        }
        "who" => {
            let sender = config::get("sender");
            return Ok(json!([
                jobs,
                job.id,
                sender,
                config::secret("TOKEN").map(|it| it.len())
            ]));
        }
        "read" => {
            let text = std::fs::read_to_string("/shared/text").map_err(|error| error.to_string());
            return Ok(json!([jobs, text]));
        }
        "hold" => OPEN.with(|open| *open.borrow_mut() = File::open("/shared/text").ok()),
        "fields" => std::mem::forget(wasip2::http::types::Fields::new()),
        _ => {}
    }
    Ok(json!(jobs))
}

runner_sdk::handler!(handle);
