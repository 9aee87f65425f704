//! Built for a host API that is older than the host's: its failure has one case.

#![allow(missing_docs, unsafe_code, reason = "generated")]

wit_bindgen::generate!({
    path: [],
    inline: "
        package runner:plugin@0.1.0;
        interface job {
            record job { id: string }
        }
        interface outcome {
            variant failure { retry(string) }
        }
        interface handler {
            use job.{job};
            use outcome.{failure};
            handle: func(job: job) -> result<option<string>, failure>;
        }
        world plugin { export handler; }
    ",
});

use exports::runner::plugin::handler::{Failure, Guest, Job};

struct Outdated;

impl Guest for Outdated {
    fn handle(_: Job) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}

#[cfg(target_family = "wasm")]
export!(Outdated);
