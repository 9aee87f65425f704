#!/usr/bin/env bash
# npm bullmq 6.7.0: a flow that names one job below two of its parents is added without
# an error. The job belongs to the first parent; the second one has no dependency
# left, is not released either, and waits for its children for ever.
#
# Seen: one completed; two waiting-children, 0 dependencies.
set -euo pipefail
dir=$(mktemp -d)
npm install --silent --prefix "$dir" bullmq@6.7.0
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >/dev/null &
redis=$!
trap 'kill $redis; wait $redis || true; rm -rf "$dir"' EXIT
until [ -S "$dir/redis.sock" ]; do sleep 0.1; done

cat >"$dir/flow.cjs" <<'JS'
const { FlowProducer, Queue, QueueEvents, Worker } = require('bullmq')
const connection = { path: process.argv[2], maxRetriesPerRequest: null }
async function main() {
  const node = (id, children = []) => ({ name: id, queueName: 'q', opts: { jobId: id }, children })
  const events = new QueueEvents('q', { connection })
  await events.waitUntilReady()
  await new FlowProducer({ connection }).add(
    node('root', [node('one', [node('shared')]), node('two', [node('shared')])]),
  )
  const queue = new Queue('q', { connection })
  new Worker('q', async () => {}, { connection })
  const one = await queue.getJob('one')
  await one.waitUntilFinished(events)
  // Whatever else there is to do is done at once.
  await new Promise(done => setTimeout(done, 2000))
  const two = await queue.getJob('two')
  const { unprocessed } = await two.getDependenciesCount()
  const states = [await one.getState(), await two.getState()]
  console.log(`one ${states[0]}; two ${states[1]}, ${unprocessed} dependencies`)
  process.exit(states.join() === 'completed,waiting-children' && unprocessed === 0 ? 0 : 1)
}
main()
JS
node "$dir/flow.cjs" "$dir/redis.sock" && echo "as described"
