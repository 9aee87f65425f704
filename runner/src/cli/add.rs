//! `runner add`: add a job, and with `--wait` follow it to its end; or add the jobs of a
//! file.

mod from;

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::remote::{Added, Client, Place, routes};
use super::terminal::follow::{self, Happening};
use super::terminal::output;
use super::{Cli, Exit, Result, args};
use crate::config::{Backoff, PRIORITY_LIMIT};
use crate::contract::is_json;
use crate::queue::{Adder, State};
use crate::redact::Redactor;
use crate::verbs::Here;
use crate::verbs::add::{self, Addition, Instead, New, Options, Same, Span, Waits};
use crate::verbs::cover::Cover;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  runner add orders invoice '{\"to\":\"ada@example.com\"}' --delay 5m
  runner add orders invoice @invoice.json --wait --timeout 1m
  runner add orders --from jobs.ndjson")]
pub(super) struct Args {
    /// A queue of queues.toml.
    queue: String,
    /// The job's name.
    #[arg(required_unless_present = "from")]
    name: Option<String>,
    /// The payload: JSON text, @FILE, or - for standard input.
    #[arg(default_value = "{}")]
    data: String,
    /// Add the jobs of this file, or - for standard input: a line each, or an array, as
    /// {"name": …, "data": …, "opts": {…}}. What became of each is printed; NAME is that
    /// of jobs without one. Exits with 1 if any was refused.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "data", "id", "delay", "priority", "lifo", "attempts", "backoff", "size_limit", "dedup_id", "wait",
    ])]
    from: Option<PathBuf>,
    /// The job's id [default: the next number]. If a job already has it, nothing is added.
    #[arg(long)]
    id: Option<String>,
    /// Wait before the job may start: 30s, 5m, 2h.
    #[arg(long, value_parser = humantime::parse_duration)]
    delay: Option<Duration>,
    /// From 1 (first) to 2097151 (last); 0 comes before all of them.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(PRIORITY_LIMIT)))]
    priority: u32,
    /// Put the job ahead of the waiting ones.
    #[arg(long)]
    lifo: bool,
    /// How many times the job may be attempted [default: that of the queue].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
    /// The wait between attempts, such as fixed:1s or exponential:1s [default: that of the queue].
    #[arg(long, value_parser = args::backoff)]
    backoff: Option<Backoff>,
    /// Refuse a payload larger than this.
    #[arg(long, value_name = "BYTES")]
    size_limit: Option<u64>,
    /// Deduplicate: add no second job with this id until the first has ended.
    #[arg(long, value_name = "ID")]
    dedup_id: Option<String>,
    /// Deduplicate for this long instead: 30s, 5m.
    #[arg(long, value_name = "TIME", requires = "dedup_id", value_parser = humantime::parse_duration)]
    dedup_ttl: Option<Duration>,
    /// Restart that time with each further job.
    #[arg(long, requires = "dedup_ttl")]
    dedup_extend: bool,
    /// Replace the first job while it is delayed.
    #[arg(long, requires = "dedup_id")]
    dedup_replace: bool,
    /// Keep the last job that arrives while the first is running, and add it afterwards.
    #[arg(long, requires = "dedup_id")]
    dedup_keep_last: bool,
    /// While the first job is delayed, give it the delay of this one.
    #[arg(long, requires = "dedup_id")]
    dedup_reschedule: bool,
    /// Follow the job: progress and logs on stderr, the result on stdout. Exits with
    /// 1 if the job fails.
    #[arg(long, short)]
    wait: bool,
    /// Give up waiting after this time (30s, 5m) and exit with 124.
    #[arg(long, requires = "wait", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        if let Some(file) = &self.from {
            return from::run(cli, &self.queue, self.name.clone(), file);
        }
        let name = self.name.clone().unwrap_or_default();
        let data = payload(&self.data)?;
        let new = New {
            name: Some(name),
            data,
            options: self.options(),
            ..New::default()
        };
        super::block_on(async {
            match Place::of(cli, Cli::load).await? {
                Place::Here(here) => self.here(cli, &here, new).await,
                Place::There(client) => self.there(cli, &client, new).await,
            }
        })
    }

    async fn here(&self, cli: &Cli, here: &Here, new: New) -> Result {
        let declared = here.declared(&self.queue)?;
        let queue = here.queue(&self.queue);
        let name = new.name.as_deref().unwrap_or_default();
        let says = Cover::of(&here.config, &self.queue).redactor(name, &new.data);
        let before = queue.last_event().await?;
        let addition = add::add(&Adder::new(queue.clone()), declared, new).await?;
        if !self.is_followed(cli, &addition)? {
            return Ok(());
        }
        let mut unserved = !declared.is_consumed();
        let mut watch = queue.watch(&addition.job_id, before).await?;
        let next = async || match std::mem::take(&mut unserved) {
            true => Ok(Happening::Unserved),
            false => Ok(Happening::Job(watch.next().await?)),
        };
        let id = &addition.job_id;
        follow::to_end(&self.queue, id, self.timeout, &says, next).await
    }

    async fn there(&self, cli: &Cli, client: &Client, new: New) -> Result {
        let route = routes::add(&self.queue, new);
        if !self.wait {
            self.print_added(cli, &client.ask(route).await?);
            return Ok(());
        }
        let Added {
            addition,
            mut following,
        } = client.add_and_follow(route).await?;
        self.is_followed(cli, &addition)?;
        let next = async || following.next().await;
        let (id, says) = (&addition.job_id, Redactor::default());
        follow::to_end(&self.queue, id, self.timeout, &says, next).await
    }

    /// Whether the end of the job is waited for; else what became of it is printed.
    fn is_followed(&self, cli: &Cli, addition: &Addition) -> Result<bool> {
        if !self.wait {
            self.print_added(cli, addition);
        } else if let Some(instead) = addition.instead {
            self.stands(addition, instead)?;
        }
        Ok(self.wait)
    }

    fn options(&self) -> Options {
        let span = |time: Option<Duration>| Span(time.map_or(0, |time| time.as_millis() as u64));
        Options {
            job_id: self.id.clone(),
            delay: span(self.delay),
            priority: self.priority,
            lifo: self.lifo,
            attempts: self.attempts,
            backoff: self.backoff.map(Waits),
            size_limit: self.size_limit,
            deduplication: self.dedup_id.clone().map(|id| Same {
                id,
                ttl: span(self.dedup_ttl),
                extend: self.dedup_extend,
                replace: self.dedup_replace,
                keep_last_if_active: self.dedup_keep_last,
                reschedule: self.dedup_reschedule,
            }),
            ..Options::default()
        }
    }

    fn print_added(&self, cli: &Cli, addition: &Addition) {
        let Addition {
            job_id: id,
            instead,
            ..
        } = addition;
        if cli.json {
            output::json(&json!({
                "id": id,
                "queue": self.queue,
                "name": addition.name,
                "added": instead.is_none(),
                "instead": instead,
            }));
            return;
        }
        output::line(id);
        match instead {
            Some(instead) => output::say(self.not_added(addition, *instead)),
            None => output::hint(&format!("runner job get {} {id}", self.queue)),
        }
    }

    /// Why there is nothing new, for people.
    fn not_added(&self, addition: &Addition, instead: Instead) -> String {
        let Addition {
            job_id: id, state, ..
        } = addition;
        // A deduplication id may outlive its job.
        let state = match state.as_str() {
            state if state == State::Unknown.name() => "gone",
            state => state,
        };
        match instead {
            Instead::Known => format!(
                "nothing was added: job {id:?} already exists ({state}) and keeps its payload"
            ),
            Instead::Deduplicated => format!(
                "nothing was added: job {id:?} ({state}) stands for the deduplication id {:?}",
                self.dedup_id.as_deref().unwrap_or_default()
            ),
            Instead::Kept => format!(
                "nothing was added yet: this one follows job {id:?}, which is running, unless \
                 another comes after it"
            ),
        }
    }

    /// Whether the job that is there instead can be waited for: the result of one
    /// that has ended is not that of this payload.
    fn stands(&self, addition: &Addition, instead: Instead) -> Result {
        let text = self.not_added(addition, instead);
        let ended = [State::Completed, State::Failed, State::Unknown].map(State::name);
        match instead {
            Instead::Kept => Err(Exit::failed(text)),
            _ if ended.contains(&addition.state.as_str()) => Err(Exit::failed(format!(
                "{text}; see runner job get {} {}",
                self.queue, addition.job_id
            ))),
            _ => {
                output::say(format!("{text}; waiting for that one"));
                Ok(())
            }
        }
    }
}

/// The payload argument as JSON text.
pub(super) fn payload(argument: &str) -> Result<String> {
    let (text, origin) = match argument.strip_prefix('@') {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Exit::usage(format!("cannot read {path:?}: {error}")))?;
            (text, format!("{path:?}"))
        }
        None if argument == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Exit::usage(format!("cannot read standard input: {error}")))?;
            (text, "standard input".to_owned())
        }
        None => (argument.to_owned(), "the payload".to_owned()),
    };
    match is_json(&text) {
        Ok(()) => Ok(text),
        Err(fault) => Err(Exit::usage(format!(
            "{origin} {fault}; quote it for the shell, as in '{{\"name\":\"Ada\"}}'"
        ))),
    }
}
