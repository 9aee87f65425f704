//! {{name}}: takes the jobs of `{{contract}}`.

use runner_sdk::prelude::*;
use runner_sdk::typed::Failure;

// Its types and functions, as the WIT files have them when the crate is compiled.
runner_sdk::contract!({
    path: [".runner/wit/runner", ".runner/wit/contract.wit"],
    world: "runner:project/contract",
});
use exports::{{module}}::{Guest{{types}}};

struct Plugin;

/// A function for each kind of job; `Job::current()` has the job's id and attempt.
impl Guest for Plugin {
{{functions}}
}

runner_sdk::serve!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_refused_until_its_function_is_written() {
        {{check}}
    }
}
