//! Watching one job through the library: progress, log lines and its end.

use std::time::Duration;

use runner::queue;

use crate::support::engine::*;
use crate::support::{Redis, until};

#[test]
fn a_watch_sees_progress_logs_and_the_end() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, |attempt| {
        attempt.note(|notes| {
            notes.progress = Some("50".into());
            notes.logs.push("half".into());
        });
        echo(attempt)
    });
    let queue = engine.shared.queue(&config("q", 1));
    let id = redis.add("q", "x", "7", "{}");
    let begin = |engine: &Engine| {
        let watch = queue.watch(&id, "0-0".into());
        engine.runtime.block_on(watch).unwrap()
    };
    let early = begin(&engine);
    engine.consume(config("q", 1));
    let all = |engine: &Engine, mut watch: queue::Watch| {
        let mut seen = Vec::new();
        loop {
            seen.push(engine.runtime.block_on(watch.next()).unwrap());
            if matches!(
                seen.last(),
                Some(queue::Event::Completed(_) | queue::Event::Failed(_) | queue::Event::Gone)
            ) {
                return seen;
            }
        }
    };
    // The second begins when the job has ended.
    for watch in [Some(early), None] {
        let watch = watch.unwrap_or_else(|| begin(&engine));
        let seen = all(&engine, watch);
        assert_eq!(seen.last(), Some(&queue::Event::Completed("7".into())));
        assert!(seen.contains(&queue::Event::Active));
        assert!(seen.contains(&queue::Event::Progress("50".into())));
        assert!(seen.contains(&queue::Event::Log("half".into())));
    }
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_watch_sees_the_end_of_a_job_that_was_removed_with_it_before_the_watch_began() {
    let redis = Redis::shared();
    let mut engine = Engine::new(&redis, echo);
    engine.consume(config("q", 1));
    let queue = engine.shared.queue(&config("q", 1));
    let before = engine.runtime.block_on(queue.last_event()).unwrap();
    let id = redis.add("q", "x", "7", r#"{"removeOnComplete":true}"#);
    until("the job to be removed", || {
        (redis.count("q", "wait") == 0 && redis.field("q", &id, "name").is_none()).then_some(())
    });
    let last = |since: String| {
        let mut watch = engine.runtime.block_on(queue.watch(&id, since)).unwrap();
        loop {
            match engine.runtime.block_on(watch.next()).unwrap() {
                queue::Event::Active | queue::Event::Waiting(_) => {}
                end => return end,
            }
        }
    };
    assert_eq!(last(before), queue::Event::Completed("7".into()));
    let now = engine.runtime.block_on(queue.last_event()).unwrap();
    assert_eq!(last(now), queue::Event::Gone);
    engine.stop(Duration::from_secs(5));
}
