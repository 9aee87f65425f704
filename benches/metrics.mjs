// How long a scrape of many queues takes, and how many calls of Redis.
//
//   cargo build --release && node benches/metrics.mjs [--queues 200] [--scrapes 100]
//
// A private Redis with some jobs in each queue, which nobody consumes. Prints the median and
// the longest of `GET /metrics` and `GET /api/jobs/stats`, and what each asked of Redis, by
// its own count: scripts, INFO and CLIENT LIST.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort, scratch, start, startRedis, stop, target } from './shared.mjs'

const { values } = parseArgs({
  options: {
    queues: { type: 'string', default: '200' },
    scrapes: { type: 'string', default: '100' },
    runner: { type: 'string', default: join(target, 'release/runner') },
  },
})
const names = Array.from({ length: Number(values.queues) }, (_, n) => `queue-${n}`)

const redis = await startRedis()
const fill = redis.client.pipeline()
for (const name of names) {
  fill.hset(`bull:${name}:meta`, 'version', 'bullmq:6')
  fill.rpush(`bull:${name}:wait`, 1, 2, 3)
  fill.zadd(`bull:${name}:failed`, Date.now(), 4)
}
await fill.exec()
const dir = mkdtempSync(join(scratch, 'serve-'))
const port = await freePort()
const queues = names.map(name => `[queues.${name}]\n`).join('')
writeFileSync(join(dir, 'queues.toml'), `[redis]\nurl = "${redis.url}"\n[server]\nlisten = "127.0.0.1:${port}"\n${queues}`)
const runner = start(values.runner, ['serve', '--config', join(dir, 'queues.toml')], {}, ['ignore', 'ignore', 'inherit'])

const get = path => fetch(`http://127.0.0.1:${port}${path}`).then(async answer => [answer.status, await answer.text()])
for (;;) {
  const [status] = await get('/readyz').catch(() => [0])
  if (status === 200) break
  await new Promise(done => setTimeout(done, 50))
}
const calls = async () => {
  const stats = await redis.client.info('commandstats')
  const count = name => Number(stats.match(new RegExp(`cmdstat_${name}:calls=(\\d+)`))?.[1] ?? 0)
  return count('evalsha') + count('info') + count('client\\|list')
}
console.log('path\tmedian ms\tlongest ms\tcalls\tbytes')
for (const path of ['/metrics', '/api/jobs/stats']) {
  await get(path)
  const times = []
  let bytes = 0
  await redis.client.config('RESETSTAT')
  for (let n = 0; n < Number(values.scrapes); n++) {
    const from = performance.now()
    const [, text] = await get(path)
    times.push(performance.now() - from)
    bytes = text.length
  }
  times.sort((a, b) => a - b)
  // Other calls of the process are among them, less than one a scrape.
  const each = (await calls()) / times.length
  console.log([path, times[times.length >> 1].toFixed(1), times.at(-1).toFixed(1), each.toFixed(1), bytes].join('\t'))
}
await stop(runner)
await redis.stop()
process.exit(0)
