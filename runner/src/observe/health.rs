//! One verdict per queue: is what comes in going out, does it fail, is anybody taking?
//! Each with its cause and the next thing to do, in a sentence. `/queue/health`,
//! `runner doctor` and whatever else shows a queue say it in these words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{self, Config};
use crate::plugin::Status;
use crate::queue::{LastFailure, Server, Survey};
use crate::units;

/// A job that waits for longer is a backlog; failures within this time say how jobs fare.
const LATELY: u64 = 300_000;
/// So many failures are more than an accident.
const SEVERAL: u64 = 3;
/// Characters of a reason that are shown.
const REASON: usize = 160;

/// How grave something is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Nothing to do.
    Ok,
    /// It works, or somebody wanted it so; worth a look.
    Warning,
    /// Jobs do not get done.
    Failing,
}

impl Grade {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Ok => "ok",
            Grade::Warning => "warning",
            Grade::Failing => "failing",
        }
    }
}

/// One part of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// How grave it is.
    pub state: Grade,
    /// What is the case, in a sentence.
    pub cause: String,
    /// What to do about it; nothing when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Part {
    fn ok(cause: impl Into<String>) -> Part {
        Part {
            state: Grade::Ok,
            cause: cause.into(),
            next: None,
        }
    }

    fn warning(cause: impl Into<String>, next: impl Into<String>) -> Part {
        Part {
            state: Grade::Warning,
            cause: cause.into(),
            next: Some(next.into()),
        }
    }

    fn failing(cause: impl Into<String>, next: impl Into<String>) -> Part {
        Part {
            state: Grade::Failing,
            ..Part::warning(cause, next)
        }
    }
}

/// How a queue fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueueVerdict)]
pub struct Verdict {
    /// The queue.
    pub queue: String,
    /// The gravest of the three.
    pub state: Grade,
    /// Is what comes in going out?
    pub flow: Part,
    /// Does it fail, and by what?
    pub execution: Part,
    /// Is anybody taking?
    pub liveness: Part,
}

impl Verdict {
    /// The three parts by their names.
    pub fn parts(&self) -> [(&'static str, &Part); 3] {
        [
            ("flow", &self.flow),
            ("execution", &self.execution),
            ("liveness", &self.liveness),
        ]
    }
}

/// What verdicts are made of, for all queues.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its plugins.
    pub plugins: &'a [Status],
    /// Workers of each queue, of all processes; `None` when Redis does not tell.
    pub workers: Option<&'a BTreeMap<String, u64>>,
    /// The queues whose jobs this process takes.
    pub here: &'a BTreeSet<String>,
    /// What Redis says of itself.
    pub server: &'a Server,
}

