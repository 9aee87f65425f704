//! `runner run`: one job through a plugin file, without Redis.
//!
//! The job runs with the grants and limits of `queues.toml`. What it would write
//! to Redis (jobs added, checkpoints, payload) is shown instead.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::output::{self, dim, plain};
use super::trial::{self, Bench};
use super::{Cli, Exit, Result};
use crate::config::{Config, JobSettings};
use crate::executor::Executor;
use crate::host::{Effect, Host, Http};
use crate::outbox::{self, Outbox};
use crate::outcome::{Failure, Outcome};
use crate::plugin;
use crate::queue::{Attempt, NewJob};
use crate::units;
use crate::verbs::cover::Cover;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner run otp-sender '{\"otp\":\"123456\"}' --name whatsapp-otp")]
pub(super) struct Args {
    /// A plugin of queues.toml, or a file.
    plugin: String,
    /// The payload: JSON text, @FILE, or - for standard input.
    #[arg(default_value = "{}")]
    data: String,
    /// The job's name.
    #[arg(long, default_value = "job")]
    name: String,
    /// The queue whose name and settings the job gets [default: the first one that the
    /// plugin serves].
    #[arg(long)]
    queue: Option<String>,
    /// The job's id.
    #[arg(long, default_value = "run")]
    id: String,
    /// Stop the job after this time (500ms, 30s) [default: the queue's timeout].
    #[arg(long, value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Answer the plugin's HTTP requests locally; see `runner outbox`.
    #[arg(long)]
    outbox: bool,
}

/// How often new log lines and progress are shown.
const SHOW: Duration = Duration::from_millis(100);

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let data = super::add::payload(&self.data)?;
        let loaded = cli.load_for_trial()?;
        let config = &loaded.config;
        let (name, file) = super::plugin::named(config, &self.plugin)?;
        let mut place = trial::place(&loaded, self.queue.as_deref(), &name, &self.name)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Exit::failed)?;
        let mut http = Http::new(runtime.handle().clone());
        if self.outbox {
            let rules = cli.config.with_file_name(outbox::RULES);
            let outbox = Outbox::new(&cli.data(), rules).map_err(Exit::failed)?;
            http = http.with_outbox(Arc::new(outbox));
        }
        let (engine, _) = plugin::engine()?;
        let host = Host::new(engine, http, config.runtime.scratch()).map_err(Exit::failed)?;
        let bench = Bench::new(host, &trial::only(config, &file, &name));
        let plugin = bench.plugin(&name)?;
        let settings = &mut place.settings;
        settings.timeout = self.timeout.unwrap_or(settings.timeout);
        settings.plugin = Some(name);
        if settings.contract.is_none() {
            settings.contract = trial::own(&plugin, &self.name);
        }
        let job = trial::job(&self.id, &self.name, data, 1, place.attempts);
        let attempt = place.attempt(job);
        let outcome = runtime.block_on(attend(&bench.executor()?, attempt, &place.settings))?;
        for effect in bench.host.take_recorded() {
            self.show(config, &place.queue, effect);
        }
        end(outcome)
    }

    /// Show what would be in Redis now, covered as `runner job` covers it.
    fn show(&self, config: &Config, queue: &str, effect: Effect) {
        let added = |queue: String, job: NewJob| {
            let data = Cover::of(config, &queue).payload(&job.name, job.data);
            format!("{queue} {} {data}", job.name)
        };
        let (what, text) = match effect {
            Effect::Added(queue, job) => ("added", added(queue, *job)),
            Effect::Child(queue, job) => ("added child", added(queue, *job)),
            Effect::Data(data) => ("data", Cover::of(config, queue).payload(&self.name, data)),
            Effect::Checkpoint(step, value) => ("checkpoint", format!("{step} {value}")),
        };
        output::say([dim(what), plain(text)]);
    }
}

/// Run the attempt and show what it says meanwhile.
async fn attend(
    executor: &Executor,
    attempt: Arc<Attempt>,
    settings: &JobSettings,
) -> Result<Outcome> {
    let (sender, mut receiver) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    executor.start(attempt.clone(), settings.clone(), move |_, _, outcome| {
        let sender = sender.lock().ok().and_then(|mut sender| sender.take());
        // The receiver waits until then.
        let _ = sender.map(|sender| sender.send(outcome));
    });
    let mut tick = tokio::time::interval(SHOW);
    loop {
        let ended = tokio::select! {
            outcome = &mut receiver => Some(outcome.map_err(Exit::failed)?),
            _ = tick.tick() => None,
        };
        let notes = attempt.take_notes();
        for line in notes.logs {
            output::say(line);
        }
        if let Some(progress) = notes.progress {
            output::say([dim("progress"), plain(progress)]);
        }
        if let Some(outcome) = ended {
            return Ok(outcome);
        }
    }
}

fn end(outcome: Outcome) -> Result {
    let failed = |what: &str, failure: Failure| {
        let mut message = format!("{what}: {}", failure.reason);
        for frame in failure.frames {
            message.push_str("\n    at ");
            message.push_str(&frame);
        }
        Err(Exit::failed(message))
    };
    match outcome {
        Outcome::Completed(value) => {
            output::line(value);
            Ok(())
        }
        Outcome::Retry {
            failure,
            delay: None,
        } => failed("the attempt failed and would be retried", failure),
        Outcome::Retry {
            failure,
            delay: Some(delay),
        } => {
            let delay = units::duration(delay);
            failed(
                &format!("the attempt failed and would be retried after {delay}"),
                failure,
            )
        }
        Outcome::Rejected(failure) => failed("the job was rejected", failure),
        Outcome::Snoozed { delay, reason } => Err(Exit::failed(format!(
            "the job was snoozed for {}: {reason}",
            units::duration(delay)
        ))),
        Outcome::WaitingChildren => Err(Exit::failed(
            "the job would wait for its children; nothing runs them here",
        )),
        Outcome::RateLimited { delay, reason } => Err(Exit::failed(format!(
            "the queue would be rate limited for {}: {reason}",
            units::duration(delay)
        ))),
        Outcome::Released | Outcome::Moved(_) | Outcome::Lost => {
            Err(Exit::failed("the attempt was interrupted"))
        }
    }
}
