#!/usr/bin/env bash
# crates.io bullmq-official 1.4.4: a worker that cannot read one option of a job silently
# ignores all options of that job. A job of npm bullmq 6.7.0 with `attempts: 3` is then
# tried once.
#
# A number that is not whole is enough, in places where npm takes any number: the delay
# of a backoff, or the age of a keep policy.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

npm install --silent --prefix "$dir" bullmq@6.7.0 ioredis@6.0.0
mkdir -p "$dir/worker/src"
cat >"$dir/worker/Cargo.toml" <<'TOML'
[package]
name = "worker"
version = "0.0.0"
edition = "2024"

[dependencies]
bullmq-official = "=1.4.4"
serde_json = "1"
tokio = { version = "1", features = ["rt-multi-thread", "macros", "signal"] }
TOML
cat >"$dir/worker/src/main.rs" <<'RS'
use bullmq::options::RedisConnectionOptions;
use bullmq::{Error, Job, Worker, WorkerOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let connection = RedisConnectionOptions {
        url: std::env::var("REDIS_URL").expect("REDIS_URL"),
        ..Default::default()
    };
    let options = WorkerOptions { connection, ..Default::default() };
    let fail = |_: Job, _cancel| async move {
        Err::<serde_json::Value, Error>(Error::InvalidConfig("no".to_owned()))
    };
    let _worker = Worker::with_options("rust", fail, options).await?;
    tokio::signal::ctrl_c().await.expect("a signal");
    Ok(())
}
RS
CARGO_TARGET_DIR="$dir/target" cargo build --quiet --manifest-path "$dir/worker/Cargo.toml"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$dir" >/dev/null &
cat >"$dir/jobs.cjs" <<'JS'
const { Queue, QueueEvents, Worker } = require('bullmq')
const connection = { host: '127.0.0.1', port: Number(process.argv[2]) }
const cases = {
  'backoff of 100 ms': { attempts: 3, backoff: { type: 'fixed', delay: 100 } },
  'backoff of 100.5 ms': { attempts: 3, backoff: { type: 'fixed', delay: 100.5 } },
  'kept for 1.5 h': { attempts: 3, removeOnFail: { age: 5400 } },
  'kept for 0.1 s': { attempts: 3, removeOnFail: { age: 0.1 } },
}
const main = async () => {
  for (const name of ['node', 'rust']) {
    const queue = new Queue(name, { connection })
    const events = new QueueEvents(name, { connection })
    await events.waitUntilReady()
    const worker = name === 'node' && new Worker(name, async () => { throw new Error('no') }, { connection })
    for (const [what, opts] of Object.entries(cases)) {
      const ended = new Promise(resolve => events.once('failed', resolve))
      const { id } = await queue.add('n', 1, opts)
      await ended
      console.log(`${name}: ${what}: ${(await queue.getJob(id)).attemptsMade} of 3 attempts`)
    }
    await Promise.all([queue.close(), events.close(), worker && worker.close()])
  }
}
main().then(() => process.exit(0))
JS
REDIS_URL="redis://127.0.0.1:$port" "$dir/target/debug/worker" >/dev/null 2>&1 &
(cd "$dir" && timeout 60 node jobs.cjs "$port") | tee "$dir/seen"
cat >"$dir/expected" <<'OUT'
node: backoff of 100 ms: 3 of 3 attempts
node: backoff of 100.5 ms: 3 of 3 attempts
node: kept for 1.5 h: 3 of 3 attempts
node: kept for 0.1 s: 3 of 3 attempts
rust: backoff of 100 ms: 3 of 3 attempts
rust: backoff of 100.5 ms: 1 of 3 attempts
rust: kept for 1.5 h: 3 of 3 attempts
rust: kept for 0.1 s: 1 of 3 attempts
OUT
diff "$dir/expected" "$dir/seen" && echo "as described"
