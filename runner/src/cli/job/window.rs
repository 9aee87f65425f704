//! Which jobs `list` and `search` go through, and how many they show.

use std::time::Duration;

use crate::cli::args::one_of;
use crate::queue::State;
use crate::verbs::search::Bounds;

#[derive(Debug, clap::Args)]
pub(super) struct Window {
    /// Only jobs in this state; repeat it for several states.
    #[arg(long, value_name = "STATE", value_parser = one_of(State::ALL))]
    pub(super) state: Vec<State>,
    /// Show at most N jobs.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: u32,
    /// Look through at most N jobs.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) scan: u64,
    /// Go on where an earlier search stopped: the cursor that it printed.
    #[arg(long)]
    pub(super) cursor: Option<String>,
}

impl Window {
    /// Whoever waits at a terminal can end it.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            limit: self.limit as usize,
            scan: self.scan,
            time: Duration::MAX,
        }
    }
}
