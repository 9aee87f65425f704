// npm bullmq's worker as make faults runs it: does what a job's data says, as the
// guest `scripted` does, and prints each start and end.
// Environment: REDIS_URL, QUEUE, CONCURRENCY, LOCK and STALLED in milliseconds.
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'

const { REDIS_URL, QUEUE, CONCURRENCY, LOCK, STALLED } = process.env
const sleep = ms => new Promise(done => setTimeout(done, ms))
async function run(job) {
  process.stdout.write(`ran ${job.id}\n`)
  for (const end = performance.now() + (job.data.spin ?? 0); performance.now() < end; );
  await sleep(job.data.sleep ?? 0)
  process.stdout.write(`ended ${job.id}\n`)
  if (job.data.reject) throw new Error(job.data.reject)
  return job.data.result
}
const worker = new Worker(QUEUE, run, {
  connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
  concurrency: Number(CONCURRENCY),
  lockDuration: Number(LOCK),
  stalledInterval: Number(STALLED),
})
worker.on('error', () => {})
worker.waitUntilReady().then(() => process.stdout.write('ready\n'))
process.on('SIGTERM', () => worker.close().then(() => process.exit(0)))