impl Facts<'_> {
    /// How many workers take jobs of a queue: those that Redis knows, and this process.
    pub fn consumers(&self, queue: &str) -> u64 {
        let here = u64::from(self.here.contains(queue));
        let known = self
            .workers
            .and_then(|workers| workers.get(queue))
            .copied()
            .unwrap_or_default();
        match self.config.redis.presence {
            true => known.max(here),
            false => known + here,
        }
    }

    /// The verdict on a queue.
    pub fn verdict(&self, queue: &config::Queue, survey: &Survey) -> Verdict {
        let flow = self.flow(queue, survey);
        let execution = self.execution(queue, survey);
        let liveness = self.liveness(queue, survey);
        let state = flow.state.max(execution.state).max(liveness.state);
        Verdict {
            queue: queue.name.clone(),
            state,
            flow,
            execution,
            liveness,
        }
    }

    fn flow(&self, queue: &config::Queue, survey: &Survey) -> Part {
        let (name, depth) = (&queue.name, survey.depth());
        if let Some(why) = self.server.refuses() {
            return Part::failing(
                format!("Redis refuses writes: {why}"),
                "runner doctor says what to change in Redis",
            );
        }
        if survey.counts.paused {
            let since = match survey.paused_at {
                Some(at) => format!("by operator since {}", instant(at)),
                None => "by another tool".to_owned(),
            };
            let cause = format!("paused {since}; {}", wait(depth));
            return Part::warning(cause, format!("runner queue resume {name}"));
        }
        let age = units::duration(Duration::from_secs(survey.oldest_age() / 1000));
        if survey.limited_for > 0 && depth > 0 {
            let left = survey.limited_for.div_ceil(1000);
            return Part::warning(
                format!("rate limited for {left} s more; {}", wait(depth)),
                "wait, or raise its limiter",
            );
        }
        if depth == 0 || survey.oldest_age() < LATELY {
            return Part::ok(match depth {
                0 => "nothing waits".to_owned(),
                _ => format!("{}, the oldest for {age}", wait(depth)),
            });
        }
        let cause = format!("{}, the oldest for {age}", wait(depth));
        let moves = survey.lately != (0, 0);
        if survey
            .concurrency
            .is_some_and(|most| survey.counts.active >= most)
        {
            return Part::warning(
                format!("{cause}; all {} slots are taken", survey.counts.active),
                format!("raise the queue's limit: runner queue concurrency {name} N"),
            );
        }
        match moves {
            true => Part::warning(
                cause,
                "raise `concurrency`, or start another `runner serve`",
            ),
            false => Part::failing(
                format!("{cause}; none has ended for 5m"),
                format!("see liveness; runner job list {name} --state active shows what runs"),
            ),
        }
    }

    fn execution(&self, queue: &config::Queue, survey: &Survey) -> Part {
        let (completed, failed) = survey.lately;
        if failed == 0 {
            return self.outdated(queue).unwrap_or_else(|| {
                Part::ok(match completed {
                    0 => "no job has ended in the last 5m",
                    _ => "no job has failed in the last 5m",
                })
            });
        }
        let all = completed + failed;
        let cause = format!(
            "{failed} of {} failed in the last 5m{}",
            jobs(all),
            why(&survey.failures)
        );
        let name = &queue.name;
        let next = format!("runner job list {name} --state failed");
        let grave = failed >= SEVERAL && failed * 2 >= all;
        match grave {
            true => Part::failing(cause, next),
            false => Part::warning(cause, next),
        }
    }

    /// A plugin's file was refused, and an older version goes on.
    fn outdated(&self, queue: &config::Queue) -> Option<Part> {
        let (plugin, reason, serving) = self.of(queue).find_map(|plugin| {
            let serving = plugin.serving.as_ref()?;
            Some((plugin, refusal(plugin)?, serving))
        })?;
        Some(Part::warning(
            format!(
                "plugin {} refused: {reason}; {} serves on",
                plugin.name, serving.version
            ),
            format!("put a file that fits at {}", plugin.file.display()),
        ))
    }

    fn liveness(&self, queue: &config::Queue, survey: &Survey) -> Part {
        let name = &queue.name;
        let consumers = self.consumers(name);
        let unknown = self.workers.is_none();
        let taken = match (consumers, unknown) {
            (0, true) => "Redis does not tell its workers (CLIENT LIST is refused)".to_owned(),
            (1, _) => "1 worker".to_owned(),
            (count, _) => format!("{count} workers"),
        };
        let waits = survey.depth() > 0;
        if !queue.is_consumed() {
            return match consumers == 0 && waits && !unknown {
                true if self.takes_letters(name) => Part::warning(
                    format!("{} to look at", units::count(survey.depth(), "dead letter")),
                    format!("runner dlq list {name}"),
                ),
                true => Part::warning(
                    format!(
                        "{}, and no worker takes jobs of the queue",
                        wait(survey.depth())
                    ),
                    format!("start the program that consumes it, or give [queues.{name}] a plugin"),
                ),
                false => Part::ok(format!("only declared here; {taken}")),
            };
        }
        let missing = self.of(queue).find(|plugin| plugin.serving.is_none());
        if let Some(plugin) = missing {
            let file = plugin.file.display();
            return match refusal(plugin) {
                Some(reason) => Part::failing(
                    format!("plugin {} refused: {reason}", plugin.name),
                    format!("put a file that fits at {file}; the queue starts by itself"),
                ),
                None => Part::warning(format!("plugin {} is loading", plugin.name), "wait"),
            };
        }
        if let Some((plugin, why)) = self
            .of(queue)
            .find_map(|plugin| Some((&plugin.name, plugin.unreached.as_ref()?)))
        {
            return Part::failing(
                format!("a database of plugin {plugin} does not answer: {why}"),
                "start it, or mend its URL; the queue starts by itself",
            );
        }
        if consumers == 0 && !unknown {
            let cause = "no worker takes its jobs";
            return Part::failing(cause, "start `runner serve` with this configuration");
        }
        match unrouted(survey) {
            Some(names) => Part::warning(
                format!("no worker for names {names}"),
                format!("give them a plugin: [queues.{name}.jobs.\"…\"] plugin = \"…\""),
            ),
            None => Part::ok(taken),
        }
    }

    /// Whether jobs of some queue go there when they have failed for good.
    fn takes_letters(&self, name: &str) -> bool {
        let mut queues = self.config.queues.values();
        queues.any(|from| {
            let jobs = from.jobs.iter().map(|(_, settings)| settings);
            let mut letters = jobs
                .chain([&from.base])
                .filter_map(|settings| settings.dead_letter.as_ref());
            letters.any(|letter| letter.queue == name)
        })
    }

    fn of(&self, queue: &config::Queue) -> impl Iterator<Item = &Status> {
        let named = |plugin: &&Status| queue.plugins().any(|name| name == plugin.name);
        self.plugins.iter().filter(named)
    }
}

