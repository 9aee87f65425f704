//! A parent whose children fail, worked on through the library.

use std::time::Duration;

use runner::outcome::Outcome;

use crate::support::Redis;
use crate::support::engine::*;

#[test]
fn a_parent_whose_child_fails_it_while_it_runs_fails_at_once() {
    let redis = Redis::shared();
    let server = redis.url();
    let failed = redis.key("q", "1:unsuccessful");
    let mut engine = Engine::new(&redis, move |attempt| {
        // What the settle of the child writes, with `failParentOnFailure`.
        redis::cmd("ZADD")
            .arg(&[failed.as_str(), "1", "child"])
            .query::<()>(&mut redis::Client::open(server.as_str()).unwrap())
            .unwrap();
        echo(attempt)
    });
    engine.consume(config("q", 1));
    let id = redis.add("q", "parent", "{}", r#"{"attempts":3}"#);
    assert_eq!(redis.until_ended("q", &id), "failed");
    assert_eq!(
        redis.field("q", &id, "failedReason").as_deref(),
        Some("Cannot complete job 1 because it has at least one failed child. moveToFinished")
    );
    assert_eq!(redis.field("q", &id, "ats").as_deref(), Some("1"));
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_job_that_waits_for_children_of_which_one_failed_fails_in_bullmq_s_words() {
    let redis = Redis::shared();
    let server = redis.url();
    let failed = redis.key("q", "1:unsuccessful");
    let mut engine = Engine::new(&redis, move |_| {
        redis::cmd("ZADD")
            .arg(&[failed.as_str(), "1", "child"])
            .query::<()>(&mut redis::Client::open(server.as_str()).unwrap())
            .unwrap();
        Outcome::WaitingChildren
    });
    engine.consume(config("q", 1));
    let id = redis.add("q", "parent", "{}", "{}");
    assert_eq!(redis.until_ended("q", &id), "failed");
    assert_eq!(
        redis.field("q", &id, "failedReason").as_deref(),
        Some(
            "Cannot complete job 1 because it has at least one failed child. \
             moveToWaitingChildren"
        )
    );
    engine.stop(Duration::from_secs(5));
}
