// One run of a worker: it drains a queue that was filled before, and what that took.
// For bench.mjs and languages.mjs.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { QUEUE, cpuOf, cpuSeconds, left, peakMiB, scratch, sleep, start, startRedis, stop, tree } from './shared.mjs'

// The database with this many waiting jobs in a paused queue, made once.
const seeds = new Map()
export async function seedOf(count, name, data) {
  const key = `${count}-${name}`
  if (!seeds.has(key)) {
    const redis = await startRedis()
    const queue = new Queue(QUEUE, { connection: redis.client })
    await queue.pause()
    for (let added = 0; added < count; added += 1000) {
      await queue.addBulk(Array.from({ length: Math.min(1000, count - added) }, () => ({ name, data })))
    }
    await redis.client.save()
    const seed = join(scratch, `seed-${key}.rdb`)
    copyFileSync(join(redis.dir, 'dump.rdb'), seed)
    await redis.stop()
    seeds.set(key, seed)
  }
  return seeds.get(key)
}

// Workers are connected when each of their connections blocks on the queue: the
// same sign for all of them.
async function connected(client) {
  for (;;) {
    if (/cmd=bz?popmin|cmd=brpoplpush/.test(await client.client('LIST'))) return
    await sleep(10)
  }
}

// A worker, started by program, arguments and environment, that has connected.
export async function startWorker(worker, [program, argv, env], redis, concurrency) {
  const child = start(program, argv, { ...env, REDIS_URL: redis.url, QUEUE, CONCURRENCY: String(concurrency) })
  const ended = child.ended.then(code => {
    throw new Error(`${worker} ended with ${code} before it was connected`)
  })
  await Promise.race([connected(redis.client), ended])
  ended.catch(() => {})
  await sleep(300) // the last start-up work is not part of the figures
  return child
}

// Drain a seeded queue with this worker; `command` makes its start from the URL. What is
// measured begins when the first `warm` jobs are done: npm's sandboxed processor starts its
// processes with them.
export async function drain(worker, command, concurrency, jobs, seed, warm = 0) {
  const redis = await startRedis(seed)
  const child = await startWorker(worker, command(redis.url, concurrency), redis, concurrency)
  const queue = new Queue(QUEUE, { connection: redis.client })
  if (warm) await queue.resume()
  while ((await left(redis.client)) > jobs - warm) await sleep(10)
  const measured = await left(redis.client)
  const cpu = cpuOf(tree(child.pid))
  const redisCpu = cpuSeconds(redis.pid)
  const began = performance.now()
  if (!warm) await queue.resume()
  while ((await left(redis.client)) > 0) await sleep(10)
  const seconds = (performance.now() - began) / 1000
  const pids = tree(child.pid)
  const row = {
    jobs_per_s: measured / seconds,
    worker_cpu_us: ((cpuOf(pids) - cpu) / measured) * 1e6,
    redis_cpu_us: ((cpuSeconds(redis.pid) - redisCpu) / measured) * 1e6,
    rss_mib: peakMiB(pids),
  }
  const completed = await redis.client.zcard(`bull:${QUEUE}:completed`)
  if (completed !== jobs) throw new Error(`${worker} completed ${completed} of ${jobs} jobs`)
  await stop(child)
  await redis.stop()
  return row
}
