//! What Runner needs of a Redis, looked at when it connects to serve: version, role,
//! memory policy, and what its user may do. Nothing that is looked at changes
//! anything. What is missing is told once per process, with what it costs and the
//! way out. Of the command line only `runner check --against-redis` asks.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::serving::scripts::SERVING;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{list, text, texts};
use crate::queue::wire::script::script;

script!(RIGHTS, "rights", "serving/rights");

/// The oldest version that is tested; `LMOVE` and `ZMSCORE` are of that.
const VERSION: (u32, u32) = (6, 2);

/// What Redis lacks, for these queues, that Runner needs: a remark each, with what it
/// costs and the way out.
pub async fn lacks(redis: &Redis, queues: impl Iterator<Item = &String>) -> Vec<String> {
    let mut parts = BTreeMap::from([(redis.mailbox(""), redis.clone())]);
    for part in queues.map(|queue| redis.at(queue)) {
        parts.insert(part.mailbox(""), part);
    }
    let mut all = Vec::new();
    for part in parts.values() {
        for remark in examine(part).await {
            if !all.contains(&remark) {
                all.push(remark);
            }
        }
    }
    all
}

/// Log what is missing, unless it was told before.
pub(in crate::queue) async fn tell(redis: &Redis) {
    for remark in examine(redis).await {
        say(redis, &remark);
    }
}

/// Log a remark, unless it was told before.
pub(in crate::queue) fn say(redis: &Redis, remark: &str) {
    if redis.is_news(remark) {
        tracing::warn!("Redis at {}: {remark}", redis.address());
    }
}

/// What is missing. What cannot be seen is not.
async fn examine(redis: &Redis) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Ok(about) = about(redis).await {
        remarks.extend(of_server(redis, &about));
    }
    if let Some(policy) = policy(redis).await
        && policy != "noeviction"
    {
        remarks.push(format!(
            "its maxmemory-policy is {policy:?}: when its memory is full it drops keys, and jobs \
             are lost or stuck without a word; set it to \"noeviction\""
        ));
    }
    remarks.extend(rights(redis).await);
    remarks
}

/// What the server says of itself: `HELLO`, which every user may send, or `INFO`
/// where that is not known yet.
async fn about(redis: &Redis) -> Result<BTreeMap<String, String>, Error> {
    let hello = match redis.call(&redis::cmd("HELLO")).await {
        Ok(hello) => hello,
        Err(Error::Refused(_)) => return info(redis, "server").await,
        Err(error) => return Err(error),
    };
    let mut about = BTreeMap::new();
    let mut parts = list(hello).into_iter();
    while let (Some(name), Some(value)) = (parts.next().and_then(text), parts.next()) {
        // The list of modules is none.
        about.extend(text(value).map(|value| (name, value)));
    }
    Ok(about)
}

async fn info(redis: &Redis, section: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut command = redis::cmd("INFO");
    command.arg(section);
    let said = text(redis.call(&command).await?).unwrap_or_default();
    let fields = said.lines().filter_map(|line| line.split_once(':'));
    Ok(fields
        .map(|(name, value)| match name {
            "redis_version" => ("version".to_owned(), value.to_owned()),
            "redis_mode" => ("mode".to_owned(), value.to_owned()),
            name => (name.to_owned(), value.to_owned()),
        })
        .collect())
}

