//! Who works on the queues: the processes of Runner, and workers of other kinds. Asked by
//! operators; knows heartbeats and the names of connections, as Redis has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Here, Result};
use crate::queue;

/// A process beats once a second; one that is silent for longer than this is stopped, cut
/// off or dead.
const SILENT: u64 = 10_000;

/// Who works on the queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hosts {
    /// The processes of Runner that have beaten within the last hour.
    pub runners: Vec<RunnerHost>,
    /// Workers of other kinds, as BullMQ's `getWorkers` finds them; `null` when Redis
    /// refuses `CLIENT LIST`.
    pub workers: Option<Vec<WorkerHost>>,
}

/// A process of Runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunnerHost {
    /// Its name: `RUNNER_NAME`, or that of its machine.
    pub name: String,
    /// Its process id, on its own machine.
    pub pid: i32,
    /// Its version; `null` for one that does not say.
    pub version: Option<String>,
    /// Whether it is heard of.
    pub state: Heard,
    /// The queues that it consumes, each with its slots.
    pub queues: BTreeMap<String, u64>,
    /// The slots of all of them.
    pub slots: u64,
    /// When it started, ms since 1970.
    pub started_at: Option<u64>,
    /// Milliseconds for which it has been running, or had been when it was last seen.
    pub uptime: Option<u64>,
    /// Its last heartbeat, ms since 1970.
    pub last_seen: u64,
}

/// Whether a process is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// Its heart beats.
    Alive,
    /// It has not beaten for 10 s: it is stopped, cut off or dead.
    Silent,
}

/// A worker of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerHost {
    /// The name its program gave it.
    pub name: Option<String>,
    /// The host it connects from.
    pub address: String,
    /// The queues that it works on, each with the number of its connections.
    pub queues: BTreeMap<String, u64>,
    /// Milliseconds since the oldest of them was made.
    pub uptime: u64,
}

/// Who works on the queues that whoever asks may know of.
///
/// # Errors
/// When Redis does not answer.
pub async fn list(here: &Here) -> Result<Hosts> {
    let may = |queue: &str| here.scope.covers(queue);
    let (now, hosts) = queue::hosts(&here.redis).await?;
    let names: Vec<String> = hosts.iter().map(|host| shown(&host.runner)).collect();
    let runners = hosts.into_iter().map(|host| runner(host, now, &may));
    let runners = runners.collect();
    let connected = queue::connected(&here.redis).await?;
    let workers = connected.map(|connected| {
        let mut workers: BTreeMap<(Option<String>, String), WorkerHost> = BTreeMap::new();
        for one in connected {
            // A runner has a connection by which BullMQ sees it.
            let ours = one.worker.as_ref().is_some_and(|name| names.contains(name));
            if ours || !may(&one.queue) {
                continue;
            }
            let host = one.address.rsplit_once(':').map_or("", |(host, _)| host);
            let worker = workers
                .entry((one.worker.clone(), host.to_owned()))
                .or_insert_with(|| WorkerHost {
                    name: one.worker,
                    address: host.to_owned(),
                    queues: BTreeMap::new(),
                    uptime: 0,
                });
            *worker.queues.entry(one.queue).or_default() += 1;
            worker.uptime = worker.uptime.max(one.age * 1000);
        }
        workers.into_values().collect()
    });
    Ok(Hosts { runners, workers })
}

/// A runner's name as that of a connection, which has no spaces.
fn shown(runner: &str) -> String {
    runner.replace(|c: char| c.is_whitespace() || c.is_control(), "-")
}

fn runner(host: queue::Host, now: u64, may: &impl Fn(&str) -> bool) -> RunnerHost {
    let silent = now.saturating_sub(host.seen) > SILENT;
    let started_at = host.about.as_ref().map(|about| about.started_at);
    let (version, mut queues) = match host.about {
        Some(about) => (Some(about.version), about.queues),
        None => (None, BTreeMap::new()),
    };
    queues.retain(|queue, _| may(queue));
    RunnerHost {
        name: host.runner,
        pid: host.pid,
        version,
        state: if silent { Heard::Silent } else { Heard::Alive },
        slots: queues.values().sum(),
        queues,
        started_at,
        uptime: started_at.map(|at| (if silent { host.seen } else { now }).saturating_sub(at)),
        last_seen: host.seen,
    }
}
