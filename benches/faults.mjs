// Shows what is lost when something breaks: each fault of docs/reliability.md, with the
// release binary and with npm bullmq's worker, on private servers and with the same
// jobs, locks and checks.
//
//   node benches/faults.mjs [--only R1,R4] [--workers runner,node]
//
// `make faults` builds everything and calls this. Exits with 1 if Runner lost a job or
// failed one that it had not started. Writes target/faults.json.
//
//   lost        jobs that are no longer in any list or set of the queue
//   unfinished  jobs that have not ended a minute after the fault
//   duplicates  jobs that were started more than once
//   phantoms    failed jobs that were never started
//   recovery_s  seconds from the end of the fault until the affected work continued
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { QUEUE, freePort, here, left, peakMiB, scratch, sleep, start, stop, target } from './shared.mjs'

const FAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map(dir => `${dir}/faketime/libfaketime.so.1`).find(existsSync)
const key = suffix => `bull:${QUEUE}:${suffix}`
const seconds = since => Number(((performance.now() - since) / 1000).toFixed(2))
const until = async (holds, limit = 60_000) => {
  for (const end = performance.now() + limit; performance.now() < end; await sleep(10)) if (await holds().catch(() => false)) return true
  return false
}

// A relay to Redis whose answers can be delayed or dropped, and that can be cut.
async function relay(to) {
  const state = { delay: 0, deaf: false, open: new Set() }
  const server = createServer(near => {
    const far = connect(to, '127.0.0.1')
    const pair = [near, far]
    state.open.add(pair)
    const end = () => (state.open.delete(pair), near.destroy(), far.destroy())
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end)
    const pass = (from, into, answers) =>
      from.on('data', bytes => {
        if (answers && state.deaf) return
        if (state.delay) setTimeout(() => into.writable && into.write(bytes), state.delay / 2)
        else into.write(bytes)
      })
    pass(near, far, false)
    pass(far, near, true)
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  return {
    port: server.address().port,
    state,
    cut: () => [...state.open].forEach(([near]) => near.resetAndDestroy()),
    close: () => (server.close(), [...state.open].forEach(([near]) => near.destroy())),
  }
}

// A Redis that survives its own death, a queue on it, and what its workers did.
async function site(kind, options = {}) {
  const port = await freePort()
  const dir = mkdtempSync(join(scratch, 'faults-'))
  const argv = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes', '--loglevel', 'warning']
  const it = { kind, dir, starts: new Map(), first: new Map(), ended: new Set(), log: [], workers: [], count: 0 }
  it.boot = () => (it.server = start('redis-server', argv.map(String), {}))
  it.boot()
  it.relay = await relay(port)
  it.client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  it.client.on('error', () => {})
  await it.client.ping()
  it.queue = new Queue(QUEUE, { connection: it.client })
  it.queue.on('error', () => {}) // while Redis is away
  const { lock = 5000, stalled = 2500, concurrency = 20, grace = 2000, guest = 'scripted' } = options

  it.worker = async (name = 'w1', env = {}) => {
    const url = `redis://127.0.0.1:${it.relay.port}`
    const ran = id => {
      it.starts.set(id, (it.starts.get(id) ?? 0) + 1)
      if (!it.first.has(id)) it.first.set(id, performance.now())
      it.last = performance.now()
    }
    let child
    let ready
    const up = new Promise(done => (ready = done))
    if (kind === 'runner') {
      const home = join(dir, name)
      mkdirSync(join(home, 'plugins'), { recursive: true })
      copyFileSync(join(target, `wasm32-wasip2/plugin/examples/${guest}.wasm`), join(home, 'plugins/work.wasm'))
      const runtime = `[runtime]\nlock = "${lock}ms"\nstalled_interval = "${stalled}ms"\ngrace = "${grace}ms"\n`
      const queue = `[queues.${QUEUE}]\nplugin = "work"\nconcurrency = ${concurrency}\ntimeout = "60s"\nmemory = "256MiB"\nmax_payload = "32MiB"\nmax_result = "32MiB"\n`
      writeFileSync(join(home, 'queues.toml'), `[redis]\nurl = "${url}"\n${runtime}${queue}`)
      const argv = ['--config', join(home, 'queues.toml'), '--log-format', 'json', 'serve']
      child = start(join(target, 'release/runner'), argv, { RUNNER_NAME: name, ...env }, ['ignore', 'ignore', 'pipe'])
      createInterface(child.stderr).on('line', line => {
        const { message, target: from, job } = JSON.parse(line)
        if (message === 'ready') ready()
        else if (from === 'runner::guest' && message === 'ran') ran(job)
        else it.log.push([performance.now(), line])
      })
    } else {
      const settings = { REDIS_URL: url, QUEUE, CONCURRENCY: concurrency, LOCK: lock, STALLED: stalled }
      child = start(process.execPath, [join(here, 'workers/faults.mjs')], { ...settings, ...env }, ['ignore', 'pipe', 'ignore'])
      createInterface(child.stdout).on('line', line => {
        const [word, id] = line.split(' ')
        if (word === 'ready') ready()
        else if (word === 'ran') ran(id)
        else it.ended.add(id)
      })
    }
    child.ended.then(ready)
    await up
    it.workers.push(child)
    return child
  }
  it.add = async (count, data, opts = {}) => {
    const added = []
    for (let from = 0; from < count; from += 1000) {
      const jobs = Array.from({ length: Math.min(1000, count - from) }, () => ({ name: 'job', data: kind === 'runner' && guest === 'scripted' ? { ...data, log: ['ran'] } : data, opts }))
      added.push(...(await it.queue.addBulk(jobs)).map(job => job.id))
    }
    it.count += count
    return added
  }
  it.done = async () => (await it.client.zcard(key('completed'))) + (await it.client.zcard(key('failed')))
  it.rest = limit => until(async () => (await left(it.client)) + (await it.client.zcard(key('prioritized'))) === 0, limit)
  // When the last of these jobs has ended.
  it.over = (ids, limit) => until(async () => (await Promise.all(ids.map(id => it.client.hget(key(id), 'finishedOn')))).every(Boolean), limit)
  it.tally = async more => {
    const failed = await it.client.zrange(key('failed'), 0, -1)
    const open = (await left(it.client)) + (await it.client.zcard(key('prioritized')))
    const row = {
      jobs: it.count,
      lost: it.count - (await it.done()) - open,
      unfinished: open,
      duplicates: [...it.starts.values()].filter(count => count > 1).length,
      failed: failed.length,
      phantoms: failed.filter(id => !it.starts.has(id)).length,
    }
    return { ...row, ...more }
  }
  it.end = async () => {
    for (const child of it.workers) child.kill('SIGKILL')
    await it.queue.close().catch(() => {})
    it.client.disconnect()
    it.relay.close()
    it.server.kill('SIGCONT')
    await stop(it.server)
  }
  return it
}

const active = it => it.client.lrange(key('active'), 0, -1)
const progress = (it, more) => it.done().then(now => until(async () => (await it.done()) >= now + more, 20_000))

const faults = {
  R1: ['SIGKILL of the worker, restarted at once', {}, async it => {
    let recovery = 0
    for (let kill = 0; kill < 3; kill++) {
      await it.add(1000, { sleep: 20 })
      const child = await it.worker()
      await progress(it, 200)
      child.kill('SIGKILL')
      await child.ended
      const hit = await active(it)
      const killed = performance.now()
      const next = await it.worker()
      await it.over(hit, 30_000)
      recovery = Math.max(recovery, seconds(killed))
      await stop(next)
    }
    await it.worker()
    await it.rest()
    return it.tally({ recovery_s: recovery })
  }],
  R2: ['SIGKILL of Redis, up again after 1 s', {}, async it => {
    await it.worker()
    let recovery = 0
    for (let kill = 0; kill < 2; kill++) {
      await it.add(1000, { sleep: 20 })
      await progress(it, 200)
      it.server.kill('SIGKILL')
      await it.server.ended
      await sleep(1000)
      it.boot()
      await it.client.ping()
      const up = performance.now()
      await until(async () => it.last > up)
      recovery = Math.max(recovery, seconds(up))
    }
    await it.rest()
    return it.tally({ recovery_s: recovery })
  }],
  R3: ['Redis stopped for 6 s, lock 10 s', { lock: 10_000, stalled: 5000 }, async it => {
    await it.add(1000, { sleep: 50 })
    await it.worker()
    await progress(it, 200)
    it.server.kill('SIGSTOP')
    await sleep(6000)
    it.server.kill('SIGCONT')
    const up = performance.now()
    await until(async () => it.last > up)
    const recovery = seconds(up)
    await it.rest()
    return it.tally({ recovery_s: recovery })
  }],
  R4: ['answers lost, then the connections cut, 8 times', { lock: 3000, stalled: 1500 }, async it => {
    await it.worker()
    let recovery = 0
    for (let cut = 0; cut < 8; cut++) {
      await it.add(400, { sleep: 10 })
      await progress(it, 50)
      it.relay.state.deaf = true
      await sleep(200)
      it.relay.cut()
      it.relay.state.deaf = false
      const healed = performance.now()
      await until(async () => it.last > healed)
      recovery = Math.max(recovery, seconds(healed))
    }
    await it.rest()
    const stalls = await Promise.all(Array.from({ length: it.count }, (_, i) => it.client.hget(key(i + 1), 'stc')))
    return it.tally({ stalls: stalls.filter(Boolean).length, recovery_s: recovery })
  }],
  R5: ['100 ms to Redis and back, 200 active jobs, lock 3 s', { lock: 3000, stalled: 1500, concurrency: 200 }, async it => {
    it.relay.state.delay = 100
    await it.worker()
    await it.add(200, { sleep: 7000 })
    await it.rest()
    return it.tally()
  }],
  R9: ['lock deleted while the job runs', { lock: 3000, stalled: 60_000 }, async it => {
    await it.worker()
    const [id] = await it.add(1, { sleep: 8000, result: 'written' })
    await until(async () => it.starts.has(id))
    await it.client.set(key(`${id}:lock`), 'somebody')
    const gone = performance.now()
    await until(async () => it.ended.has(id) || it.log.some(([, line]) => line.includes('the lock was lost')), 12_000)
    const written = (await it.client.hget(key(id), 'returnvalue')) !== null
    return { jobs: 1, stopped_s: seconds(gone), to_its_end: it.ended.has(id), written }
  }],
  R10: ['a job that computes for three locks, two workers', { lock: 2000, stalled: 1000, concurrency: 3 }, async it => {
    await it.worker('w1')
    await it.worker('w2')
    await it.add(3, { spin: 6000 })
    await it.rest()
    return it.tally()
  }],
  R11: ['SIGTERM: idle; with jobs of 300 ms; with one of 20 s', {}, async it => {
    const timed = async () => {
      const child = it.workers.at(-1)
      const asked = performance.now()
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 8000)
      await child.ended
      clearTimeout(late)
      return seconds(asked)
    }
    await it.worker()
    const idle = await timed()
    await it.worker()
    await it.add(20, { sleep: 300 })
    await until(async () => (await active(it)).length === 20)
    const short = await timed()
    await it.worker()
    const [long] = await it.add(1, { sleep: 20_000 })
    await until(async () => it.starts.has(long))
    const grace = await timed()
    return { jobs: 21, idle_s: idle, short_s: short, long_s: grace, left_active: (await active(it)).length }
  }],
  R12: ['rolling restart of three workers, three rounds', {}, async it => {
    await it.add(4000, { sleep: 20 })
    const fleet = [await it.worker('w1'), await it.worker('w2'), await it.worker('w3')]
    for (let step = 0; step < 9; step++) {
      const old = fleet[step % 3]
      fleet[step % 3] = await it.worker(`w${(step % 3) + 1}`)
      await stop(old)
      await it.add(200, { sleep: 20 })
    }
    await it.rest()
    return it.tally()
  }],
  R13: ["the worker's clock two hours ahead", {}, async it => {
    if (!FAKETIME) return { skipped: 'libfaketime is not installed' }
    await it.queue.addBulk(Array.from({ length: 100 }, () => ({ name: 'job', data: { log: ['ran'] }, opts: { removeOnComplete: { age: 3600 } } })))
    const honest = await it.worker()
    await until(async () => (await it.done()) === 100)
    await stop(honest)
    const delayed = await it.queue.add('job', { log: ['ran'] }, { delay: 50 * 60_000 })
    await it.worker('w2', { LD_PRELOAD: FAKETIME, FAKETIME: '+2h', FAKETIME_DONT_FAKE_MONOTONIC: '1' })
    await it.queue.add('job', { log: ['ran'] }, { removeOnComplete: { age: 3600 } })
    await sleep(3000)
    return { jobs: 102, history_deleted: Math.max(0, 101 - (await it.done())), early: it.starts.has(delayed.id) ? 1 : 0 }
  }],
  R16: ['a backlog of 100 000 jobs', { concurrency: 50 }, async it => {
    await it.add(100_000, {})
    const began = performance.now()
    const child = await it.worker()
    await until(async () => it.first.size > 0)
    const first = seconds(began)
    const from = performance.now()
    const before = await it.done()
    await sleep(4000)
    const rate = Math.round(((await it.done()) - before) / ((performance.now() - from) / 1000))
    return { jobs: it.count, first_start_s: first, jobs_per_s: rate, peak_mib: Math.round(peakMiB([child.pid])) }
  }],
  R17: ['20 payloads and results of 8 MB, 5 at once', { concurrency: 5 }, async it => {
    await it.add(20, { result: 'x'.repeat(8 << 20) })
    const began = performance.now()
    const child = await it.worker()
    await it.rest()
    return it.tally({ seconds: seconds(began), peak_mib: Math.round(peakMiB([child.pid])) })
  }],
  R18: ['delayed, prioritised and plain jobs under kills and cuts', {}, async it => {
    await it.add(500, { sleep: 20 })
    await it.add(500, { sleep: 20 }, { priority: 3 })
    await it.add(500, { sleep: 20 }, { delay: 1500 })
    const began = performance.now()
    for (let round = 0; round < 3; round++) {
      const child = await it.worker()
      await progress(it, 100)
      it.relay.cut()
      await progress(it, 100)
      child.kill('SIGKILL')
      await child.ended
    }
    await it.worker()
    await it.rest()
    return it.tally({ seconds: seconds(began) })
  }],
  R20: ['30 jobs whose handler panics', { guest: 'faults' }, async it => {
    await it.worker()
    for (let job = 0; job < 30; job++) await it.queue.add('panic', { reject: 'the sky is falling' })
    await until(async () => (await it.client.zcard(key('failed'))) === 30, 20_000)
    return { jobs: 30, failed: await it.client.zcard(key('failed')), zombies: (await active(it)).length, exits: it.workers.filter(child => child.exitCode !== null).length }
  }],
  R21: ['a job that kills its worker, beside 200 others', { lock: 3000, stalled: 1500 }, async it => {
    const [poison] = await it.add(1, { sleep: 60_000 })
    await it.add(200, { sleep: 200 })
    let deaths = 0
    const ended = async () => (await it.client.zscore(key('failed'), poison)) !== null
    while (deaths < 6) {
      const child = await it.worker()
      const before = it.starts.get(poison) ?? 0
      await until(async () => (await ended()) || (it.starts.get(poison) ?? 0) > before, 20_000)
      if (await ended()) break
      child.kill('SIGKILL')
      await child.ended
      deaths++
    }
    await it.rest(20_000)
    const failed = (await it.client.zrange(key('failed'), 0, -1)).filter(id => id !== poison)
    return it.tally({ deaths, others_failed: failed.length })
  }],
  R22: ['global concurrency 2, both slots held by a dead worker', {}, async it => {
    await it.queue.setGlobalConcurrency(2)
    const child = await it.worker()
    const held = await it.add(2, { sleep: 60_000 })
    await until(async () => held.every(id => it.starts.has(id)))
    child.kill('SIGKILL')
    await child.ended
    for (const id of held) await it.client.hset(key(id), 'data', JSON.stringify({ log: ['ran'] }))
    await it.add(10, {})
    const killed = performance.now()
    await it.worker()
    await it.rest()
    return it.tally({ recovery_s: seconds(killed) })
  }],
}

