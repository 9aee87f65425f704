// Measures the release binary under load, on a private Redis:
//
//   kill   kill Runner repeatedly: jobs lost, failed and run twice, time to recover
//   swap   swap a plugin while jobs run: jobs failed and lost, time from writing to serving
//   spin   let guests spin on every guest thread: the shortest time left on a lock
//   idle   let Runner do nothing: memory, CPU, threads and connections
//
//   node benches/figures.mjs [--only kill,swap] [--swaps 1000] [--kills 5]
//
// `make figures` builds everything and calls this. Exits with 1 if a figure is not as
// required. Writes target/figures.json.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { QUEUE, cpuSeconds, here, left, scratch, sleep, start, startRedis, stop, target } from './shared.mjs'

const { values: args } = parseArgs({
  options: {
    only: { type: 'string', default: 'kill,swap,spin,idle' },
    swaps: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '5' },
  },
})
const runner = join(target, 'release/runner')
const guests = join(target, 'wasm32-wasip2/plugin/examples')
const failures = []
const must = (holds, what) => holds || failures.push(what)
const share = (numbers, at) => numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * at))]

// A directory with one queue served by one guest.
function setup(name, url, guest, toml) {
  const dir = join(scratch, name)
  mkdirSync(join(dir, 'plugins'), { recursive: true })
  if (guest) copyFileSync(join(guests, `${guest}.wasm`), join(dir, 'plugins/work.wasm'))
  writeFileSync(join(dir, 'queues.toml'), `[redis]\nurl = "${url}"\n${toml}`)
  return dir
}

// The server, once it is ready.
async function serve(dir) {
  const argv = ['--config', join(dir, 'queues.toml'), '--log-format', 'json', 'serve']
  const child = start(runner, argv, {}, ['ignore', 'ignore', 'pipe'])
  await new Promise((done, failed) => {
    child.stderr.on('data', text => /"message":"ready"/.test(text) && done())
    child.ended.then(code => failed(new Error(`runner ended with ${code}`)))
  })
  return child
}

const queueOf = redis => new Queue(QUEUE, { connection: redis.client })

// How the jobs ended, and how many of them a dead Runner had begun.
async function tally(redis, ids) {
  const key = suffix => `bull:${QUEUE}:${suffix}`
  const [completed, failed] = await Promise.all([redis.client.zrange(key('completed'), 0, -1), redis.client.zrange(key('failed'), 0, -1)])
  const known = new Set([...completed, ...failed])
  const stalls = await Promise.all(ids.map(id => redis.client.hget(key(id), 'stc')))
  return {
    jobs: ids.length,
    lost: ids.filter(id => !known.has(id)).length,
    failed: failed.length,
    run_again: stalls.filter(count => Number(count) > 0).length,
  }
}

async function kill() {
  const redis = await startRedis()
  const queue = queueOf(redis)
  const toml = '[runtime]\nlock = "5s"\nstalled_interval = "2s"\nmax_stalled = 20\n[queues.bench]\nplugin = "work"\nconcurrency = 20\n'
  const dir = setup('kill', redis.url, 'faults', toml)
  const ids = []
  for (let from = 0; from < 10_000; from += 1000) {
    const jobs = await queue.addBulk(Array.from({ length: 1000 }, () => ({ name: 'sleep', data: 20 })))
    ids.push(...jobs.map(job => job.id))
  }
  const recoveries = []
  for (let kills = 0; kills < Number(args.kills); kills++) {
    const child = await serve(dir)
    await sleep(1000)
    child.kill('SIGKILL')
    await child.ended
    const active = await redis.client.lrange(`bull:${QUEUE}:active`, 0, -1)
    const killed = performance.now()
    const next = await serve(dir)
    for (const id of active) {
      while (!(await redis.client.hget(`bull:${QUEUE}:${id}`, 'finishedOn'))) await sleep(20)
      recoveries.push(performance.now() - killed)
    }
    await stop(next)
  }
  const child = await serve(dir)
  while ((await left(redis.client)) > 0) await sleep(50)
  await stop(child)
  const row = { kills: Number(args.kills), in_flight_at_kills: recoveries.length, ...(await tally(redis, ids)) }
  row.recovery_p50_s = Number((share(recoveries, 0.5) / 1000).toFixed(1))
  row.recovery_max_s = Number((share(recoveries, 1) / 1000).toFixed(1))
  must(row.lost === 0, 'kill: jobs were lost')
  must(row.failed === 0, 'kill: jobs failed')
  must(row.run_again <= row.in_flight_at_kills, 'kill: more jobs ran again than were in flight')
  await redis.stop()
  return row
}

// A custom section gives a component another digest and changes nothing else.
function edition(bytes, number) {
  const name = Buffer.from('edition')
  const text = Buffer.from(String(number))
  const content = Buffer.concat([Buffer.from([name.length]), name, text])
  return Buffer.concat([bytes, Buffer.from([0, content.length]), content])
}

