// What many event streams cost, and how soon they hear of an event.
//
//   cargo build --release && node benches/events.mjs [--clients 1000] [--seconds 10] [--rate 10]
//
// Opens GET /api/events of `runner serve` so many times, adds jobs to a queue, and prints the
// memory of the process before and with the clients, its connections to Redis that read
// events, and how long after its XADD each client had each event.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort, scratch, start, startRedis, stop, target } from './shared.mjs'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '10' },
    runner: { type: 'string', default: join(target, 'release/runner') },
  },
})
const [clients, seconds, rate] = [values.clients, values.seconds, values.rate].map(Number)
const QUEUE = 'orders'

const redis = await startRedis()
await redis.client.hset(`bull:${QUEUE}:meta`, 'version', 'bullmq:6')
const dir = mkdtempSync(join(scratch, 'serve-'))
const port = await freePort()
writeFileSync(
  join(dir, 'queues.toml'),
  `[redis]\nurl = "${redis.url}"\n[server]\nlisten = "127.0.0.1:${port}"\n${process.env.SERVER ?? ''}\n`,
)
const runner = start(values.runner, ['serve', '--config', join(dir, 'queues.toml')], {}, ['ignore', 'ignore', 'inherit'])
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${runner.pid}/status`, 'utf8'))[1]) / 1024
const cpu = () => {
  const fields = readFileSync(`/proc/${runner.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
const sleep = ms => new Promise(done => setTimeout(done, ms))
for (;;) {
  const up = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
  if (up?.status === 200) break
  await sleep(50)
}
await sleep(1000)
const before = rss()

const lags = []
let opened = 0
const open = () =>
  new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET /api/events?queue=${QUEUE} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`)
    })
    socket.on('error', failed)
    let begun = false
    socket.on('data', chunk => {
      const now = performance.timeOrigin + performance.now()
      const text = chunk.toString('latin1')
      if (!begun && text.includes('HTTP/1.1 200')) {
        begun = true
        opened += 1
        done(socket)
      }
      for (const [, sent] of text.matchAll(/"sent":"([\d.]+)"/g)) lags.push(now - Number(sent))
    })
  })
const sockets = []
for (let at = 0; at < clients; at += 50) {
  sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, clients - at) }, open))))
}
await sleep(1000)
const used = cpu()
const events = seconds * rate
for (let n = 0; n < events; n++) {
  const sent = performance.timeOrigin + performance.now()
  redis.client.xadd(`bull:${QUEUE}:events`, '*', 'event', 'waiting', 'jobId', `${n}`, 'sent', sent.toFixed(3))
  await sleep(1000 / rate)
}
await sleep(1000)
const list = await redis.client.client('LIST')
const readers = list.split('\n').filter(line => line.includes('cmd=xread')).length
const quantile = q => lags.sort((a, b) => a - b)[Math.floor((lags.length - 1) * q)] ?? NaN
console.log(`clients\t${opened}`)
console.log(`events heard\t${lags.length} of ${events * clients}`)
console.log(`MiB before, with clients, more\t${before.toFixed(1)}\t${rss().toFixed(1)}\t${(rss() - before).toFixed(1)}`)
console.log(`readers of Redis\t${readers}`)
console.log(`lag ms p50, p99, max\t${quantile(0.5).toFixed(1)}\t${quantile(0.99).toFixed(1)}\t${quantile(1).toFixed(1)}`)
console.log(`CPU s of the process per s\t${((cpu() - used) / seconds).toFixed(2)}`)
sockets.forEach(socket => socket.destroy())
await stop(runner)
await redis.stop()
process.exit(0)
