//! One term of a query: what a job must be like, or with `-` must not.

use std::fmt;

use super::Subject;
use super::json::{self, Step};
use super::time::When;
use super::value::{Sign, Text, Value, Version, Word};
use crate::queue::{Field, State};

/// One term.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// Whether jobs match that are not so.
    pub(super) negated: bool,
    pub(super) what: What,
    /// As it is written, without the `-`.
    pub(super) shown: String,
}

/// What a job must be like; one of several values is enough.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// In its id, name, payload or reason.
    Text(Text),
    Id(Vec<Word>),
    Name(Vec<Word>),
    Queue(Vec<Word>),
    Runner(Vec<Word>),
    Cause(Vec<Word>),
    State(Vec<State>),
    Data(Part),
    Result(Part),
    /// In its reason, or in what is kept of earlier failures.
    Error(Vec<Text>),
    Since(When),
    Until(When),
    Plugin(Vec<Version>),
    /// The `requestId` or `xRequestId` of its payload.
    Request(Vec<Word>),
    Attempts(Vec<(Sign, u64)>),
    /// Milliseconds from added to started.
    Waited(Vec<(Sign, u64)>),
    /// Milliseconds from started to ended.
    Ran(Vec<(Sign, u64)>),
}

/// Something in JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A text anywhere in it.
    Text(Vec<Text>),
    /// A value at a path.
    At(Vec<Step>, Vec<Value>),
}

impl Term {
    pub(super) fn holds(&self, job: &Subject<'_>, now: u64) -> bool {
        self.what.holds(job, now) != self.negated
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negated { "-" } else { "" };
        write!(f, "{sign}{}", self.shown)
    }
}

impl What {
    /// What must be known of a job to tell.
    pub(super) fn fields(&self) -> &'static [Field] {
        match self {
            What::Text(_) => &[Field::Name, Field::Data, Field::Reason],
            What::Id(_) | What::Queue(_) | What::State(_) => &[],
            What::Name(_) => &[Field::Name],
            What::Runner(_) => &[Field::Runner],
            What::Cause(_) => &[Field::Cause],
            What::Data(_) | What::Request(_) => &[Field::Data],
            What::Result(_) => &[Field::Result],
            What::Error(_) => &[Field::Reason, Field::Traces],
            What::Since(_) | What::Until(_) | What::Waited(_) | What::Ran(_) => {
                &[Field::Added, Field::Started, Field::Ended]
            }
            What::Plugin(_) => &[Field::Plugin],
            What::Attempts(_) => &[Field::Attempts],
        }
    }

    /// The order in which terms are tried.
    pub(super) fn cost(&self) -> u8 {
        match self {
            What::State(_) | What::Queue(_) | What::Attempts(_) => 0,
            What::Since(_) | What::Until(_) | What::Waited(_) | What::Ran(_) => 1,
            What::Id(_) | What::Name(_) | What::Runner(_) | What::Cause(_) | What::Plugin(_) => 2,
            What::Data(_) | What::Result(_) | What::Request(_) => 3,
            What::Text(_) | What::Error(_) => 4,
        }
    }

    fn holds(&self, job: &Subject<'_>, now: u64) -> bool {
        let is = |words: &[Word], text: &str| !text.is_empty() && words.iter().any(|w| w.is(text));
        let in_bounds = |bounds: &[(Sign, u64)], value: Option<u64>| {
            let value = value.as_ref();
            value.is_some_and(|value| {
                bounds
                    .iter()
                    .any(|(sign, than)| sign.holds(value.cmp(than)))
            })
        };
        let last = || i64::try_from(job.last()).unwrap_or(i64::MAX);
        match self {
            What::Text(text) => {
                let texts = [job.id, job.name, job.data, job.reason];
                texts.into_iter().any(|of| text.is_in(of))
            }
            What::Id(words) => is(words, job.id),
            What::Name(words) => words.iter().any(|word| word.is(job.name)),
            What::Queue(words) => is(words, job.queue),
            What::Runner(words) => is(words, job.runner),
            What::Cause(words) => is(words, job.cause),
            What::State(states) => states.contains(&job.state),
            What::Data(part) => part.is_in(job.data, now),
            What::Result(part) => part.is_in(job.result, now),
            What::Error(texts) => {
                let traces = job.traces.iter().map(String::as_str);
                let mut said = std::iter::once(job.reason).chain(traces);
                said.any(|said| texts.iter().any(|text| text.is_in(said)))
            }
            What::Since(when) => last() >= when.first(now),
            What::Until(when) => last() <= when.last(now),
            What::Plugin(versions) => versions.iter().any(|version| version.is(job.plugin)),
            What::Request(words) => words.iter().any(|word| has_request(job.data, word)),
            What::Attempts(bounds) => in_bounds(bounds, Some(job.attempts.into())),
            What::Waited(bounds) => {
                let waited = job.started.map(|at| at.saturating_sub(job.added));
                in_bounds(bounds, waited)
            }
            What::Ran(bounds) => {
                let times = job.started.zip(job.ended);
                in_bounds(bounds, times.map(|(from, to)| to.saturating_sub(from)))
            }
        }
    }
}

impl Part {
    fn is_in(&self, text: &str, now: u64) -> bool {
        match self {
            Part::Text(texts) => texts.iter().any(|wanted| wanted.is_in(text)),
            Part::At(path, values) => {
                // Most payloads have not even the word, and looking for it is faster than
                // reading them. Behind a `\` it may be written otherwise.
                let mut needles = values.iter().map(Value::needle);
                let could = needles.any(|needle| needle.is_none_or(|needle| has(text, needle)));
                (could || text.contains('\\'))
                    && json::any(text, path, &mut |value| {
                        values.iter().any(|wanted| wanted.is(value, now))
                    })
            }
        }
    }
}

fn has(text: &str, needle: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), needle.as_bytes()).is_some()
}

/// Whether a payload has this request id, as `requestId` or `xRequestId`.
fn has_request(data: &str, word: &Word) -> bool {
    has(data, "equestId\"")
        && ["requestId", "xRequestId"].into_iter().any(|key| {
            let path = [Step::Key(key.to_owned())];
            json::any(data, &path, &mut |value| {
                json::string(value).is_some_and(|id| word.is(&id))
            })
        })
}
