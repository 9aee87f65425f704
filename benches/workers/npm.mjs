// npm bullmq with the handler of the benches.
// Environment: REDIS_URL, QUEUE, CONCURRENCY, SANDBOXED=1 for child processes.
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import handler from './handler.cjs'

const { REDIS_URL, QUEUE, CONCURRENCY, SANDBOXED } = process.env
const file = fileURLToPath(new URL('./handler.cjs', import.meta.url))
const worker = new Worker(QUEUE, SANDBOXED === '1' ? file : handler, {
  connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
  concurrency: Number(CONCURRENCY),
})
worker.on('error', error => console.error(error))
