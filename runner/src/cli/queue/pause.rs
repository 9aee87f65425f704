//! `runner queue pause` and `runner queue resume`: whether workers start jobs.

use crate::cli::{Cli, output};
use crate::verbs::queues::Paused;

/// Say what the queue is now.
pub(super) fn say(cli: &Cli, answer: &Paused) {
    if cli.json {
        output::json(answer);
        return;
    }
    output::line(match (answer.paused, answer.was_paused) {
        (true, false) => "paused; running jobs go on to their end",
        (true, true) => "was already paused",
        (false, true) => "resumed",
        (false, false) => "was not paused",
    });
}