async function swap() {
  const redis = await startRedis()
  const queue = queueOf(redis)
  const dir = setup('swap', redis.url, 'noop', '[queues.bench]\nplugin = "work"\nconcurrency = 50\n')
  const child = await serve(dir)
  const served = []
  child.stderr.on('data', text => {
    for (const [, version] of text.toString().matchAll(/"plugin loaded".*?"version":"work@([0-9a-f]+)"/g)) served.push([performance.now(), version])
  })
  const ids = []
  let flowing = true
  const began = performance.now()
  const producer = (async () => {
    while (flowing) {
      const jobs = await queue.addBulk(Array.from({ length: 150 }, () => ({ name: 'n', data: {} })))
      ids.push(...jobs.map(job => job.id))
      await sleep(100)
    }
  })()
  const noop = readFileSync(join(guests, 'noop.wasm'))
  const waits = []
  for (let number = 0; number < Number(args.swaps); number++) {
    const before = served.length
    writeFileSync(join(dir, 'work.new'), edition(noop, number))
    renameSync(join(dir, 'work.new'), join(dir, 'plugins/work.wasm'))
    const written = performance.now()
    while (served.length === before) {
      await sleep(1)
      if (performance.now() - written > 20_000) throw new Error(`swap ${number} did not happen`)
    }
    waits.push(served.at(-1)[0] - written)
  }
  flowing = false
  await producer
  const seconds = (performance.now() - began) / 1000
  while ((await left(redis.client)) > 0) await sleep(20)
  await stop(child)
  const row = { swaps: waits.length, ...(await tally(redis, ids)), jobs_per_s: Math.round(ids.length / seconds) }
  row.serving_p50_ms = Math.round(share(waits, 0.5))
  row.serving_p99_ms = Math.round(share(waits, 0.99))
  must(row.lost === 0 && row.failed === 0, 'swap: jobs were lost or failed')
  must(row.jobs_per_s >= 1000, 'swap: fewer than 1000 jobs/s flowed')
  await redis.stop()
  return row
}

async function spin() {
  const redis = await startRedis()
  const queue = queueOf(redis)
  const lock = 3000
  const toml = '[runtime]\nlock = "3s"\nthreads = 2\n[queues.bench]\nplugin = "work"\nconcurrency = 5\ntimeout = "15s"\n'
  const child = await serve(setup('spin', redis.url, 'faults', toml))
  const spinners = await queue.addBulk(Array.from({ length: 4 }, () => ({ name: 'spin', data: {} })))
  while ((await redis.client.llen(`bull:${QUEUE}:active`)) < 4) await sleep(5)
  let lowest = lock
  const quick = []
  for (const end = performance.now() + 12_000; performance.now() < end; ) {
    const locks = await Promise.all(spinners.map(job => redis.client.pttl(`bull:${QUEUE}:${job.id}:lock`)))
    lowest = Math.min(lowest, ...locks)
    const added = performance.now()
    const job = await queue.add('print', {})
    while (!(await redis.client.hget(`bull:${QUEUE}:${job.id}`, 'finishedOn'))) await sleep(2)
    quick.push(performance.now() - added)
    await sleep(100)
  }
  while ((await left(redis.client)) > 0) await sleep(20)
  const reasons = await Promise.all(spinners.map(job => redis.client.hget(`bull:${QUEUE}:${job.id}`, 'failedReason')))
  await stop(child)
  const row = { spinners: 4, threads: 2, lock_ms: lock, lowest_lock_ms: lowest }
  row.quick_job_p50_ms = Math.round(share(quick, 0.5))
  row.quick_job_p99_ms = Math.round(share(quick, 0.99))
  // Renewed at a third: below that a renewal was missed.
  must(lowest > lock / 3, 'spin: a renewal was missed')
  must(reasons.every(reason => reason === 'timed out after 15s'), `spin: ${reasons}`)
  await redis.stop()
  return row
}

async function idle() {
  const redis = await startRedis()
  const plugins = join(here, '../plugins')
  const names = readdirSync(plugins).filter(name => name.endsWith('.wasm')).map(name => name.slice(0, -5))
  const queues = names.map(name => `[queues.${name}]\nplugin = "${name}"\n`).join('')
  const dir = setup('idle', redis.url, null, `[runtime]\nplugins = "${plugins}"\n${queues}`)
  execFileSync(runner, ['--config', join(dir, 'queues.toml'), 'check'], { stdio: 'ignore' })
  const child = await serve(dir)
  await sleep(1000)
  const cpu = cpuSeconds(child.pid)
  await sleep(10_000)
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const memory = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
  const mib = (text, name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]) / 1024)
  const clients = (await redis.client.client('LIST')).trim().split('\n').length - 1
  const row = {
    plugins: names.length,
    rss_mib: mib(status, 'VmRSS'),
    anonymous_mib: mib(memory, 'Anonymous'),
    cpu_percent: Number(((cpuSeconds(child.pid) - cpu) * 10).toFixed(1)),
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]),
    connections: clients,
  }
  must(row.plugins === 4, 'idle: the four plugins are not there (make plugins)')
  await stop(child)
  await redis.stop()
  return row
}

const figures = {}
for (const name of args.only.split(',')) {
  figures[name] = await { kill, swap, spin, idle }[name]()
  console.log(name, figures[name])
}
if (!existsSync(target)) mkdirSync(target)
writeFileSync(join(target, 'figures.json'), JSON.stringify(figures, null, 2) + '\n')
for (const failure of failures) console.error(`not as it must be: ${failure}`)
process.exit(failures.length ? 1 : 0)
