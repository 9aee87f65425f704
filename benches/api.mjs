// Compares the HTTP API with Fastify and npm bullmq, on the same private Redis and in the
// same minute: requests a second, latency, and what one request costs the server and
// Redis in CPU.
//
//   node benches/api.mjs [--runs 5] [--seconds 5] [--connections 50] [--only add,status,bulk]
//
// `make bench` builds everything and calls this; wrk is the client. Each figure is the
// median of the runs. Writes target/api.json.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { cpuSeconds, freePort, here, median, scratch, sleep, start, startRedis, stop, target } from './shared.mjs'

const JOBS = 20000 // of a bulk request
const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '50' },
    only: { type: 'string', default: 'add,status,bulk' },
    binary: { type: 'string', default: join(target, 'release/runner') },
  },
})
const payload = {
  orderId: 'gid://shopify/Order/123456789',
  shopId: 'shop.myshopify.com',
  total: 129.9,
  lines: [
    { sku: 'TSHIRT-BLUE-M', quantity: 2 },
    { sku: 'MUG-WHITE', quantity: 1 },
  ],
}
const list = Array.from({ length: JOBS }, () => JSON.stringify({ name: 'place-order', data: payload }) + '\n').join('')

// A Runner whose queue has a contract and no plugin: it only serves.
async function startRunner(redis) {
  const dir = mkdtempSync(join(scratch, 'api-'))
  mkdirSync(join(dir, 'wit'))
  copyFileSync(join(here, 'api/orders.wit'), join(dir, 'wit/orders.wit'))
  const port = await freePort()
  writeFileSync(
    join(dir, 'queues.toml'),
    `[redis]\nurl = "${redis.url}"\n[server]\nlisten = "127.0.0.1:${port}"\n` +
      `[queues.bench]\ncontract = "bench:api/orders"\n`,
  )
  const argv = ['--config', join(dir, 'queues.toml'), 'serve']
  return { port, child: start(args.binary, argv, { RUST_LOG: 'warn' }) }
}

async function startFastify(redis) {
  const port = await freePort()
  const env = { REDIS_URL: redis.url, PORT: String(port), NODE_ENV: 'production' }
  return { port, child: start(process.execPath, [join(here, 'api/fastify.mjs')], env) }
}

// Resolves once a job can be added.
async function listening({ port, child }) {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      const { status } = await send(port, 'POST', '/api/jobs/bench', 'application/json', JSON.stringify(payload))
      if (status === 201) return
    } catch {
      // It does not listen yet.
    }
    if (child.exitCode !== null) break
    await sleep(20)
  }
  throw new Error('the server does not take jobs')
}

function send(port, method, path, type, body) {
  return new Promise((done, fail) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers: { 'content-type': type } }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', part => (text += part))
      answer.on('end', () => done({ status: answer.statusCode, text })).on('error', fail)
    })
    sent.on('error', fail).end(body)
  })
}

// Latency as wrk writes it, in milliseconds.
function millis(text) {
  const [, number, unit] = /^([\d.]+)(us|ms|s)$/.exec(text)
  return Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]
}

async function wrk(port, script) {
  const argv = ['-t1', `-c${args.connections}`, `-d${args.seconds}s`, '--latency', '-s', join(here, 'api', script)]
  const { stdout } = await promisify(execFile)('wrk', [...argv, `http://127.0.0.1:${port}/api/jobs/bench`])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  const found = pattern => pattern.exec(stdout)[1]
  return {
    requests: Number(found(/(\d+) requests in/)),
    per_s: Number(found(/Requests\/sec:\s+([\d.]+)/)),
    p50_ms: millis(found(/^\s+50%\s+(\S+)/m)),
    p99_ms: millis(found(/^\s+99%\s+(\S+)/m)),
  }
}

const loads = {
  add: port => wrk(port, 'add.lua'),
  status: port => wrk(port, 'status.lua'),
  bulk: async port => {
    const began = performance.now()
    const { status, text } = await send(port, 'POST', '/api/jobs/bench/bulk', 'application/x-ndjson', list)
    const seconds = (performance.now() - began) / 1000
    const added = text.match(/"jobId"/g)?.length
    if (status !== 200 || added !== JOBS) throw new Error(`bulk: ${status}, ${added} added: ${text.slice(0, 300)}`)
    return { requests: JOBS, per_s: JOBS / seconds }
  },
}

const servers = { runner: startRunner, fastify: startFastify }
const samples = new Map()
for (let run = 0; run < Number(args.runs); run++) {
  for (const load of args.only.split(',')) {
    for (const [name, starts] of Object.entries(servers)) {
      const redis = await startRedis()
      const server = await starts(redis)
      await listening(server)
      // The jobs that are asked for, and a warm server.
      const jobs = list.slice(0, (list.length / JOBS) * 1000)
      for (let n = 0; n < 3; n++) await send(server.port, 'POST', '/api/jobs/bench/bulk', 'application/x-ndjson', jobs)
      const before = [cpuSeconds(server.child.pid), cpuSeconds(redis.pid)]
      const { requests, ...sample } = await loads[load](server.port)
      const cpu = [server.child.pid, redis.pid].map((pid, at) => ((cpuSeconds(pid) - before[at]) / requests) * 1e6)
      Object.assign(sample, { server_us: cpu[0], redis_us: cpu[1] })
      await stop(server.child)
      await redis.stop()
      const key = `${load} ${name}`
      samples.set(key, [...(samples.get(key) ?? []), sample])
      console.error(`run ${run + 1}/${args.runs}  ${key}: ${Math.round(sample.per_s)}/s`)
    }
  }
}

const rows = [...samples].map(([key, taken]) => {
  const [load, server] = key.split(' ')
  const figures = Object.keys(taken[0]).map(name => [name, median(taken.map(sample => sample[name]))])
  return { load, server, ...Object.fromEntries(figures) }
})
const of = (load, server) => rows.find(row => row.load === load && row.server === server)
for (const load of args.only.split(',')) {
  const [ours, theirs] = [of(load, 'runner'), of(load, 'fastify')]
  const ratios = Object.keys(ours)
    .filter(name => typeof ours[name] === 'number')
    .map(name => [name, ours[name] / theirs[name]])
  rows.push({ load, server: 'ratio', ...Object.fromEntries(ratios) })
}
mkdirSync(target, { recursive: true })
writeFileSync(join(target, 'api.json'), JSON.stringify({ rows }, null, 2) + '\n')
const short = value => (typeof value === 'number' ? Number(value.toPrecision(3)) : value)
console.table(rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, short(value)]))))
