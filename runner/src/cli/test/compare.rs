//! What happened beside what was expected.

use serde_json::Value;

use super::cases::{Added, Ending, Expect, Request};
use super::sql;
use super::within::within;
use crate::config::Pattern;
use crate::host::{Asked, Effect};
use crate::outbox::Entry;
use crate::outcome::Outcome;

/// What became of a case.
pub(super) struct Happened {
    pub(super) outcome: Outcome,
    pub(super) requests: Vec<Entry>,
    pub(super) statements: Vec<Asked>,
    pub(super) effects: Vec<Effect>,
    pub(super) logs: Vec<String>,
}

impl Happened {
    /// All that is not as expected, a line each.
    pub(super) fn differences(&self, expect: &Expect) -> Vec<String> {
        let mut found = Vec::new();
        let (ending, reason, delay) = ended(&self.outcome);
        if ending != Some(expect.outcome) {
            let shown = ending.map_or("interrupted", Ending::word);
            found.push(format!(
                "outcome: expected {}, found {shown}{}",
                expect.outcome.word(),
                reason.map_or(String::new(), |reason| format!(": {reason}"))
            ));
            return found;
        }
        if let (Some(expected), Outcome::Completed(text)) = (&expect.result, &self.outcome) {
            let result = serde_json::from_str(text).unwrap_or(Value::Null);
            within("result", expected, &result, &mut found);
        }
        if let Some(expected) = &expect.reason {
            let reason = reason.unwrap_or_default();
            if !Pattern(expected.clone()).matches(reason) {
                found.push(format!("reason: expected {expected:?}, found {reason:?}"));
            }
        }
        if let Some(expected) = expect.delay
            && delay != Some(expected)
        {
            let delay = delay.map_or("none".to_owned(), |delay| delay.to_string());
            found.push(format!("delay: expected {expected} ms, found {delay}"));
        }
        if let Some(expected) = &expect.requests {
            self.requests(expected, &mut found);
        }
        if let Some(expected) = &expect.statements {
            sql::compare(expected, &self.statements, &mut found);
        }
        if let Some(expected) = &expect.added {
            self.added(expected, &mut found);
        }
        for expected in &expect.logs {
            if !self.logs.iter().any(|line| line.contains(expected)) {
                found.push(format!("logs: no line has {expected:?}"));
            }
        }
        found
    }

    fn requests(&self, expected: &[Request], found: &mut Vec<String>) {
        if expected.len() != self.requests.len() {
            let all: Vec<String> = self
                .requests
                .iter()
                .map(|request| format!("{} {}", request.method, request.url))
                .collect();
            found.push(format!(
                "requests: expected {}, found {}: {}",
                expected.len(),
                all.len(),
                all.join(", ")
            ));
            return;
        }
        for (at, (expected, request)) in expected.iter().zip(&self.requests).enumerate() {
            let place = format!("requests[{at}]");
            let mut differs = |what: &str, expected: &str, is: &str| {
                found.push(format!(
                    "{place}.{what}: expected {expected:?}, found {is:?}"
                ));
            };
            if let Some(method) = &expected.method
                && *method != request.method
            {
                differs("method", method, &request.method);
            }
            if let Some(url) = &expected.url
                && !Pattern(url.clone()).matches(&request.url)
            {
                differs("url", url, &request.url);
            }
            for (name, value) in &expected.headers {
                let field = request.headers.iter().find(|(known, _)| known == name);
                let is = field.map_or("nothing", |(_, value)| value.as_str());
                if !Pattern(value.clone()).matches(is) {
                    differs(&format!("headers.{name}"), value, is);
                }
            }
            if let Some(body) = &expected.body {
                let text = || Value::from(request.body.clone());
                let is = serde_json::from_str(&request.body).unwrap_or_else(|_| text());
                within(&format!("{place}.body"), body, &is, found);
            }
        }
    }

    fn added(&self, expected: &[Added], found: &mut Vec<String>) {
        let added: Vec<_> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Added(queue, job) | Effect::Child(queue, job) => Some((queue, job)),
                _ => None,
            })
            .collect();
        if expected.len() != added.len() {
            let all: Vec<String> = added
                .iter()
                .map(|(queue, job)| format!("{queue} {}", job.name))
                .collect();
            found.push(format!(
                "added: expected {}, found {}: {}",
                expected.len(),
                all.len(),
                all.join(", ")
            ));
            return;
        }
        for (at, (expected, (queue, job))) in expected.iter().zip(added).enumerate() {
            let place = format!("added[{at}]");
            if expected.queue != *queue {
                let wanted = &expected.queue;
                found.push(format!(
                    "{place}.queue: expected {wanted:?}, found {queue:?}"
                ));
            }
            if let Some(name) = &expected.name
                && *name != job.name
            {
                found.push(format!(
                    "{place}.name: expected {name:?}, found {:?}",
                    job.name
                ));
            }
            if let Some(data) = &expected.data {
                let is = serde_json::from_str(&job.data).unwrap_or(Value::Null);
                within(&format!("{place}.data"), data, &is, found);
            }
        }
    }
}

/// How it ended, why, and for how many milliseconds.
fn ended(outcome: &Outcome) -> (Option<Ending>, Option<&str>, Option<u64>) {
    let millis = |delay: &std::time::Duration| Some(delay.as_millis() as u64);
    match outcome {
        Outcome::Completed(_) => (Some(Ending::Completed), None, None),
        Outcome::Retry { failure, delay } => (
            Some(Ending::Retry),
            Some(&failure.reason),
            delay.as_ref().and_then(millis),
        ),
        Outcome::Rejected(failure) => (Some(Ending::Rejected), Some(&failure.reason), None),
        Outcome::Snoozed { delay, reason } => (Some(Ending::Snoozed), Some(reason), millis(delay)),
        Outcome::WaitingChildren => (Some(Ending::WaitChildren), None, None),
        Outcome::RateLimited { delay, reason } => {
            (Some(Ending::RateLimited), Some(reason), millis(delay))
        }
        Outcome::Released | Outcome::Moved(_) | Outcome::Lost => (None, None, None),
    }
}
