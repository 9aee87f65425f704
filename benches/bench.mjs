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
import { QUEUE, cpuOf, cpuSeconds, here, left, median, peakMiB, scratch, sleep, start, startRedis, stop, target, tree } from './shared.mjs'

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

// The database with this many waiting jobs in a paused queue, made once.
const seeds = new Map()
async function seedOf(count) {
  if (!seeds.has(count)) {
    const redis = await startRedis()
    const queue = new Queue(QUEUE, { connection: redis.client })
    await queue.pause()
    const data = { payload: 'x'.repeat(100) }
    for (let added = 0; added < count; added += 1000) {
      await queue.addBulk(Array.from({ length: Math.min(1000, count - added) }, () => ({ name: 'noop', data })))
    }
    await redis.client.save()
    const seed = join(scratch, `seed-${count}.rdb`)
    copyFileSync(join(redis.dir, 'dump.rdb'), seed)
    await redis.stop()
    seeds.set(count, seed)
  }
  return seeds.get(count)
}

// Workers are connected when each of their connections blocks on the queue: the
// same sign for all of them.
async function connected(client) {
  for (;;) {
    if (/cmd=bz?popmin|cmd=brpoplpush/.test(await client.client('LIST'))) return
    await sleep(10)
  }
}

async function startWorker(worker, redis, concurrency) {
  const [program, argv, env] = commands[worker](redis.url, concurrency)
  const child = start(program, argv, { ...env, REDIS_URL: redis.url, QUEUE, CONCURRENCY: String(concurrency) })
  const ended = child.ended.then(code => {
    throw new Error(`${worker} ended with ${code} before it was connected`)
  })
  await Promise.race([connected(redis.client), ended])
  ended.catch(() => {})
  await sleep(300) // the last start-up work is not part of the figures
  return child
}

// Drain a seeded queue.
async function throughput(worker, concurrency) {
  const jobs = jobsOf(worker, concurrency)
  const redis = await startRedis(await seedOf(jobs))
  const child = await startWorker(worker, redis, concurrency)
  const queue = new Queue(QUEUE, { connection: redis.client })
  const cpu = cpuOf(tree(child.pid))
  const redisCpu = cpuSeconds(redis.pid)
  const began = performance.now()
  await queue.resume()
  while ((await left(redis.client)) > 0) await sleep(10)
  const seconds = (performance.now() - began) / 1000
  const pids = tree(child.pid)
  const row = {
    jobs_per_s: jobs / seconds,
    worker_cpu_us: ((cpuOf(pids) - cpu) / jobs) * 1e6,
    redis_cpu_us: ((cpuSeconds(redis.pid) - redisCpu) / jobs) * 1e6,
    rss_mib: peakMiB(pids),
  }
  const completed = await redis.client.zcard(`bull:${QUEUE}:completed`)
  if (completed !== jobs) throw new Error(`${worker} completed ${completed} of ${jobs} jobs`)
  await stop(child)
  await redis.stop()
  return row
}

// From just before add() to the start of the handler, at a steady rate, by the
// wall clock of one machine, and what that rate costs Redis. The first second
// warms up.
async function latency(worker, concurrency) {
  const redis = await startRedis()
  const child = await startWorker(worker, redis, concurrency)
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
      const sample = { ...(await throughput(worker, concurrency)), ...(await latency(worker, concurrency)) }
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
