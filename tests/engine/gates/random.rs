//! Gates under everything that is done to jobs, in no order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use runner::config::{JobSettings, Limiter, Pattern};
use runner::outcome::Outcome;
use serde_json::json;

use super::{QUEUE, Seen, assert_nothing_left, by_shop, of_shop, shop, watching};
use crate::support::engine::{Engine, settings};
use crate::support::{Redis, env, until};

// Long because it is one story: set up, disturb, look.
/// Whatever is done to the jobs meanwhile, each ends or is removed, and no limit
/// is broken.
#[test]
fn nothing_is_stranded_at_a_gate() {
    let seed = env("SEED").map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let redis = Redis::shared();
    let seen = Arc::<Mutex<Seen>>::default();
    let mut limited = by_shop(
        Some(2),
        Some(Limiter {
            max: 30,
            duration: Duration::from_millis(50),
        }),
    );
    let three = JobSettings {
        concurrency: Some(3),
        ..settings()
    };
    limited.jobs = vec![(Pattern("flaky".into()), three)];
    let start = || {
        let watch = watching(&seen, shop);
        let mut engine = Engine::new(&redis, move |attempt| {
            let outcome = watch(attempt);
            match attempt.job.id.parse::<u32>().unwrap() % 17 {
                3 if attempt.job.starts < 3 => Outcome::Snoozed {
                    delay: Duration::from_millis(5),
                    reason: String::new(),
                },
                5 if attempt.job.starts < 3 => Outcome::Released,
                7 if attempt.job.starts < 2 => Outcome::RateLimited {
                    delay: Duration::from_millis(5),
                    reason: String::new(),
                },
                _ => outcome,
            }
        });
        engine.consume(limited.clone());
        engine
    };
    let mut engines = [start(), start()];
    // The connection of an engine ends with it.
    let shared = runner::worker::Shared {
        redis: runner::queue::Redis::new(&redis.url(), redis.prefix()).unwrap(),
        ..engines[0].shared.clone()
    };
    let queue = shared.queue(&limited);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ids = Vec::new();
    for _ in 0..600 {
        let name = *random.choice(["flaky", "x"].iter()).unwrap();
        let options = json!({ "attempts": random.u8(1..3) }).to_string();
        ids.push(redis.add(QUEUE, name, of_shop(random.u8(0..4)), &options));
        let id = vec![random.choice(ids.iter()).unwrap().clone()];
        runtime.block_on(async {
            match random.u8(0..60) {
                0..5 => drop(queue.promote(&id).await.unwrap()),
                5 => drop(queue.remove(&id, false).await.unwrap()),
                6 => drop(queue.cancel(&id, "cancelled").await.unwrap()),
                7 => drop(queue.pause().await.unwrap()),
                8..11 => drop(queue.resume().await.unwrap()),
                11 => drop(queue.retry(&id, true).await.unwrap()),
                _ => {}
            }
        });
        if random.u8(0..100) == 0 {
            let engine = &mut engines[random.usize(0..2)];
            engine.stop(Duration::from_secs(20));
            *engine = start();
        }
    }
    runtime.block_on(queue.resume()).unwrap();
    for list in ["wait", "delayed", "active"] {
        redis.until_count(QUEUE, list, 0);
    }
    // A job that was removed on its way back to the front is found missing when its
    // gates are full the next time.
    for shop in (0..4).cycle().take(40) {
        redis.add(QUEUE, "flaky", of_shop(shop), "{}");
    }
    until("all to have left", || {
        let open = ["wait", "delayed", "active"].map(|list| redis.count(QUEUE, list));
        (open == [0, 0, 0]).then_some(())
    });
    for (shop, most) in &seen.lock().unwrap().most {
        assert!(*most <= 2, "{shop}: {most}");
    }
    assert_nothing_left(&redis);
}