/// Names of jobs that failed lately because nothing handles them.
fn unrouted(survey: &Survey) -> Option<String> {
    let failed = survey.failures.iter();
    let failed = failed.filter(|failure| {
        failure.cause == "unrouted" && survey.now.saturating_sub(failure.at) < LATELY
    });
    let mut names: Vec<&str> = failed.map(|failure| failure.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What most of these failures have in common, and what the last of them said.
fn why(failed: &[LastFailure]) -> String {
    let most = |of: fn(&LastFailure) -> &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in failed.iter().map(of) {
            *counts.entry(text).or_default() += usize::from(!text.is_empty());
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map_or("", |(text, _)| text).to_owned()
    };
    let mut text = String::new();
    for (before, word) in [
        (", mostly by", most(|failure| &failure.cause)),
        (" in", most(|failure| &failure.plugin)),
        (" on", most(|failure| &failure.runner)),
    ] {
        if !word.is_empty() {
            text.push_str(&format!("{before} {word}"));
        }
    }
    // What other workers wrote may hold what people should not read here.
    if let Some(last) = failed.first().filter(|last| !last.plugin.is_empty()) {
        text.push_str(&format!(": {}", short(&last.reason)));
    }
    text
}

/// Why a plugin's file does not serve, in a line.
fn refusal(plugin: &Status) -> Option<String> {
    let refusal = plugin.refusal.as_ref()?.to_string();
    Some(short(&refusal))
}

/// The beginning of a text, on one line.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn wait(count: u64) -> String {
    match count {
        1 => "1 job waits".to_owned(),
        count => format!("{count} jobs wait"),
    }
}

fn jobs(count: u64) -> String {
    match count {
        1 => "1 job".to_owned(),
        count => format!("{count} jobs"),
    }
}

/// A moment of Redis' clock, for people.
fn instant(millis: u64) -> String {
    let moment = i64::try_from(millis).ok();
    let moment = moment.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    moment.map_or_else(String::new, |moment| {
        moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    })
}