fn of_server(redis: &Redis, about: &BTreeMap<String, String>) -> Vec<String> {
    let field = |name: &str| about.get(name).map_or("", String::as_str);
    let mut remarks = Vec::new();
    let version = field("version");
    if number(version).is_some_and(|number| number < VERSION) {
        let (major, minor) = VERSION;
        remarks.push(format!(
            "it is version {version}: what needs a command of {major}.{minor} fails; run Redis \
             {major}.{minor} or newer, or Valkey"
        ));
    }
    match field("mode") {
        "cluster" if !redis.is_cluster() => remarks.push(
            "it is a node of a Cluster, and dialled as one server: queues in slots of other nodes \
             are out of reach and a failover is not followed; write redis+cluster:// in its URL"
                .to_owned(),
        ),
        "sentinel" => remarks.push(
            "it is a Sentinel, which has no queues; write redis+sentinel://host:26379/mymaster"
                .to_owned(),
        ),
        _ => {}
    }
    if matches!(field("role"), "replica" | "slave") {
        remarks.push(
            "it is a replica, which takes no writes: no job starts until it is the master; name \
             the master, or let Sentinels name it (redis+sentinel://host:26379/mymaster)"
                .to_owned(),
        );
    }
    remarks
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// `maxmemory-policy`, from whichever command is allowed.
async fn policy(redis: &Redis) -> Option<String> {
    if let Ok(mut info) = info(redis, "memory").await
        && let Some(policy) = info.remove("maxmemory_policy")
    {
        return Some(policy);
    }
    let mut command = redis::cmd("CONFIG");
    command.arg("GET").arg("maxmemory-policy");
    let answer = redis.call(&command).await.ok()?;
    texts(answer).into_iter().nth(1)
}

/// The commands that a worker runs on keys of its queues: `BZPOPMIN`, and those of the
/// scripts.
fn needed() -> BTreeSet<&'static str> {
    let mut names: BTreeSet<_> = SERVING
        .iter()
        .flat_map(|script| script.commands())
        .collect();
    names.insert("BZPOPMIN");
    // It has no key, and every user may ask for the time.
    names.remove("TIME");
    names
}

/// What the user may not do.
async fn rights(redis: &Redis) -> Vec<String> {
    let user = redis.user();
    let needed = needed();
    let names = needed.iter().copied().chain(["CLIENT UNBLOCK"]);
    let key = redis.mailbox(redis.boot());
    let asked = RIGHTS.run(redis, &key, |command| {
        command.arg(names.clone().collect::<Vec<_>>());
    });
    let refused = match asked.await {
        Ok(answer) => texts(answer),
        // Redis looks at the key of the call before the script could.
        Err(Error::Refused(reason)) if reason.contains("permission") && reason.contains(" key") => {
            return vec![keyless(redis)];
        }
        Err(Error::Refused(reason))
            if reason.contains("permission") || reason.contains("unknown command") =>
        {
            return vec![format!(
                "the user {user:?} may not run scripts, without which no job starts ({reason}); \
                 ACL SETUSER {user} +evalsha +script|load"
            )];
        }
        // Whoever calls next says so.
        Err(_) => return Vec::new(),
    };
    let mut remarks = Vec::new();
    let (unblock, missing): (Vec<_>, Vec<_>) =
        refused.iter().partition(|name| *name == "CLIENT UNBLOCK");
    if !unblock.is_empty() {
        remarks.push(may_not_unblock(redis));
    }
    let prefix = redis.prefix();
    if missing.len() == needed.len() {
        remarks.push(keyless(redis));
    } else if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
        let grants: Vec<String> = names
            .iter()
            .map(|name| format!("+{}", name.to_lowercase()))
            .collect();
        remarks.push(format!(
            "the user {user:?} may not run {} on keys that begin with \"{prefix}:\": jobs will not \
             start or not end; ACL SETUSER {user} {}",
            names.join(", "),
            grants.join(" ")
        ));
    }
    remarks
}

/// Said when it was tried, too: Redis 6 cannot be asked.
pub(in crate::queue) fn may_not_unblock(redis: &Redis) -> String {
    let user = redis.user();
    format!(
        "the user {user:?} may not run CLIENT UNBLOCK: a queue that waits for work again costs two \
         small writes; ACL SETUSER {user} +client|unblock saves them"
    )
}

fn keyless(redis: &Redis) -> String {
    let (user, prefix) = (redis.user(), redis.prefix());
    format!(
        "the user {user:?} may not use keys that begin with \"{prefix}:\": no job starts; ACL \
         SETUSER {user} ~{prefix}:*"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_read_from_the_scripts() {
        let needed = needed();
        for name in ["BZPOPMIN", "HMGET", "PEXPIRE", "XADD", "ZADD"] {
            assert!(needed.contains(name), "{name}: {needed:?}");
        }
        assert!(!needed.contains("TIME") && needed.len() > 30, "{needed:?}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("6.2.14"), Some((6, 2)));
        assert!(number("10.0.0").unwrap() > VERSION && number("6.0.16").unwrap() < VERSION);
        assert_eq!(number("unknown"), None);
    }
}
