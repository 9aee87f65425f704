//! What a program is given beside what every guest has, and where what it writes goes.

use wasmtime_wasi::WasiCtxBuilder;

use super::output::{Capture, Input, Lines, Log, Reports};
use runner_bindings::runner::plugin::log::Level;

/// What a program is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// From argument 0, its name, on.
    pub arguments: Vec<String>,
    /// What it reads from stdin; the payload if it is not said.
    pub stdin: Option<String>,
    /// When the timeout passes, in milliseconds since 1970.
    pub deadline: u64,
}

/// Where a guest's stdout goes.
pub(super) enum Stdout {
    /// To the log, by lines.
    Log(Lines),
    /// It is the result.
    Result(Capture),
}

impl Program {
    /// Give a program what is its own; where its output goes.
    pub(super) fn set_up(
        &self,
        builder: &mut WasiCtxBuilder,
        reports: Reports,
        request_id: Option<&str>,
        max_result: usize,
    ) -> (Stdout, Lines) {
        let attempt = &reports.attempt;
        let job = &attempt.job;
        let result = Capture::new(max_result);
        builder
            .args(&self.arguments)
            .stdin(Input::new(attempt.clone(), self.stdin.clone()))
            .stdout(result.clone())
            .env("RUNNER_JOB_ID", &job.id)
            .env("RUNNER_JOB_NAME", &job.name)
            .env("RUNNER_QUEUE", attempt.queue_name())
            .env("RUNNER_ATTEMPT", job.attempt().to_string())
            .env("RUNNER_MAX_ATTEMPTS", job.max_attempts().to_string())
            .env("RUNNER_DEADLINE", self.deadline.to_string());
        if let Some(id) = request_id {
            builder.env("RUNNER_REQUEST_ID", id);
        }
        let log = Lines::of_command(reports);
        builder.stderr(log.clone());
        (Stdout::Result(result), log)
    }
}

impl Stdout {
    /// The output of a guest that is no program.
    pub(super) fn logged(builder: &mut WasiCtxBuilder, log: &Log) -> (Stdout, Lines) {
        let stdout = Lines::new(log.clone(), Level::Info);
        let stderr = Lines::new(log.clone(), Level::Warn);
        builder.stdout(stdout.clone()).stderr(stderr.clone());
        (Stdout::Log(stdout), stderr)
    }

    /// Go on as another, for the next job of an instance.
    pub(super) fn become_that(&self, other: &Stdout) {
        if let (Stdout::Log(own), Stdout::Log(other)) = (self, other) {
            own.become_those(other);
        }
    }

    /// How many streams the guest has of this.
    pub(super) fn streams(&self) -> usize {
        match self {
            Stdout::Log(lines) => lines.streams(),
            // Its guest serves one job.
            Stdout::Result(_) => 0,
        }
    }

    /// Nothing more is written.
    pub(super) fn finish(&self) {
        if let Stdout::Log(lines) = self {
            lines.finish();
        }
    }
}
