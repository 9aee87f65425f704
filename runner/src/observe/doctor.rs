//! What is wrong with an installation, and what to do about it: the system, Redis, the
//! plugins and contracts, and the verdict on each queue. For `runner doctor` and the route
//! that answers the same.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::health::{Grade, Verdict};
use super::look::Look;
use crate::config::Config;
use crate::plugin::{Status, UNUSED};
use crate::queue::{self, Error, Redis, Server};
use crate::units;

/// The oldest version of Redis that is tested.
const VERSION: (u32, u32) = (6, 2);
/// Milliseconds by which the clocks of two machines may differ without a word.
const SKEW: u64 = 1000;
/// What is looked at first of Redis.
const CONNECTION: &str = "connection";
/// Of the memory that Redis may use, what should not be used.
const FULL: f64 = 0.9;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DoctorCheck)]
pub struct Check {
    /// `configuration`, `system`, `plugins`, `contracts`, `redis` or `queues`.
    pub area: String,
    /// What was looked at.
    pub name: String,
    /// How grave it is.
    pub state: Grade,
    /// What is the case.
    pub finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// All that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DoctorReport)]
pub struct Report {
    /// That of the gravest check.
    pub state: Grade,
    /// The checks.
    pub checks: Vec<Check>,
    /// Areas that whoever asks may not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// A process, its configuration and its plugins.
#[derive(Debug)]
pub struct Process<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its file, as it was named.
    pub file: &'a str,
    /// What is odd about it.
    pub warnings: &'a [String],
    /// What of the system makes the process slower.
    pub system: &'a [String],
    /// The plugins.
    pub plugins: &'a [Status],
}

impl Report {
    /// These checks.
    pub fn of(checks: Vec<Check>) -> Report {
        let state = checks.iter().map(|check| check.state).max();
        Report {
            state: state.unwrap_or(Grade::Ok),
            checks,
            left_out: Vec::new(),
        }
    }

    /// Whether Redis does not answer.
    pub fn is_unreachable(&self) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| {
            (&*check.area, &*check.name, check.state) == ("redis", CONNECTION, Grade::Failing)
        })
    }
}

/// A check of an area.
fn check(area: &str, name: &str, state: Grade, finding: impl Into<String>, fix: &str) -> Check {
    Check {
        area: area.to_owned(),
        name: name.to_owned(),
        state,
        finding: finding.into(),
        fix: (!fix.is_empty()).then(|| fix.to_owned()),
    }
}

/// What is worth a word without asking Redis.
pub fn process(of: &Process<'_>) -> Vec<Check> {
    let odd = of.warnings.iter();
    let mut checks: Vec<Check> = odd
        .map(|warning| check("configuration", of.file, Grade::Warning, warning, ""))
        .collect();
    let slow = of.system.iter();
    checks.extend(slow.map(|warning| remark("system", "memory", Grade::Warning, warning)));
    if of.system.is_empty() {
        let found = "swap is off for this process";
        checks.push(check("system", "memory", Grade::Ok, found, ""));
    }
    checks.extend(plugins(of.config, of.plugins));
    checks.extend(contracts(of.config));
    checks
}

/// Redis, and the queues in it that `look` sees.
///
/// # Errors
/// When Redis does not answer.
pub async fn stored(
    redis: &Redis,
    config: &Config,
    look: impl Future<Output = Result<Look, Error>>,
) -> Result<Vec<Check>, Error> {
    let lacks = queue::lacks(redis, config.queues.keys()).await;
    let theirs = queue::clock(redis).await?;
    #[expect(clippy::disallowed_methods, reason = "compared with Redis' clock")]
    let ours = SystemTime::now().duration_since(UNIX_EPOCH);
    let ours = ours.map_or(0, |ours| ours.as_millis() as u64);
    let look = look.await?;
    let mut checks = vec![check("redis", CONNECTION, Grade::Ok, redis.address(), "")];
    checks.extend(server(look.server(), (theirs, ours), &lacks));
    checks.extend(queues(&look.verdicts()));
    Ok(checks)
}

/// Redis does not answer, for this reason.
pub fn unreachable(why: &str) -> Check {
    check(
        "redis",
        CONNECTION,
        Grade::Failing,
        why,
        "start it, or check its URL, password and network: --redis, [redis] url, REDIS_URL",
    )
}

