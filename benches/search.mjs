// How long a search of many jobs takes, and what it costs those who use Redis meanwhile.
//
//   cargo build --release && node benches/search.mjs [--jobs 1000000]
//
// Fills a private Redis with jobs of one queue, asks GET /api/search of `runner serve`, and
// prints for each query: when the first hit came, when the search had stopped, how many jobs
// it found and looked at, how often Redis was busy for over a millisecond by its own slow log,
// and how long a PING of another client took beside it.
import { writeFileSync, mkdtempSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort, scratch, start, startRedis, stop, target } from './shared.mjs'

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '1000000' }, runner: { type: 'string', default: join(target, 'release/runner') } },
})
const jobs = Number(values.jobs)
const QUEUE = 'orders'

const FILL = `
local base, from, to, now = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for n = from, to - 1 do
  local id, state = tostring(n), n % 10
  local at = now - (to - n) * 10
  redis.call('HSET', base .. id, 'name', n % 3 == 0 and 'invoice' or 'receipt',
    'data', '{"shopId":"s-' .. (n % 1000) .. '","orderId":' .. n .. ',"to":"user' .. n
      .. '@example.com","items":[{"sku":"a-' .. (n % 77) .. '","count":2}],"note":"${'x'.repeat(120)}"}',
    'opts', '{"attempts":3}', 'timestamp', at, 'delay', 0, 'priority', 0)
  if state < 3 then
    redis.call('LPUSH', base .. 'wait', id)
  elseif state < 4 then
    redis.call('HSET', base .. id, 'atm', 3, 'processedOn', at + 5, 'finishedOn', at + 9,
      'failedReason', n % 50 == 3 and 'Timed out after 30s' or 'refused by the bank')
    redis.call('ZADD', base .. 'failed', at + 9, id)
  else
    redis.call('HSET', base .. id, 'atm', 1, 'processedOn', at + 5, 'finishedOn', at + 9, 'returnvalue', '{"sent":1}')
    redis.call('ZADD', base .. 'completed', at + 9, id)
  end
end`

const redis = await startRedis()
await redis.client.hset(`bull:${QUEUE}:meta`, 'version', 'bullmq:6')
for (let at = 0; at < jobs; at += 10000) {
  await redis.client.eval(FILL, 1, `bull:${QUEUE}:`, at, Math.min(jobs, at + 10000), Date.now())
}
const dir = mkdtempSync(join(scratch, 'serve-'))
const port = await freePort()
writeFileSync(join(dir, 'queues.toml'), `[redis]\nurl = "${redis.url}"\n[server]\nlisten = "127.0.0.1:${port}"\n`)
const runner = start(values.runner, ['serve', '--config', join(dir, 'queues.toml')], { RUNNER_LOG_FORMAT: 'json' }, ['ignore', 'ignore', 'inherit'])

function ask(path, headers = {}) {
  return new Promise((done, failed) => {
    const from = performance.now()
    let first, text = ''
    const sent = request({ host: '127.0.0.1', port, path, headers }, answer => {
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
        if (first === undefined && /^\{"job"/m.test(text)) first = performance.now() - from
      })
      answer.on('end', () => done({ status: answer.statusCode, first, all: performance.now() - from, lines: text.trim().split('\n') }))
    })
    sent.on('error', failed)
    sent.end()
  })
}
for (;;) {
  const up = await ask('/readyz').catch(() => undefined)
  if (up?.status === 200) break
  await new Promise(done => setTimeout(done, 50))
}

const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)] ?? 0
const other = redis.client.duplicate()
await other.ping()
await redis.client.config('SET', 'slowlog-log-slower-than', '1000')
console.log('query\tfirst hit ms\tall ms\tfound\tlooked at\tslow calls\tlongest ms\tping p99 ms\tping max ms')
const queries = [
  ['state:waiting', 'limit=20'],
  ['name:invoice', 'limit=20'],
  ['data.shopId:s-7', 'limit=20'],
  ['error:timed', 'limit=20'],
  ['data.orderId:3', 'limit=1'], // failed before all others
  [`id:${jobs - 5}`, 'limit=20'],
  ['state:completed since:1m', 'limit=20'],
  ['name:nowhere', ''],
  [`data.orderId:${Math.floor(jobs / 2)}`, ''],
  ['"user77777@"', ''],
]
for (const [query, more] of queries) {
  await redis.client.slowlog('RESET')
  const pings = []
  let asking = true
  const pinging = (async () => {
    while (asking) {
      const from = performance.now()
      await other.ping()
      pings.push(performance.now() - from)
      await new Promise(done => setTimeout(done, 1))
    }
  })()
  const answer = await ask(`/api/search?queue=${QUEUE}&scan=10000000&time=60s&${more}&q=${encodeURIComponent(query)}`)
  asking = false
  await pinging
  const { end } = JSON.parse(answer.lines.at(-1))
  const slow = await redis.client.slowlog('GET', 128)
  const longest = Math.max(0, ...slow.map(entry => entry[2])) / 1000
  const row = [query, answer.first?.toFixed(1) ?? '-', answer.all.toFixed(0), end.found, end.lookedAt, slow.length, longest.toFixed(1)]
  console.log([...row, quantile(pings, 0.99).toFixed(1), Math.max(0, ...pings).toFixed(1)].join('\t'))
}
other.disconnect()
await stop(runner)
await redis.stop()
process.exit(0)
