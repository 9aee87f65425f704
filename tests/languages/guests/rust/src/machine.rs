//! What a program finds around it: clocks, random sources, an environment, memory.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use runner_sdk::{Result, retry};
use serde_json::{Map, Value, json};

pub(crate) fn sleep(ms: u64) -> Value {
    let began = Instant::now();
    std::thread::sleep(Duration::from_millis(ms));
    json!({ "slept": began.elapsed().as_millis() as u64 })
}

/// A value of each random source.
pub(crate) fn random() -> Result<Value> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(retry)?;
    Ok(json!({
        "getrandom": u128::from_le_bytes(bytes).to_string(),
        "hashSeed": RandomState::new().build_hasher().finish().to_string(),
    }))
}

pub(crate) fn clock() -> Value {
    let first = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    json!({
        "now": now.unwrap_or_default().as_millis() as u64,
        "offset": 0,
        "monotonic": Instant::now() >= first,
    })
}

pub(crate) fn environment() -> Result<Value> {
    let mut stdin = String::new();
    std::io::stdin().read_to_string(&mut stdin).map_err(retry)?;
    let variables = std::env::vars().map(|(name, value)| (name, value.into()));
    Ok(json!({
        "env": variables.collect::<Map<String, Value>>(),
        "args": std::env::args().skip(1).collect::<Vec<_>>(),
        "stdin": stdin,
    }))
}

pub(crate) fn count() -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    json!({ "count": COUNT.fetch_add(1, Ordering::Relaxed) + 1 })
}
