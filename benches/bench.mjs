// Runner beside its peers: throughput, CPU, memory and start latency on the same
// private Redis, in the same run, all with a handler that does nothing.
//
//   node benches/bench.mjs [--runs 3] [--workers runner,npm-bullmq] [--concurrency 1,50]
//                          [--jobs 100000] [--latency-seconds 10]
//
// `make bench` builds what is measured and calls this. Each figure is the median
// of the runs; the runs of the workers are interleaved, so that a slow minute of
// the machine hits all of them. Writes target/bench.json.
import { spawn, execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'

const here = dirname(fileURLToPath(import.meta.url))
const target = resolve(process.env.CARGO_TARGET_DIR ?? join(here, '../target'))
const TICKS = Number(execFileSync('getconf', ['CLK_TCK']))
const QUEUE = 'bench'
const RATE = 500 // jobs/s of the latency run, the load at which peers were published

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    workers: { type: 'string', default: 'runner,npm-bullmq,npm-bullmq-sandboxed,bullmq-official' },
    concurrency: { type: 'string', default: '1,10,50,200' },
    jobs: { type: 'string', default: '100000' },
    'latency-seconds': { type: 'string', default: '10' },
  },
})
const runs = Number(args.runs)
const workers = args.workers.split(',')
const concurrencies = args.concurrency.split(',').map(Number)
const scratch = mkdtempSync(join(tmpdir(), 'runner-bench-'))

// How a worker is started: program, arguments, environment.
const commands = {
  runner: (url, concurrency) => {
    const dir = join(scratch, `runner-${concurrency}`)
    mkdirSync(join(dir, 'plugins'), { recursive: true })
    copyFileSync(join(target, 'wasm32-wasip2/plugin/bench_guest.wasm'), join(dir, 'plugins/bench.wasm'))
    writeFileSync(
      join(dir, 'queues.toml'),
      `[redis]\nurl = "${url}"\n[queues.${QUEUE}]\nplugin = "bench"\nconcurrency = ${concurrency}\n`,
    )
    const runner = join(target, 'release/runner')
    // A plugin is compiled once in its life; that is not part of a worker's memory.
    execFileSync(runner, ['--config', join(dir, 'queues.toml'), 'check'], { stdio: 'ignore' })
    return [runner, ['--config', join(dir, 'queues.toml'), 'serve'], { RUST_LOG: 'error' }]
  },
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

async function freePort() {
  const server = createServer()
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address()
  await new Promise(done => server.close(done))
  return port
}

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

function start(program, argv, env, stdio = ['ignore', 'ignore', 'inherit']) {
  const child = spawn(program, argv, { env: { ...process.env, ...env }, stdio })
  children.add(child)
  child.ended = new Promise(done => child.on('exit', code => (children.delete(child), done(code))))
  return child
}

async function stop(child) {
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  await child.ended
  clearTimeout(late)
}

// A redis-server of its own for each run, started from a seed if there is one.
async function startRedis(seed) {
  const dir = mkdtempSync(join(scratch, 'redis-'))
  if (seed) copyFileSync(seed, join(dir, 'dump.rdb'))
  const port = await freePort()
  const argv = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no']
  const server = start('redis-server', [...argv.map(String), '--loglevel', 'warning'], {})
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {}) // until it listens
  await client.ping()
  return {
    url,
    client,
    dir,
    pid: server.pid,
    stop: async () => (client.disconnect(), await stop(server), rmSync(dir, { recursive: true })),
  }
}

// The database with so many waiting jobs in a paused queue, made once.
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

// A process and its descendants: the sandboxed peer works in children.
function tree(pid) {
  const found = [pid]
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const list = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim()
      for (const child of list ? list.split(' ') : []) found.push(...tree(Number(child)))
    }
  } catch {
    // It ended while we looked.
  }
  return found
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

const cpuOf = pids => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)

function rssMiB(pids) {
  const peak = pid => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return pids.reduce((sum, pid) => sum + peak(pid), 0) / 1024
}

const sleep = ms => new Promise(done => setTimeout(done, ms))

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

async function left(client) {
  const replies = await client
    .pipeline()
    .llen(`bull:${QUEUE}:wait`)
    .llen(`bull:${QUEUE}:paused`)
    .llen(`bull:${QUEUE}:active`)
    .zcard(`bull:${QUEUE}:delayed`)
    .exec()
  return replies.reduce((sum, [, count]) => sum + count, 0)
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
    rss_mib: rssMiB(pids),
  }
  const completed = await redis.client.zcard(`bull:${QUEUE}:completed`)
  if (completed !== jobs) throw new Error(`${worker} completed ${completed} of ${jobs} jobs`)
  await stop(child)
  await redis.stop()
  return row
}

// From just before add() to the start of the handler, at a steady rate, by the
// wall clock of one machine. The first second warms up.
async function latency(worker, concurrency) {
  const redis = await startRedis()
  const child = await startWorker(worker, redis, concurrency)
  const queue = new Queue(QUEUE, { connection: redis.client })
  const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000)
  const total = RATE * (Number(args['latency-seconds']) + 1)
  const began = performance.now()
  const pending = []
  while (pending.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - began) * RATE) / 1000))
    while (pending.length < due) pending.push(queue.add('clock', { t: now() }))
    await sleep(1)
  }
  const ids = (await Promise.all(pending)).slice(RATE).map(job => job.id)
  while ((await left(redis.client)) > 0) await sleep(10)
  const replies = await Promise.all(ids.map(id => redis.client.hmget(`bull:${QUEUE}:${id}`, 'data', 'returnvalue')))
  const waits = replies.map(([data, start]) => (Number(start) - JSON.parse(data).t) / 1000).sort((a, b) => a - b)
  if (waits.some(wait => !(wait > 0))) throw new Error(`${worker} returned no start times`)
  await stop(child)
  await redis.stop()
  const at = share => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]
  return { start_p50_ms: at(0.5), start_p99_ms: at(0.99) }
}

const median = numbers => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

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
