// The peer of the HTTP API: what a Node team writes, Fastify in front of npm bullmq.
//
//   REDIS_URL=redis://127.0.0.1:6379 PORT=3001 node benches/api/fastify.mjs
import { createInterface } from 'node:readline'
import { Queue } from 'bullmq'
import Fastify from 'fastify'

const connection = { url: process.env.REDIS_URL }
const queue = new Queue('bench', { connection })
await queue.waitUntilReady()
const app = Fastify()
const text = { type: 'string' }
const line = {
  type: 'object',
  required: ['sku', 'quantity'],
  properties: { sku: text, quantity: { type: 'integer', minimum: 0 } },
}
const body = {
  type: 'object',
  required: ['orderId', 'shopId', 'total', 'lines'],
  properties: { orderId: text, shopId: text, total: { type: 'number' }, lines: { type: 'array', items: line } },
}

app.post('/api/jobs/bench', { schema: { body } }, async (request, reply) => {
  const job = await queue.add('place-order', request.body)
  return reply.code(201).send({ jobId: job.id, queue: 'bench', name: job.name, state: 'waiting' })
})

app.get('/api/jobs/status/bench/:id', async (request, reply) => {
  const job = await queue.getJob(request.params.id)
  if (!job) return reply.code(404).send({ detail: 'no such job' })
  const { id, name, progress, attemptsMade, timestamp, processedOn, finishedOn, returnvalue, failedReason } = job
  const state = await job.getState()
  return { jobId: id, name, state, progress, attemptsMade, timestamp, processedOn, finishedOn, returnvalue, failedReason }
})

// NDJSON, added in batches of a thousand while it comes.
app.addContentTypeParser('application/x-ndjson', (request, payload, done) => done(null, payload))
app.post('/api/jobs/bench/bulk', { bodyLimit: 1 << 30 }, async (request, reply) => {
  const ids = []
  let batch = []
  const send = async () => {
    const jobs = await queue.addBulk(batch)
    batch = []
    for (const job of jobs) ids.push(job.id)
  }
  for await (const line of createInterface({ input: request.body, crlfDelay: Infinity })) {
    if (line) batch.push(JSON.parse(line))
    if (batch.length === 1000) await send()
  }
  if (batch.length) await send()
  return reply.send(ids.map((jobId, at) => ({ line: at + 1, jobId })))
})

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
process.send?.('listening')
