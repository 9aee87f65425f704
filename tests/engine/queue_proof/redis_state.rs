//! What is in Redis, read in one call and brought into the form in which the
//! model says what should be there.

use std::collections::{BTreeMap, BTreeSet};

use redis::Connection;

use super::model::{Job, Model, New, Policy};

/// Everything: key, type, content. The markers are taken away, so that each
/// wake-up is that of one step.
const READ: &str = r"
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local content = {}
  if kind == 'string' then content = { redis.call('GET', key) }
  elseif kind == 'list' then content = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then content = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then content = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then content = redis.call('HGETALL', key) end
  if string.sub(key, -7) == ':marker' then redis.call('DEL', key) end
  all[#all + 1] = { key, kind, content }
end
return all";

/// The time of the last end.
const LAST_END: &str = r"
local last = 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'hash' then
    last = math.max(last, tonumber(redis.call('HGET', key, 'finishedOn') or 0))
  end
end
return last";

/// Delays and windows of all queues end.
const AGE: &str = r"
for _, key in ipairs(redis.call('KEYS', '*:delayed')) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    redis.call('ZINCRBY', key, -ARGV[1], id)
  end
end
for _, suffix in ipairs({ 'limiter', 'stalled-check' }) do
  for _, key in ipairs(redis.call('KEYS', '*:' .. suffix)) do redis.call('DEL', key) end
end";

/// A job of a flow as npm adds it: a parent that waits for its children, or a
/// job that waits.
const ADD: &str = r"
local base, opts, priority, lifo, parent, policy, waits = unpack(ARGV)
local id = redis.call('INCR', base .. 'id') .. ''
local key = base .. id
redis.call('HSET', key, 'name', 'n', 'data', '{}', 'opts', opts, 'timestamp', 1600000000000,
  'delay', 0, 'priority', priority)
if parent ~= '' then
  redis.call('HSET', key, 'parentKey', parent, 'parent', policy)
  redis.call('SADD', parent .. ':dependencies', key)
end
if waits == '1' then
  redis.call('ZADD', base .. 'waiting-children', 1600000000000, id)
  return id
end
local meta = redis.call('HMGET', base .. 'meta', 'paused', 'version', 'concurrency')
if tonumber(priority) > 0 then
  redis.call('ZADD', base .. 'prioritized', priority * 4294967296 + redis.call('INCR', base .. 'pc'), id)
else
  local aside = meta[1] and string.sub(meta[2], 8, 8) == '5'
  redis.call(lifo == '1' and 'RPUSH' or 'LPUSH', base .. (aside and 'paused' or 'wait'), id)
end
if not meta[1] and not (meta[3] and redis.call('LLEN', base .. 'active') >= tonumber(meta[3])) then
  redis.call('ZADD', base .. 'marker', 0, '0')
end
return id";

const HOUR: f64 = 3_600_000.0;

fn script<T: redis::FromRedisValue>(redis: &mut Connection, source: &str, arguments: &[&str]) -> T {
    redis::cmd("EVAL")
        .arg(source)
        .arg(0)
        .arg(arguments)
        .query(redis)
        .unwrap()
}

pub(super) fn last_end(redis: &mut Connection) -> u64 {
    script(redis, LAST_END, &[])
}

pub(super) fn age(redis: &mut Connection, hours: i64) {
    let scores = hours * 3_600_000 * 4096;
    script(redis, AGE, &[&scores.to_string()])
}

/// Add a job of a flow; its id.
pub(super) fn add(
    redis: &mut Connection,
    queue: &str,
    new: &New,
    parent: Option<(&str, Policy)>,
    waits: bool,
) -> String {
    let mut opts = serde_json::json!({ "attempts": new.attempts });
    if new.backoff > 0 {
        opts["backoff"] = (new.backoff * 3_600_000).into();
    }
    if new.lifo {
        opts["lifo"] = true.into();
    }
    for (name, keep) in [
        ("removeOnComplete", new.keep_completed),
        ("removeOnFail", new.keep_failed),
    ] {
        if let Some(count) = keep {
            opts[name] = count.into();
        }
    }
    let (key, policy) = parent.map_or((String::new(), String::new()), |(key, policy)| {
        let (above, id) = key.rsplit_once(':').unwrap();
        let mut parent = serde_json::json!({ "id": id, "queueKey": above });
        match policy {
            Policy::None => {}
            Policy::Fail => parent["fpof"] = true.into(),
            Policy::Continue => parent["cpof"] = true.into(),
            Policy::Ignore => parent["idof"] = true.into(),
            Policy::Forget => parent["rdof"] = true.into(),
        }
        (key.to_owned(), parent.to_string())
    });
    script(
        redis,
        ADD,
        &[
            &format!("bull:{queue}:"),
            &opts.to_string(),
            &new.priority.to_string(),
            if new.lifo { "1" } else { "0" },
            &key,
            &policy,
            if waits { "1" } else { "0" },
        ],
    )
}

/// Key, type and content.
type Entries = BTreeMap<String, (String, Vec<String>)>;

pub(super) struct State(Entries);

/// Lists and sets in which a job can be.
const PLACES: [&str; 8] = [
    "wait",
    "paused",
    "active",
    "prioritized",
    "delayed",
    "waiting-children",
    "completed",
    "failed",
];

impl State {
    pub(super) fn read(redis: &mut Connection) -> State {
        let all: Vec<(String, String, Vec<String>)> = script(redis, READ, &[]);
        State(
            all.into_iter()
                .map(|(key, kind, content)| (key, (kind, content)))
                .collect(),
        )
    }

    fn content(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], |(_, content)| content)
    }

    pub(super) fn marker(&self, key: &str) -> Option<&str> {
        self.content(key)
            .chunks_exact(2)
            .map(|pair| pair[0].as_str())
            .find(|member| *member == "0")
    }

    fn field(&self, key: &str, name: &str) -> Option<&str> {
        self.content(key)
            .chunks_exact(2)
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].as_str())
    }

    /// Ids of a list or set with their scores.
    fn members(&self, key: &str) -> Vec<(&str, f64)> {
        match self.0.get(key) {
            Some((kind, content)) if kind == "zset" => content
                .chunks_exact(2)
                .map(|pair| (pair[0].as_str(), pair[1].parse().unwrap()))
                .collect(),
            Some((_, content)) => content.iter().map(|id| (id.as_str(), 0.0)).collect(),
            None => Vec::new(),
        }
    }

    /// What must hold whatever the model says.
    pub(super) fn invariants(
        &self,
        model: &Model,
        values: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        for queue in &model.queues {
            let base = &queue.base;
            let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for place in PLACES {
                for (id, score) in self.members(&format!("{base}{place}")) {
                    places.entry(id).or_default().push(place);
                    if place == "delayed" && !(score >= 0.0 && score / 4096.0 < 1e14) {
                        return Err(format!("I8: {id} is delayed to {score}"));
                    }
                }
            }
            for id in queue.jobs.keys().chain(&queue.removed) {
                let found = places.remove(id.as_str()).unwrap_or_default();
                let gone = queue.removed.contains(id);
                if found.len() != usize::from(!gone) {
                    return Err(format!("I1: {base}{id} is in {found:?}"));
                }
                if gone {
                    continue;
                }
                let key = format!("{base}{id}");
                for field in ["name", "data", "opts", "timestamp"] {
                    if self.field(&key, field).is_none() {
                        return Err(format!("I8: {key} has no {field}"));
                    }
                }
                let locked = self.0.contains_key(&format!("{key}:lock"));
                if locked && found != ["active"] {
                    return Err(format!("I2: {key} is locked in {found:?}"));
                }
                let started = self.field(&key, "ats").is_some();
                let reason = self.field(&key, "failedReason").unwrap_or_default();
                let explained = reason.starts_with("child ") || reason.starts_with("job stalled");
                if found == ["failed"] && !started && !explained {
                    return Err(format!("I3: {key} failed unstarted: {reason:?}"));
                }
                let value = self.field(&key, "returnvalue");
                if found == ["completed"] && value != values.get(&key).map(String::as_str) {
                    return Err(format!("I5: {key} returned {value:?}"));
                }
            }
            if let Some((id, places)) = places.first_key_value() {
                return Err(format!(
                    "I1: {base}{id}, which nobody added, is in {places:?}"
                ));
            }
        }
        Ok(())
    }

    /// Key by key what the model says.
    pub(super) fn equals(&self, model: &Model, v5: bool) -> Result<(), String> {
        let expected = expected(model, v5);
        let mut got = BTreeMap::new();
        for (key, (kind, content)) in &self.0 {
            if let Some(plain) = plain(key, kind, content, self) {
                got.insert(key.clone(), plain);
            }
        }
        let keys: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
        let wrong: Vec<String> = keys
            .into_iter()
            .filter(|key| expected.get(*key) != got.get(*key))
            .map(|key| {
                let (expected, got) = (expected.get(key), got.get(key));
                format!("\n  {key}\n    expected {expected:?}\n    got      {got:?}")
            })
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.concat())
        }
    }
}