/// A remark that ends with its way out, after its last semicolon.
fn remark(area: &str, name: &str, state: Grade, remark: &str) -> Check {
    match remark.rsplit_once("; ") {
        Some((finding, fix)) => check(area, name, state, finding, fix),
        None => check(area, name, state, remark, ""),
    }
}

/// The plugins: whether each serves, and what it is granted without effect.
fn plugins(config: &Config, plugins: &[Status]) -> Vec<Check> {
    let mut checks = Vec::new();
    for plugin in plugins {
        let file = plugin.file.display();
        let refusal = plugin.refusal.as_ref().map(ToString::to_string);
        checks.push(match (&plugin.serving, refusal) {
            (Some(serving), None) => {
                let found = format!("{} serves; {}", serving.version, grants(config, plugin));
                check("plugins", &plugin.name, Grade::Ok, found, "")
            }
            (_, refusal) => check(
                "plugins",
                &plugin.name,
                Grade::Failing,
                format!(
                    "plugin {} refused: {}",
                    plugin.name,
                    refusal.unwrap_or_default()
                ),
                &format!("put a file that fits at {file}; runner plugin inspect {file} shows it"),
            ),
        });
        for key in plugin.serving.iter().flat_map(|serving| serving.unused()) {
            let found = format!("`plugins.{}.{key}` has no effect: {UNUSED}", plugin.name);
            checks.push(check(
                "plugins",
                &plugin.name,
                Grade::Warning,
                found,
                "remove the key",
            ));
        }
    }
    checks
}

/// What a plugin may reach, in a few words.
fn grants(config: &Config, plugin: &Status) -> String {
    let Some(table) = config.plugins.get(&plugin.name) else {
        return "granted nothing".to_owned();
    };
    let origins = table.http.iter();
    let origins = origins.map(|origin| format!("{}://{}", origin.scheme, origin.host));
    let mut granted: Vec<String> = origins.collect();
    for (count, what) in [
        (table.secrets.len(), "secrets"),
        (table.dirs.len(), "directories"),
        (table.sql.len(), "databases"),
        (table.blobs.len(), "object stores"),
    ] {
        if count > 0 {
            granted.push(format!("{count} {what}"));
        }
    }
    if table.kv.is_some() {
        granted.push("kv".to_owned());
    }
    match granted.is_empty() {
        true => "granted nothing".to_owned(),
        false => format!("granted {}", granted.join(", ")),
    }
}

/// The contracts that queues name.
fn contracts(config: &Config) -> Vec<Check> {
    let queues = config.queues.values();
    let named = queues.filter_map(|queue| Some((queue, queue.base.contract.as_ref()?)));
    named
        .map(|(queue, contract)| {
            let from = match &contract.declared {
                Some(_) => "a WIT file",
                None => "its plugin",
            };
            let found = format!("{} from {from}", contract.id);
            check("contracts", &queue.name, Grade::Ok, found, "")
        })
        .collect()
}

/// What Redis says of itself, its clock and ours in milliseconds since 1970, and what its
/// user may not do.
fn server(server: &Server, clocks: (u64, u64), lacks: &[String]) -> Vec<Check> {
    let redis =
        |name: &str, state, finding: String, fix: &str| check("redis", name, state, finding, fix);
    let mut checks = Vec::new();
    if server.is_known() {
        checks.extend([version(server), policy(server), memory(server)]);
        checks.extend([persistence(server), replication(server)]);
    } else {
        let finding = "its user may not run INFO: version, memory and persistence are unknown";
        let fix = "ACL SETUSER … +info";
        checks.push(redis("info", Grade::Warning, finding.to_owned(), fix));
    }
    let skew = clocks.0.abs_diff(clocks.1);
    checks.push(match skew > SKEW {
        true => redis(
            "clock",
            Grade::Warning,
            format!("its clock and this machine's differ by {skew} ms"),
            "run an NTP client on both: times in logs and of schedules differ",
        ),
        false => redis("clock", Grade::Ok, "within a second of ours".to_owned(), ""),
    });
    // Those that are looked at above are said there.
    let known = ["it is version", "its maxmemory-policy", "it is a replica"];
    let others = lacks.iter();
    let others = others.filter(|remark| !known.iter().any(|start| remark.starts_with(start)));
    let before = checks.len();
    checks.extend(others.map(|said| {
        let grave = ["no job starts", "will not start", "cannot"];
        let grave = grave.iter().any(|words| said.contains(words));
        let state = if grave {
            Grade::Failing
        } else {
            Grade::Warning
        };
        remark("redis", "rights and topology", state, said)
    }));
    if checks.len() == before {
        let finding = "its user may do all that Runner needs".to_owned();
        checks.push(redis("rights and topology", Grade::Ok, finding, ""));
    }
    checks
}

