//! All scripts of a process that serves, for those who must know what it runs.

use crate::queue::add::ADD;
use crate::queue::add::flow::FLOW;
use crate::queue::add::schedule::SCHEDULE;
use crate::queue::add::schedule::declare::ARM;
use crate::queue::add::schedule::read::SCHEDULERS;
use crate::queue::dead::copy::BURY;
use crate::queue::hold::cancel::FAIL;
use crate::queue::hold::expire::OLDEST;
use crate::queue::hold::heartbeat::BEAT;
use crate::queue::hold::recover::HELD;
use crate::queue::hold::recover::REAP;
use crate::queue::hold::recover::RECOVER;
use crate::queue::hold::renew::RENEW;
use crate::queue::look::brief::BRIEF;
use crate::queue::operate::remove::REMOVE;
use crate::queue::wire::script::Script;
use crate::queue::work::gate::UNPARK;
use crate::queue::work::note::NOTE;
use crate::queue::work::note::WRITE;
use crate::queue::work::settle::SETTLE_GATED;

/// Those that `runner serve` runs of itself.
pub(in crate::queue) static SERVING: [&Script; 19] = [
    &SETTLE_GATED,
    &UNPARK,
    &FAIL,
    &OLDEST,
    &RENEW,
    &RECOVER,
    &BEAT,
    &REAP,
    &NOTE,
    &WRITE,
    &HELD,
    &ADD,
    &FLOW,
    &BURY,
    &REMOVE,
    &BRIEF,
    &SCHEDULE,
    &SCHEDULERS,
    &ARM,
];
