// Measures whether slow clients of the HTTP API delay jobs: the time from add() to the
// start of the handler, while nobody calls and while a crowd of clients hangs. A third
// of them says nothing, a third sends the head of a request byte by byte, a third its
// body; who is cut off comes back at once.
//
//   node benches/slow.mjs [--clients 5000] [--rounds 5] [--seconds 8] [--binary target/release/runner]
//
// The rounds alternate, in one process and on one Redis. Exits with 1 if the median p99
// with the crowd is more than 10 % above the one without. Needs the release binary and
// the guest of `make bench`.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { QUEUE, cpuSeconds, freePort, left, median, peakMiB, scratch, sleep, start, startRedis, stop, target } from './shared.mjs'

const RATE = 500 // jobs/s, as in bench.mjs

const { values: args } = parseArgs({
  options: {
    clients: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    binary: { type: 'string', default: join(target, 'release/runner') },
    crowd: { type: 'string' }, // the port: be the clients, in a process of their own
  },
})

if (args.crowd) await crowd(Number(args.crowd), Number(args.clients))
else await measure()

// Clients that hang until this process is stopped.
async function crowd(port, many) {
  const head = 'POST /api/jobs/bench HTTP/1.1\r\nhost: localhost\r\n'
  const kinds = [
    () => '',
    at => head.padEnd(4000, 'x')[at % 4000],
    at => (at === 0 ? `${head}content-type: application/json\r\ncontent-length: 100000\r\n\r\n` : ' '),
  ]
  let cut = 0
  const client = kind => {
    let at = 0
    const socket = connect(port, '127.0.0.1')
    const beat = setInterval(() => socket.write(kinds[kind](at++)), 1000)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(beat)
      cut++
      setTimeout(client, 100, kind)
    })
    socket.resume()
  }
  for (let n = 0; n < many; n++) {
    client(n % kinds.length)
    if (n % 100 === 99) await sleep(10)
  }
  process.send({ ready: true })
  process.on('message', () => process.send({ cut }))
}

async function measure() {
  const redis = await startRedis()
  const port = await freePort()
  const dir = join(scratch, 'slow')
  mkdirSync(join(dir, 'plugins'), { recursive: true })
  copyFileSync(join(target, 'wasm32-wasip2/plugin/bench_guest.wasm'), join(dir, 'plugins/bench.wasm'))
  writeFileSync(
    join(dir, 'queues.toml'),
    `[redis]\nurl = "${redis.url}"\n[server]\nlisten = "127.0.0.1:${port}"\n[queues.${QUEUE}]\nplugin = "bench"\nconcurrency = 50\n`,
  )
  const argv = ['--config', join(dir, 'queues.toml'), '--log-format', 'json', 'serve']
  const runner = start(args.binary, argv, {}, ['ignore', 'ignore', 'pipe'])
  await new Promise(done => runner.stderr.on('data', text => /"message":"ready"/.test(text) && done()))
  const queue = new Queue(QUEUE, { connection: redis.client })
  await round(redis, queue) // warms up
  const rows = { quiet: [], crowd: [] }
  for (let n = 0; n < Number(args.rounds); n++) {
    rows.quiet.push(await round(redis, queue, runner.pid))
    const clients = start(
      process.execPath,
      [fileURLToPath(import.meta.url), '--crowd', String(port), '--clients', args.clients],
      {},
      ['ignore', 'inherit', 'inherit', 'ipc'],
    )
    await new Promise(done => clients.once('message', done))
    rows.crowd.push(await round(redis, queue, runner.pid))
    await stop(clients)
  }
  const of = (kind, key) => Number(median(rows[kind].map(row => row[key])).toFixed(3))
  for (const kind of ['quiet', 'crowd']) {
    console.log(`${kind}: start p50 ${of(kind, 'p50')} ms, p99 ${of(kind, 'p99')} ms, runner's CPU ${of(kind, 'cpu')} s/s`)
  }
  const ratio = of('crowd', 'p99') / of('quiet', 'p99')
  console.log(`${args.clients} clients: p99 × ${ratio.toFixed(2)}, at most ${peakMiB([runner.pid]).toFixed(0)} MiB`)
  await stop(runner)
  await redis.stop()
  if (ratio > 1.1) process.exitCode = 1
}

// Start latencies at a steady rate, by the wall clock of one machine.
async function round(redis, queue, pid) {
  const tick = Date.now()
  while (Date.now() === tick);
  const origin = Date.now() - performance.now()
  const now = () => Math.round((origin + performance.now()) * 1000)
  const total = RATE * Number(args.seconds)
  const began = performance.now()
  const cpu = pid ? cpuSeconds(pid) : 0
  const pending = []
  while (pending.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) * RATE) / 1000))
    while (pending.length < due) pending.push(queue.add('clock', { t: now() }))
    await sleep(1)
  }
  const ids = (await Promise.all(pending)).map(job => job.id)
  while ((await left(redis.client)) > 0) await sleep(10)
  const used = pid ? (cpuSeconds(pid) - cpu) / Number(args.seconds) : 0
  const replies = await Promise.all(ids.map(id => redis.client.hmget(`bull:${QUEUE}:${id}`, 'data', 'returnvalue')))
  const waits = replies.map(([data, at]) => (Number(at) - JSON.parse(data).t) / 1000).sort((a, b) => a - b)
  const share = at => waits[Math.min(waits.length - 1, Math.floor(waits.length * at))]
  return { p50: share(0.5), p99: share(0.99), cpu: used }
}
