//! The search language: `name:email-* data.shopId:7 error:timeout since:2h`.
//!
//! One grammar for `search`, `list` and every verb that acts on what a filter matches,
//! in the command line and in the API; `docs/search.md` is its reference. Knows jobs as
//! a [`Subject`], and asks Redis nothing.

mod fault;
mod json;
mod number;
mod parse;
mod term;
mod time;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

pub use self::fault::Fault;
use self::term::{Term, What};
use self::value::Word;
use crate::queue::{Field, Found, State};

/// Which jobs are meant. The one of an empty query matches every job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// The cheapest first.
    terms: Vec<Term>,
    /// As it is written.
    shown: String,
}

/// A job as a filter sees it. What is not known is empty.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its queue.
    pub queue: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Where it is.
    pub state: State,
    /// Its payload, JSON text: covered, if who asks may not see all of it.
    pub data: &'a str,
    /// Its result, JSON text: covered likewise.
    pub result: &'a str,
    /// Why it failed last.
    pub reason: &'a str,
    /// One entry per failure.
    pub traces: &'a [String],
    /// What its last failure is counted as.
    pub cause: &'a str,
    /// Attempts that have ended.
    pub attempts: u32,
    /// When it was added, ms since 1970.
    pub added: u64,
    /// When it was started last.
    pub started: Option<u64>,
    /// When it ended.
    pub ended: Option<u64>,
    /// The plugin that ran it last: `otp@a1b2c3d4e5f6`.
    pub plugin: &'a str,
    /// The process that ran it last.
    pub runner: &'a str,
}

impl<'a> Subject<'a> {
    /// A job of this queue as it is stored.
    pub fn of(queue: &'a str, job: &'a Found) -> Subject<'a> {
        fn text(text: &Option<String>) -> &str {
            text.as_deref().unwrap_or_default()
        }
        Subject {
            queue,
            id: &job.id,
            name: &job.name,
            state: job.state,
            data: &job.data,
            result: text(&job.returnvalue),
            reason: text(&job.failed_reason),
            traces: &job.stacktrace,
            cause: text(&job.cause),
            attempts: job.attempts_made,
            added: job.added_at,
            started: job.processed_on,
            ended: job.finished_on,
            plugin: text(&job.plugin),
            runner: text(&job.processed_by),
        }
    }

    /// When something happened to it last: its end, its last start, or that it was
    /// added.
    fn last(&self) -> u64 {
        self.ended.or(self.started).unwrap_or(self.added)
    }
}

impl Filter {
    /// Whether every job matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a job matches at `now`, ms since 1970.
    pub fn matches(&self, job: &Subject<'_>, now: u64) -> bool {
        self.terms.iter().all(|term| term.holds(job, now))
    }

    /// The states in which jobs can match.
    pub fn states(&self) -> Vec<State> {
        let can = |state: &State| {
            self.terms.iter().all(|term| match &term.what {
                What::State(states) => states.contains(state) != term.negated,
                _ => true,
            })
        };
        State::ALL.into_iter().filter(can).collect()
    }

    /// Whether it says in which states.
    pub fn names_state(&self) -> bool {
        let is_state = |term: &Term| matches!(term.what, What::State(_));
        self.terms.iter().any(is_state)
    }

    /// Whether jobs of a queue can match.
    pub fn covers(&self, queue: &str) -> bool {
        self.terms.iter().all(|term| match &term.what {
            What::Queue(words) => words.iter().any(|word| word.is(queue)) != term.negated,
            _ => true,
        })
    }

    /// The ids of the only jobs that can match, if it names them.
    pub fn ids(&self) -> Option<Vec<&str>> {
        self.terms.iter().find_map(|term| match &term.what {
            What::Id(words) if !term.negated => words.iter().map(Word::exact).collect(),
            _ => None,
        })
    }

    /// When the last thing that happened to a job that matches can have been: no
    /// earlier and no later, ms since 1970.
    pub fn window(&self, now: u64) -> (Option<u64>, Option<u64>) {
        let (mut since, mut until) = (None, None);
        for term in self.terms.iter().filter(|term| !term.negated) {
            let at = |at: i64| Some(u64::try_from(at).unwrap_or_default());
            match &term.what {
                What::Since(when) => since = since.max(at(when.first(now))),
                What::Until(when) => {
                    let end = at(when.last(now));
                    until = until.map_or(end, |until| end.map(|end| end.min(until)));
                }
                _ => {}
            }
        }
        (since, until)
    }

    /// What must be known of a job.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for field in self.terms.iter().flat_map(|term| term.what.fields()) {
            if !fields.contains(field) {
                fields.push(*field);
            }
        }
        fields
    }
}

impl FromStr for Filter {
    type Err = Fault;

    fn from_str(query: &str) -> Result<Filter, Fault> {
        let mut terms = parse::terms(query)?;
        let shown: Vec<String> = terms.iter().map(Term::to_string).collect();
        terms.sort_by_key(|term| term.what.cost());
        Ok(Filter {
            terms,
            shown: shown.join(" "),
        })
    }
}

/// As it is written, in the same order.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Filter, D::Error> {
        let query = <Cow<'de, str>>::deserialize(from)?;
        query.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Filter {
    fn schema() -> RefOr<Schema> {
        let query = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A query of the search language (docs/search.md)."))
            .examples(["name:email-* error:timeout since:2h"]);
        query.into()
    }
}

impl ToSchema for Filter {}

#[cfg(test)]
mod tests;
