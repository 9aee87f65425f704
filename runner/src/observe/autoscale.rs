//! How many slots a queue wants: for KEDA and whoever else starts and stops Runners.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Meters;
use crate::queue::Survey;

/// A backlog is to be gone within this many seconds.
const CLEAR: f64 = 60.0;
/// Seconds a job is taken to run of which none has run here yet.
const RUN: f64 = 1.0;

/// How many slots are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Autoscale {
    /// Slots that all queues want together.
    pub slots: u64,
    /// Jobs that could start now.
    pub depth: u64,
    /// How long the oldest of them has waited, seconds.
    pub oldest_age_seconds: f64,
    /// By queue.
    pub queues: BTreeMap<String, Wanted>,
}

/// How many slots a queue wants, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Slots.
    pub slots: u64,
    /// Jobs that could start now.
    pub depth: u64,
    /// Jobs that run.
    pub active: u64,
    /// How long the oldest job has waited, seconds.
    pub oldest_age_seconds: f64,
    /// Jobs that ended per second in the last minute: in the long run, as many as come.
    pub arrival_per_second: f64,
    /// How long one runs, seconds.
    pub run_seconds: f64,
}

impl Autoscale {
    /// What these queues want together.
    pub fn of(queues: BTreeMap<String, Wanted>) -> Autoscale {
        let ages = queues.values().map(|wanted| wanted.oldest_age_seconds);
        Autoscale {
            slots: queues.values().map(|wanted| wanted.slots).sum(),
            depth: queues.values().map(|wanted| wanted.depth).sum(),
            oldest_age_seconds: ages.fold(0.0, f64::max),
            queues,
        }
    }
}

impl Wanted {
    /// What a queue wants.
    pub fn of(queue: &str, survey: &Survey, meters: &Meters) -> Wanted {
        let rate = survey.last_minute as f64 / 60.0;
        let run = meters.mean_run(queue).unwrap_or(RUN);
        let depth = survey.depth();
        let wanted = match survey.counts.paused {
            // Nothing starts: what runs may end.
            true => survey.counts.active as f64,
            false => rate * run + depth as f64 * run / CLEAR,
        };
        let least = u64::from(depth > 0 && !survey.counts.paused);
        // No more than there are jobs for.
        let most = (depth + survey.counts.active).max((rate * run).ceil() as u64);
        Wanted {
            slots: (wanted.ceil() as u64).max(least).min(most),
            depth,
            active: survey.counts.active,
            oldest_age_seconds: survey.oldest_age() as f64 / 1000.0,
            arrival_per_second: rate,
            run_seconds: run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Counts;

    fn survey(waiting: u64, last_minute: u64) -> Survey {
        Survey {
            now: 1_000_000,
            counts: Counts {
                waiting,
                ..Counts::default()
            },
            last_minute,
            ..Survey::default()
        }
    }

    fn slots(survey: &Survey) -> u64 {
        Wanted::of("mail", survey, &Meters::default()).slots
    }

    #[test]
    fn slots_follow_the_rate_and_the_backlog_and_are_always_a_number() {
        assert_eq!(slots(&survey(0, 0)), 0);
        assert_eq!(slots(&survey(1, 0)), 1);
        // 600 jobs of a second each, to be done within a minute.
        assert_eq!(slots(&survey(600, 0)), 10);
        // Ten a second.
        assert_eq!(slots(&survey(0, 600)), 10);
        let mut paused = survey(600, 0);
        paused.counts.paused = true;
        assert_eq!(slots(&paused), 0);
    }
}
