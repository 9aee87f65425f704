//! Something that is done to many jobs, as it is asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::act::Act;
use super::all::All;
use crate::verbs::filter::Filter;

/// Something that is done to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Verb)]
pub enum Verb {
    /// Let failed jobs run again; completed ones too if the filter or `states` says so.
    Retry,
    /// Let delayed jobs start now.
    Promote,
    /// Fail jobs that wait or run.
    Cancel,
    /// Remove jobs.
    Remove,
    /// Add jobs again.
    Duplicate,
}

/// What is done to which jobs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Many)]
pub struct Many {
    /// What is done.
    pub action: Verb,
    /// To the jobs of these ids, a thousand at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub ids: Option<Vec<String>>,
    /// Or to all jobs that match this query; an empty one matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// With a filter: only in these states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// With a filter: to at most so many in this call, 1 to 10000; 1000 if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10000)]
    pub limit: Option<u64>,
    /// With a filter: where the last call stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// With a filter: only count.
    #[serde(default, skip_serializing_if = "is_not")]
    pub dry_run: bool,
    /// With `retry`: count their attempts from zero.
    #[serde(default, skip_serializing_if = "is_not")]
    pub reset_attempts: bool,
    /// With `cancel`: recorded as the reason for the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `cancel`: wait until those that run have stopped, 5 s for each eight of them
    /// at most.
    #[serde(default, skip_serializing_if = "is_not")]
    pub wait: bool,
    /// With `remove`: their children stay.
    #[serde(default, skip_serializing_if = "is_not")]
    pub keep_children: bool,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

impl Many {
    /// This, done to nothing yet.
    fn of(act: &Act) -> Many {
        let mut many = Many {
            action: act.verb(),
            ids: None,
            filter: None,
            states: Vec::new(),
            limit: None,
            cursor: None,
            dry_run: false,
            reset_attempts: false,
            reason: None,
            wait: false,
            keep_children: false,
        };
        match act {
            Act::Retry { reset } => many.reset_attempts = *reset,
            Act::Cancel { reason, wait } => {
                many.reason.clone_from(reason);
                many.wait = *wait;
            }
            Act::Remove { keep_children } => many.keep_children = *keep_children,
            Act::Promote | Act::Duplicate => {}
        }
        many
    }

    /// This, done to the jobs of these ids.
    pub fn named(act: &Act, ids: &[String]) -> Many {
        Many {
            ids: Some(ids.to_vec()),
            ..Many::of(act)
        }
    }

    /// This, done to all that a filter matches.
    pub fn all(act: &Act, what: &All) -> Many {
        let states = what.states.iter().map(|state| state.name().to_owned());
        Many {
            filter: Some(what.filter.clone()),
            states: states.collect(),
            limit: what.limit,
            cursor: what.cursor.clone(),
            dry_run: what.dry_run,
            ..Many::of(act)
        }
    }

    /// What is done.
    pub fn act(&self) -> Act {
        match self.action {
            Verb::Retry => Act::Retry {
                reset: self.reset_attempts,
            },
            Verb::Promote => Act::Promote,
            Verb::Cancel => Act::Cancel {
                reason: self.reason.clone(),
                wait: self.wait,
            },
            Verb::Remove => Act::Remove {
                keep_children: self.keep_children,
            },
            Verb::Duplicate => Act::Duplicate,
        }
    }
}

impl Verb {
    /// As the audit list has it.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Retry => "retry",
            Verb::Promote => "promote",
            Verb::Cancel => "cancel",
            Verb::Remove => "remove",
            Verb::Duplicate => "duplicate",
        }
    }
}

impl Act {
    fn verb(&self) -> Verb {
        match self {
            Act::Retry { .. } => Verb::Retry,
            Act::Promote => Verb::Promote,
            Act::Cancel { .. } => Verb::Cancel,
            Act::Remove { .. } => Verb::Remove,
            Act::Duplicate => Verb::Duplicate,
        }
    }
}