/// A key of Redis as the model would put it; none for what it does not know.
fn plain(key: &str, kind: &str, content: &[String], state: &State) -> Option<Vec<String>> {
    let (queue, name) = key.strip_prefix("bull:")?.split_once(':')?;
    // Keys of our own, which BullMQ does not have.
    if queue == "runner" || name.starts_with("runner:") {
        return None;
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let pairs = || content.chunks_exact(2);
    Some(match name {
        "marker" | "events" | "meta" | "id" | "stalled-check" => return None,
        "delayed" => pairs().map(|pair| pair[0].clone()).collect(),
        "prioritized" => pairs()
            .map(|pair| format!("{} {}", pair[1], pair[0]))
            .collect(),
        _ if name.starts_with("dn:") => vec![state.field(key, "jid").unwrap_or("none").to_owned()],
        _ => match kind {
            "zset" => sorted(pairs().map(|pair| pair[0].clone()).collect()),
            "set" => sorted(content.to_vec()),
            "hash" if name.contains(':') => sorted(
                pairs()
                    .map(|pair| format!("{}={}", pair[0], pair[1]))
                    .collect(),
            ),
            "hash" => vec![stored(key, state)],
            _ => content.to_vec(),
        },
    })
}

fn stored(key: &str, state: &State) -> String {
    let field = |name: &str| state.field(key, name);
    let number = |name: &str| field(name).unwrap_or("0");
    let delay: f64 = number("delay").parse().unwrap();
    line(
        [number("atm"), number("ats"), number("stc")],
        number("priority"),
        delay / HOUR,
        [field("defa"), field("failedReason"), field("returnvalue")],
        field("parentKey"),
    )
}

fn line(
    counts: [&str; 3],
    priority: &str,
    delay: f64,
    texts: [Option<&str>; 3],
    parent: Option<&str>,
) -> String {
    let [made, starts, stalls] = counts;
    let [deferred, reason, value] = texts.map(|text| text.unwrap_or("-"));
    format!(
        "made {made} starts {starts} stalls {stalls} priority {priority} delay {delay} h \
         deferred {deferred} reason {reason} value {value} parent {}",
        parent.unwrap_or("-")
    )
}

// Long because it is one list of the keys that a queue has.
fn expected(model: &Model, v5: bool) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for queue in &model.queues {
        let mut put = |suffix: &str, content: Vec<String>| {
            if !content.is_empty() {
                all.insert(format!("{}{suffix}", queue.base), content);
            }
        };
        let aside = v5 && queue.paused;
        put(
            if aside { "paused" } else { "wait" },
            queue.wait.iter().cloned().collect(),
        );
        put("active", queue.active.iter().cloned().collect());
        let prioritized = queue.prioritized.iter();
        put(
            "prioritized",
            prioritized
                .map(|(score, id)| format!("{score} {id}"))
                .collect(),
        );
        let delayed = queue.delayed.iter();
        put("delayed", delayed.map(|(_, _, id)| id.clone()).collect());
        for (suffix, set) in [
            ("waiting-children", &queue.waiting_children),
            ("completed", &queue.completed),
            ("failed", &queue.failed),
        ] {
            put(suffix, set.iter().cloned().collect());
        }
        let marked: BTreeSet<String> = queue.stalled.iter().map(u64::to_string).collect();
        put("stalled", marked.into_iter().collect());
        let number = |n: u64| (n > 0).then(|| n.to_string()).into_iter().collect();
        put("pc", number(queue.counter));
        put("limiter", number(queue.used));
        for (deid, id) in &queue.holds {
            put(&format!("de:{deid}"), vec![id.clone()]);
        }
        for (deid, (id, _)) in &queue.next {
            put(&format!("dn:{deid}"), vec![id.clone()]);
        }
        for (id, job) in &queue.jobs {
            put(id, vec![as_stored(model, job)]);
            put(&format!("{id}:lock"), job.lock.iter().cloned().collect());
        }
        for (id, children) in &queue.children {
            let dependencies = children.dependencies.iter();
            put(
                &format!("{id}:dependencies"),
                dependencies.cloned().collect(),
            );
            let pairs = |map: &BTreeMap<String, String>| {
                map.iter().map(|(k, v)| format!("{k}={v}")).collect()
            };
            put(&format!("{id}:processed"), pairs(&children.processed));
            put(&format!("{id}:failed"), pairs(&children.failed));
            let unsuccessful = children.unsuccessful.iter();
            put(
                &format!("{id}:unsuccessful"),
                unsuccessful.cloned().collect(),
            );
        }
    }
    all
}

fn as_stored(model: &Model, job: &Job) -> String {
    let parent = job.parent.as_ref();
    let parent = parent.map(|link| model.queues[link.queue].key(&link.id));
    line(
        [job.made, job.starts, job.stalls]
            .map(|n| n.to_string())
            .each_ref()
            .map(String::as_str),
        &job.new.priority.to_string(),
        job.delay as f64,
        [&job.deferred, &job.reason, &job.value].map(Option::as_deref),
        parent.as_deref(),
    )
}
