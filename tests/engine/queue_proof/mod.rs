//! Random sequences over two real queues with four workers, after each step of
//! which Redis must hold exactly what the model of BullMQ's rules says, and the
//! invariants of the engine must hold:
//!
//! - I1 every job is in exactly one list or set, or went by its keep policy
//! - I2 a job is locked only while it is active, and none stays active for ever
//! - I3 a failed job was started, or its reason says why it was not
//! - I4 one attempt at a time holds a job
//! - I5 the return value is that of the attempt that held the lock at the end
//! - I6 work for a worker that waits wakes it
//! - I7 no more starts in a window than its limit
//! - I8 every id has its hash, every score decodes
//! - I9 who takes less than was wanted, for whatever reason, knows when the next
//!   delayed job is due
//!
//! `RUNNER_PROOF=10000` sets the number of sequences (`make proof`).

mod model;
mod redis_state;
mod steps;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use runner::config::{self, Limiter};
use runner::outcome::Outcome;
use runner::queue::{Attempt, Batch, InFlight, NewJob, Queue, Settled, Settlement};

use self::model::{AGE, CHILD_FAILED, Deduplication, End, Link, MAX_STALLED, Model, New, Policy};
use self::redis_state::State;
use self::steps::{Leaf, Step, sequences};
use self::world::World;
use crate::support::engine::{Engine, config, echo, failed};
use crate::support::{Redis, env};

const QUEUES: [&str; 2] = ["orders", "mails"];
const HOUR: Duration = Duration::from_secs(3600);

/// A database of the shared server for this test alone.
fn database(number: u8) -> (Redis, String) {
    let redis = Redis::shared();
    let url = format!("{}/{number}", redis.url());
    (redis, url)
}

/// Two worker processes with two queues each, on an empty Redis.
struct Real {
    redis: redis::Connection,
    engines: Vec<Engine>,
}

impl Real {
    fn new(number: u8) -> Real {
        let (_redis, url) = database(number);
        let engine = || Engine::over(&url, "bull", Duration::from_secs(30), echo);
        Real {
            redis: redis::Client::open(url.as_str())
                .unwrap()
                .get_connection()
                .unwrap(),
            engines: vec![engine(), engine()],
        }
    }

    fn run<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.redis).unwrap()
    }

    fn world(&mut self, v5: bool) -> World {
        self.run::<()>(&["FLUSHDB"]);
        let version = if v5 { "bullmq:5.0.0" } else { "bullmq:6.0.0" };
        for queue in QUEUES {
            self.run::<()>(&["HSET", &format!("bull:{queue}:meta"), "version", version]);
        }
        let worker = |(number, engine): (usize, &Engine)| {
            let mut shared = engine.shared.clone();
            shared.runner = format!("w{number}");
            shared.runtime = Arc::new(config::Runtime {
                max_stalled: MAX_STALLED,
                ..(*shared.runtime).clone()
            });
            QUEUES
                .iter()
                .map(|queue| shared.queue(&config(queue, 10)))
                .collect()
        };
        World {
            workers: self.engines.iter().enumerate().map(worker).collect(),
            in_flight: vec![vec![Vec::new(); 2]; 2],
            model: Model::new(&QUEUES.map(|queue| format!("bull:{queue}:"))),
            v5,
            window: vec![(0, 0); 2],
            must_fail: BTreeSet::new(),
            values: BTreeMap::new(),
        }
    }

    fn step(&mut self, world: &mut World, step: &Step) -> Result<(), String> {
        let runtime = self.engines[0].runtime.handle().clone();
        runtime.block_on(world.step(step, &mut self.redis))
    }

    /// Run a sequence, then let everything end.
    fn hold(&mut self, v5: bool, steps: &[Step]) -> Result<(), String> {
        let mut world = self.world(v5);
        for (n, step) in steps.iter().enumerate() {
            let place = |wrong: String| format!("step {n}, {step:?}: {wrong}");
            self.step(&mut world, step).map_err(place)?;
        }
        for step in steps::settle_down() {
            self.step(&mut world, &step)
                .map_err(|wrong| format!("while it settles down, {step:?}: {wrong}"))?;
        }
        while world.more_to_do() {
            for step in steps::round() {
                self.step(&mut world, &step)
                    .map_err(|wrong| format!("to the end, {step:?}: {wrong}"))?;
            }
        }
        world.nothing_is_left()
    }
}

/// A sequence that was found, kept.
#[track_caller]
fn holds(database: u8, steps: &[Step]) {
    for v5 in [false, true] {
        if let Err(why) = Real::new(database).hold(v5, steps) {
            panic!("{why}");
        }
    }
}

fn child(policy: Policy) -> (Leaf, Vec<Leaf>) {
    let leaf = Leaf {
        queue: 1,
        new: New::default(),
        policy,
    };
    (leaf, Vec::new())
}

#[test]
fn a_parent_that_runs_while_its_child_fails_it_does_not_complete() {
    let children = vec![child(Policy::Continue), child(Policy::Fail)];
    holds(
        8,
        &[
            Step::Flow(0, New::default(), children),
            Step::Work(0, 1, vec![], 2),
            Step::Work(0, 1, vec![(0, End::Fail)], 0),
            Step::Work(0, 0, vec![], 1),
            Step::Work(0, 1, vec![(0, End::Fail)], 0),
            Step::Work(0, 0, vec![(0, End::Complete)], 0),
            Step::Work(0, 0, vec![(0, End::Complete)], 0),
        ],
    );
}

#[test]
fn random_sequences_leave_what_the_rules_say() {
    let sequences_wanted = env("RUNNER_PROOF").map_or(300, |number| {
        number.parse().expect("RUNNER_PROOF is a number")
    });
    let real = Mutex::new(Real::new(9));
    let config = Config {
        cases: sequences_wanted,
        max_shrink_iters: 4000,
        // What is found becomes a test of its own.
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&sequences(), |(v5, steps)| {
        real.lock()
            .unwrap()
            .hold(v5, &steps)
            .map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, (v5, steps))) => {
            let steps: Vec<String> = steps.iter().map(|step| format!("  {step:?},\n")).collect();
            let version = if v5 { 5 } else { 6 };
            panic!(
                "{why}\nin the layout of BullMQ {version}, after\n{}",
                steps.concat()
            );
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