fn version(server: &Server) -> Check {
    let version = server.field("redis_version");
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let number = (parts.next().flatten(), parts.next().flatten());
    match number {
        (Some(major), Some(minor)) if (major, minor) < VERSION => check(
            "redis",
            "version",
            Grade::Failing,
            format!("{version} is older than 6.2"),
            "run Redis 6.2 or newer, or Valkey",
        ),
        _ => check("redis", "version", Grade::Ok, version, ""),
    }
}

fn policy(server: &Server) -> Check {
    let policy = server.field("maxmemory_policy");
    match policy {
        "noeviction" | "" => check("redis", "maxmemory-policy", Grade::Ok, policy, ""),
        _ => check(
            "redis",
            "maxmemory-policy",
            Grade::Failing,
            format!("{policy}: when its memory is full it drops keys, and jobs are lost"),
            "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
        ),
    }
}

fn memory(server: &Server) -> Check {
    let used = server.number("used_memory").unwrap_or_default();
    let max = server.number("maxmemory").unwrap_or_default();
    let size = |bytes: f64| units::size(bytes as u64 >> 20 << 20);
    let fix = "raise maxmemory, or keep fewer jobs (removeOnComplete, removeOnFail, \
               runner queue clean)";
    if max == 0.0 {
        let found = format!("uses {}, without a limit of its own", size(used));
        return check("redis", "memory", Grade::Ok, found, "");
    }
    let found = format!("uses {} of {}", size(used), size(max));
    let state = match used / max {
        share if share >= 1.0 => Grade::Failing,
        share if share >= FULL => Grade::Warning,
        _ => return check("redis", "memory", Grade::Ok, found, ""),
    };
    check("redis", "memory", state, found, fix)
}

fn persistence(server: &Server) -> Check {
    let name = "persistence";
    if let Some(why) = server.refuses().filter(|why| why.starts_with("MISCONF")) {
        let fix = "look at its log: disk full, or no right to write its directory?";
        return check("redis", name, Grade::Failing, why, fix);
    }
    match server.field("aof_enabled") {
        "1" => check("redis", name, Grade::Ok, "append-only file", ""),
        "0" => check(
            "redis",
            name,
            Grade::Warning,
            "no append-only file: what came after its last snapshot is lost when it crashes",
            "CONFIG SET appendonly yes, and the same in redis.conf",
        ),
        _ => check("redis", name, Grade::Ok, "not told", ""),
    }
}

fn replication(server: &Server) -> Check {
    let name = "replication";
    match (server.field("role"), server.field("connected_slaves")) {
        ("slave" | "replica", _) => check(
            "redis",
            name,
            Grade::Failing,
            "it is a replica, which takes no writes: no job starts",
            "name the master, or let Sentinels name it (redis+sentinel://host:26379/mymaster)",
        ),
        (_, "0" | "") => check("redis", name, Grade::Ok, "a master without replicas", ""),
        (_, count) => check(
            "redis",
            name,
            Grade::Ok,
            format!("a master with replicas: {count}"),
            "",
        ),
    }
}

/// The verdicts on queues.
fn queues(verdicts: &[Verdict]) -> Vec<Check> {
    let parts = verdicts.iter().flat_map(|verdict| {
        let parts = verdict.parts().into_iter();
        parts.map(|(part, judged)| {
            check(
                "queues",
                &format!("{} {part}", verdict.queue),
                judged.state,
                judged.cause.clone(),
                judged.next.as_deref().unwrap_or_default(),
            )
        })
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_ends_with_its_way_out() {
        let check = remark("system", "swap", Grade::Warning, "swap is on: a; b; do c");
        assert_eq!(check.finding, "swap is on: a; b");
        assert_eq!(check.fix.as_deref(), Some("do c"));
    }
}