const { values: args } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(faults).join() },
    workers: { type: 'string', default: 'runner,node' },
  },
})
const unknown = args.only.split(',').filter(name => !faults[name])
if (unknown.length) {
  console.error(`no such fault: ${unknown.join(', ')}; there are ${Object.keys(faults).join(', ')}`)
  process.exit(2)
}
const file = join(target, 'faults.json')
const figures = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const failures = []
for (const name of args.only.split(',')) {
  const [title, options, run] = faults[name]
  console.log(`${name}  ${title}`)
  figures[name] = { title }
  for (const kind of args.workers.split(',')) {
    const it = await site(kind, options)
    const row = await run(it)
    await it.end()
    figures[name][kind] = row
    console.log(`  ${kind.padEnd(7)}`, Object.entries(row).map(([what, count]) => `${what} ${count}`).join(', '))
    if (kind === 'runner' && (row.lost > 0 || row.unfinished > 0 || row.phantoms > 0)) failures.push(`${name}: ${row.lost} lost, ${row.unfinished} unfinished, ${row.phantoms} phantom failures`)
  }
  writeFileSync(file, JSON.stringify(figures, null, 2) + '\n')
}
for (const failure of failures) console.error(`not as it must be: ${failure}`)
process.exit(failures.length ? 1 : 0)
