// Compares Runner with its peers: throughput, CPU, memory and start latency, with a
// handler that does nothing, on the same private Redis and in the same run.
//
//   node benches/bench.mjs [--runs 3] [--workers runner,npm-bullmq] [--concurrency 1,50]
//                          [--jobs 100000] [--latency-seconds 10]
//                          [--before target/before/runner]
//
// `make bench` builds everything and calls this. Each figure is the median of the runs.
// The runs of the workers are interleaved, so that a slow minute of the machine hits all
// of them. `--before` adds another binary as the worker `before`, to show what a change
// costs. Writes target/bench.json.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { drain, seedOf, startWorker } from './drain.mjs'
import { QUEUE, cpuSeconds, here, left, median, scratch, sleep, startRedis, stop, target } from './shared.mjs'

const RATE = 500 // jobs/s of the latency run, the load at which peers were published

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    workers: { type: 'string', default: 'runner,npm-bullmq,npm-bullmq-sandboxed,bullmq-official' },
    concurrency: { type: 'string', default: '1,10,50,200' },
    jobs: { type: 'string', default: '100000' },
    'latency-seconds': { type: 'string', default: '10' },
    before: { type: 'string' },
  },
})
const runs = Number(args.runs)
const workers = args.workers.split(',').concat(args.before ? 'before' : [])
const concurrencies = args.concurrency.split(',').map(Number)

// A Runner with this binary, as a worker is started.
const runner = (name, binary) => (url, concurrency) => {
  const dir = join(scratch, `${name}-${concurrency}`)
  mkdirSync(join(dir, 'plugins'), { recursive: true })
  copyFileSync(join(target, 'wasm32-wasip2/plugin/bench_guest.wasm'), join(dir, 'plugins/bench.wasm'))
  writeFileSync(
    join(dir, 'queues.toml'),
    `[redis]\nurl = "${url}"\n[queues.${QUEUE}]\nplugin = "bench"\nconcurrency = ${concurrency}\n`,
  )
  // A plugin is compiled once in its life; that is not part of a worker's memory.
  execFileSync(binary, ['--config', join(dir, 'queues.toml'), 'check'], { stdio: 'ignore' })
  return [binary, ['--config', join(dir, 'queues.toml'), 'serve'], { RUST_LOG: 'error' }]
}

// How a worker is started: program, arguments, environment.
const commands = {
  runner: runner('runner', join(target, 'release/runner')),
  before: args.before && runner('before', resolve(args.before)),
  'npm-bullmq': () => [process.execPath, [join(here, 'workers/npm.mjs')], {}],
  'npm-bullmq-sandboxed': () => [process.execPath, [join(here, 'workers/npm.mjs')], { SANDBOXED: '1' }],
  'bullmq-official': () => [join(target, 'release/bench-official'), [], {}],
}

// Fewer jobs for the slow: a run should take seconds, not minutes.
function jobsOf(worker, concurrency) {
  const all = Number(args.jobs)
  if (worker === 'npm-bullmq-sandboxed') return Math.ceil(all / 10)
  return concurrency === 1 ? Math.ceil(all / 5) : all
}

// From just before add() to the start of the handler, at a steady rate, by the
// wall clock of one machine, and what that rate costs Redis. The first second
// warms up.
async function latency(worker, concurrency) {
  const redis = await startRedis()
  const child = await startWorker(worker, commands[worker](redis.url, concurrency), redis, concurrency)
  const queue = new Queue(QUEUE, { connection: redis.client })
  // From a tick of the clock on: Node's own origin is that of the process, and the
  // clock may have been set since.
  const tick = Date.now()
  while (Date.now() === tick);
  const origin = Date.now() - performance.now()
  const now = () => Math.round((origin + performance.now()) * 1000)
  const total = RATE * (Number(args['latency-seconds']) + 1)
  const idle = await load(redis)
  const began = performance.now()
  const pending = []
  while (pending.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) * RATE) / 1000))
    while (pending.length < due) pending.push(queue.add('clock', { t: now() }))
    await sleep(1)
  }
  const ids = (await Promise.all(pending)).slice(RATE).map(job => job.id)
  while ((await left(redis.client)) > 0) await sleep(10)
  const busy = await load(redis)
  const replies = await Promise.all(ids.map(id => redis.client.hmget(`bull:${QUEUE}:${id}`, 'data', 'returnvalue')))
  const waits = replies.map(([data, start]) => (Number(start) - JSON.parse(data).t) / 1000).sort((a, b) => a - b)
  if (waits.some(wait => !(wait > 0))) throw new Error(`${worker} returned no start times`)
  await stop(child)
  await redis.stop()
  const at = share => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]
  return {
    start_p50_ms: at(0.5),
    start_p99_ms: at(0.99),
    // The add itself is one call of the producer.
    slow_calls: (busy.calls - idle.calls) / total - 1,
    slow_redis_cpu_us: ((busy.cpu - idle.cpu) / total) * 1e6,
  }
}

// What Redis was asked so far, by scripts and pops, and its CPU seconds.
async function load(redis) {
  const stats = await redis.client.info('commandstats')
  const calls = name => Number(stats.match(new RegExp(`cmdstat_${name}:calls=(\\d+)`))?.[1] ?? 0)
  const asked = ['evalsha', 'eval', 'fcall', 'bzpopmin', 'client\\|unblock'].map(calls)
  return { calls: asked.reduce((sum, n) => sum + n), cpu: cpuSeconds(redis.pid) }
}

const samples = new Map()
for (let run = 0; run < runs; run++) {
  for (const concurrency of concurrencies) {
    for (const worker of workers) {
      const jobs = jobsOf(worker, concurrency)
      const seed = await seedOf(jobs, 'noop', { payload: 'x'.repeat(100) })
      const drained = await drain(worker, commands[worker], concurrency, jobs, seed)
      const sample = { ...drained, ...(await latency(worker, concurrency)) }
      const key = `${worker} ${concurrency}`
      samples.set(key, [...(samples.get(key) ?? []), sample])
      console.error(`run ${run + 1}/${runs}  ${key}: ${Math.round(sample.jobs_per_s)} jobs/s`)
    }
  }
}

const rows = concurrencies.flatMap(concurrency =>
  workers.map(worker => {
    const taken = samples.get(`${worker} ${concurrency}`)
    const row = { worker, concurrency }
    for (const name of Object.keys(taken[0])) {
      row[name] = Number(median(taken.map(sample => sample[name])).toFixed(name.endsWith('_ms') ? 2 : 1))
    }
    return row
  }),
)
if (!existsSync(target)) mkdirSync(target)
writeFileSync(join(target, 'bench.json'), JSON.stringify({ rows }, null, 2) + '\n')
console.table(rows)
