// Real npm bullmq on a Cluster: adds a job to each queue, waits for its end, and
// prints {queue: {result, workers}}.
//
//   node cluster.mjs <port of a node> <queue>…

import { Queue, QueueEvents } from 'bullmq';
import { Cluster } from 'ioredis';

const [port, ...names] = process.argv.slice(2);
const nodes = [{ host: '127.0.0.1', port: Number(port) }];
const connection = new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: null } });

const ended = {};
for (const name of names) {
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection, lastEventId: '0-0' });
  await events.waitUntilReady();
  const job = await queue.add('n', { from: name });
  const result = await job.waitUntilFinished(events);
  ended[name] = { result, workers: (await queue.getWorkers()).length };
}
console.log(JSON.stringify(ended));
process.exit(0);
