//! Which jobs `list` and `search` go through, and how many they show.

use super::scan::Scan;
use crate::cli::args::one_of;
use crate::queue::State;

#[derive(Debug, clap::Args)]
pub(super) struct Window {
    /// Only jobs in this state; repeat it for several states.
    #[arg(long, value_name = "STATE", value_parser = one_of(State::ALL))]
    state: Vec<State>,
    /// Show at most N jobs.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Look through at most N jobs.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    scan: usize,
}

impl Window {
    pub(super) fn scan(&self) -> Scan {
        Scan::new(&self.state, self.limit, self.scan)
    }
}
