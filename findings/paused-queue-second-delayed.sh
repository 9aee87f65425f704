#!/usr/bin/env bash
# npm bullmq 6.7.0: in a paused queue, the first delayed job becomes waiting when it is
# due. The second does so only when the worker looks again by itself, `drainDelay` (5 s)
# later, because a call on a paused queue does not return when the next delayed job is
# due. Jobs added in between go before it.
#
# Seen: due after 500 ms, waiting 33 ms later; due after 1000 ms, waiting 4540 ms later.
set -euo pipefail
dir=$(mktemp -d)
npm install --silent --prefix "$dir" bullmq@6.7.0
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >/dev/null &
redis=$!
trap 'kill $redis; wait $redis || true; rm -rf "$dir"' EXIT
until [ -S "$dir/redis.sock" ]; do sleep 0.1; done

cat >"$dir/paused.cjs" <<'JS'
const { Queue, Worker } = require('bullmq')
const connection = { path: process.argv[2], maxRetriesPerRequest: null }
const sleep = ms => new Promise(done => setTimeout(done, ms))
async function main() {
  const queue = new Queue('q', { connection })
  const worker = new Worker('q', async () => {}, { connection })
  await worker.waitUntilReady()
  await sleep(500)
  await queue.pause()
  const began = Date.now()
  await queue.add('first', {}, { delay: 500 })
  await queue.add('second', {}, { delay: 1000 })
  const late = []
  for (const [left, due] of [[1, 500], [0, 1000]]) {
    while (await queue.getDelayedCount() > left) await sleep(5)
    late.push(Date.now() - began - due)
    console.log(`due after ${due} ms, waiting ${late.at(-1)} ms later`)
  }
  process.exit(late[0] < 1000 && late[1] > 2000 ? 0 : 1)
}
main()
JS
node "$dir/paused.cjs" "$dir/redis.sock" && echo "as described"
