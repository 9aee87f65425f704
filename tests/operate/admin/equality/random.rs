//! Queues made by chance, and an operation made by chance on each: what no one
//! thought of as a case.

use serde_json::{Value, json};

use super::{Case, equal, of_job, queue};

/// Queues per run; each is compared for both versions.
const QUEUES: u64 = 40;

// Long because it is one list of what a queue may hold by chance.
/// What BullMQ does otherwise is left out: see the cases of `queues` and `jobs`.
fn made(seed: u64) -> Case {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut start = Vec::new();
    let mut states: Vec<(&str, String)> = Vec::new();
    let mut children = 0;
    for n in 1..=chance.u32(1..=12) {
        let id = n.to_string();
        let at = 1_600_000_000_000 + u64::from(n);
        let added = if chance.u8(..4) == 0 {
            4_000_000_000_000 + u64::from(n)
        } else {
            at
        };
        start.push(format!(
            "HSET @{id} name n data {{}} opts {{}} timestamp {added} delay 0 priority 0"
        ));
        let state = *chance
            .choice(&[
                "wait",
                "prioritized",
                "delayed",
                "active",
                "failed",
                "completed",
            ])
            .unwrap();
        match state {
            "wait" => start.push(format!("LPUSH @wait {id}")),
            "active" => start.push(format!("LPUSH @active {id}")),
            "prioritized" => {
                start.push(format!("HSET @{id} priority 2"));
                let score = 2 * 4_294_967_296_u64 + u64::from(n);
                start.push(format!("ZADD @prioritized {score} {id}"));
                start.push(format!("SET @pc {n}"));
            }
            "delayed" => {
                start.push(format!("HSET @{id} delay 60000"));
                let score = 1_700_000_000_000_u64 * 4096 + u64::from(n);
                start.push(format!("ZADD @delayed {score} {id}"));
            }
            ended => {
                start.push(format!(
                    "HSET @{id} finishedOn {at} processedOn {at} atm 1 ats 1"
                ));
                start.push(format!("ZADD @{ended} {at} {id}"));
            }
        }
        let child = chance.u8(..3) == 0 && !["failed", "completed"].contains(&state);
        if child {
            start.push(format!("HSET @{id} parentKey @p"));
            start.push(format!("SADD @p:dependencies @{id}"));
            children += 1;
        }
        if chance.u8(..3) == 0 {
            start.push(format!("HSET @{id} deid d{id}"));
            // BullMQ forgets the key of another job when a child takes its parent along.
            let owner = if child || chance.bool() { &id } else { "other" };
            start.push(format!("SET @de:d{id} {owner}"));
        }
        states.push((state, id));
    }
    if children > 0 {
        start.push("HSET @p name p data {} opts {} timestamp 1600000000000".into());
        start.push("ZADD @waiting-children 1600000000000 p".into());
    }
    if chance.u8(..4) == 0 {
        start.push("HSET @meta concurrency 1".into());
    }
    let of = |wanted: &[&str]| {
        let fits = |(state, _): &&(&str, String)| wanted.contains(state);
        states.iter().find(fits).cloned()
    };
    let (theirs, ours) = operation(&mut chance, of);
    Case {
        name: format!("random-{seed}").leak(),
        versions: super::BOTH,
        start,
        theirs,
        ours: ours.leak().split(' ').collect(),
    }
}

// Long because it is one list of what may be done by chance.
/// The same in npm's methods and in our words. `of` finds a job in one of these
/// states.
fn operation(
    chance: &mut fastrand::Rng,
    of: impl Fn(&[&str]) -> Option<(&'static str, String)>,
) -> (Vec<Value>, String) {
    let job = |wanted: &[&str], word: &str, method: &dyn Fn(&str, &str) -> Value| {
        of(wanted).map(|(state, id)| (vec![method(state, &id)], format!("job {word} @ {id}")))
    };
    loop {
        let made = match chance.u8(..8) {
            0 => {
                let delayed = chance.bool();
                let flag = if delayed { " --delayed" } else { "" };
                let ours = format!("queue drain @ --yes{flag}");
                Some((queue("drain", json!([delayed])), ours))
            }
            1 => {
                let states = [
                    "waiting",
                    "active",
                    "delayed",
                    "prioritized",
                    "failed",
                    "completed",
                ];
                let state = *chance.choice(&states).unwrap();
                let theirs = queue(
                    "clean",
                    json!([3_600_000, 0, state.replace("waiting", "wait")]),
                );
                let ours = format!("queue clean @ --state {state} --older-than 1h --yes");
                Some((theirs, ours))
            }
            2 => Some((
                queue("obliterate", json!([{ "force": true }])),
                "queue obliterate @ --yes --force".to_owned(),
            )),
            3 => Some((
                queue("retryJobs", json!([{ "state": "failed" }])),
                "job retry @ --all".to_owned(),
            )),
            4 => Some((
                [
                    queue("pause", json!([])),
                    queue("drain", json!([false])),
                    queue("resume", json!([])),
                ]
                .concat(),
                "queue pause @ ; queue drain @ --yes ; queue resume @".to_owned(),
            )),
            5 => job(&["failed", "completed"], "retry", &|state, id| {
                of_job(id, "retry", json!([state]))
            }),
            6 => job(&["delayed"], "promote", &|_, id| {
                of_job(id, "promote", json!([]))
            }),
            _ => of(&[
                "wait",
                "prioritized",
                "delayed",
                "active",
                "failed",
                "completed",
            ])
            .map(|(_, id)| (queue("remove", json!([id])), format!("job rm @ {id}"))),
        };
        if let Some(made) = made {
            return made;
        }
    }
}

#[test]
fn queues_made_by_chance_end_as_bullmq_leaves_them() {
    equal((1..=QUEUES).map(made).collect());
}
