// Real npm bullmq for the tests, driven over standard input and output.
//
//   node bridge.mjs <5|6> <redis port> <prefix>
//
// One JSON line per call, {id, op, args}; one per answer, {id, result} or
// {id, error}. Calls run side by side. The process ends with its input.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [version, port, prefix] = process.argv.slice(2);
const package_ = version === '5' ? 'bullmq5' : 'bullmq';
const { FlowProducer, Job, Queue, QueueEvents, UnrecoverableError, Worker } = await import(package_);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };

/** One per queue and kind, kept open until the end. */
const open = new Map();
function once(kind, queue, make) {
  const key = `${kind} ${queue}`;
  if (!open.has(key)) {
    const made = make();
    made.on?.('error', () => {}); // Redis is killed on purpose; clients reconnect.
    open.set(key, made);
  }
  return open.get(key);
}

const queueOf = (name) => once('queue', name, () => new Queue(name, { connection, prefix }));

const eventNames = [
  'added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed', 'stalled',
  'drained', 'removed', 'paused', 'resumed', 'retries-exhausted', 'waiting-children', 'duplicated',
];

/** QueueEvents from the queue's first event on, and all it has emitted. */
function eventsOf(name) {
  return once('events', name, () => {
    const events = new QueueEvents(name, { connection, prefix, lastEventId: '0-0' });
    events.seen = [];
    for (const event of eventNames) {
      // `drained` has no arguments but the stream's id.
      events.on(event, (args) => events.seen.push({ event, ...(typeof args === 'object' ? args : {}) }));
    }
    return events;
  });
}

/** What crosses to the tests: jobs as their fields, other values as they are. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Job) {
    const { id, name, data, opts, progress, returnvalue, failedReason, stacktrace } = value;
    const { attemptsMade, attemptsStarted, stalledCounter, processedBy } = value;
    const { timestamp, processedOn, finishedOn, delay, priority } = value;
    return {
      id, name, data, opts, progress, returnvalue, failedReason, stacktrace,
      attemptsMade, attemptsStarted, stalledCounter, processedBy,
      timestamp, processedOn, finishedOn, delay, priority,
    };
  }
  return value ?? null;
}

/** tests/guests/examples/flows.rs, the job `parent`. */
async function parent(job) {
  if (job.data.alone) await job.removeUnprocessedChildren();
  const { processed, unprocessed, failed, ignored } = await job.getDependenciesCount();
  return {
    values: await job.getChildrenValues(),
    ignored: await (job.getIgnoredChildrenFailures ?? job.getFailedChildrenValues).call(job),
    failed: (await job.getDependencies()).failed ?? [],
    counts: [processed, unprocessed, failed, ignored],
    attempt: job.attemptsMade + 1,
  };
}

/** tests/guests/examples/scripted.rs, as a BullMQ processor. */
async function scripted(job) {
  if (job.name === 'parent') return parent(job);
  const { log = [], progress = [], sleep = 0, retry, attempts = 0, reject, result = null } = job.data;
  for (const line of log) await job.log(line);
  for (const percent of progress) await job.updateProgress(percent);
  await new Promise((resolve) => setTimeout(resolve, sleep));
  if (retry && (attempts === 0 || job.attemptsMade < attempts)) throw new Error(retry);
  if (reject) throw new UnrecoverableError(reject);
  return result;
}

async function jobOf({ queue, id }) {
  const job = await Job.fromId(queueOf(queue), id);
  if (!job) throw new Error(`queue ${queue} has no job ${id}`);
  return job;
}

const operations = {
  queue: async ({ queue, method, args }) => plain(await queueOf(queue)[method](...(args ?? []))),

  /** Why `add` refuses a job; null when it does not. */
  refusal: ({ queue, args }) => queueOf(queue).add(...args).then(() => null, (error) => error.message),

  job: async (args) => {
    const job = await Job.fromId(queueOf(args.queue), args.id);
    return job ? { ...plain(job), state: await job.getState() } : null;
  },

  jobCall: async ({ method, args, ...which }) => plain(await (await jobOf(which))[method](...(args ?? []))),

  finished: async (args) => {
    const events = eventsOf(args.queue);
    await events.waitUntilReady();
    try {
      return (await (await jobOf(args)).waitUntilFinished(events)) ?? null;
    } catch (error) {
      return { error: error.message };
    }
  },

  /** Everything seen, once the wanted event is there. */
  events: ({ queue, until, id }) =>
    new Promise((resolve) => {
      const events = eventsOf(queue);
      const found = () => events.seen.some((seen) => seen.event === until && (!id || seen.jobId === id));
      const look = () => {
        if (!found()) return false;
        for (const event of eventNames) events.off(event, look);
        resolve(events.seen);
        return true;
      };
      if (!look()) for (const event of eventNames) events.on(event, look);
    }),

  /** Add many jobs: `count` of one name, data {n}. */
  flood: async ({ queue, name, count, data, opts }) => {
    const size = 500;
    for (let from = 0; from < count; from += size) {
      const jobs = Array.from({ length: Math.min(size, count - from) }, (_, i) => ({
        name,
        data: { n: from + i, ...data },
        opts,
      }));
      await queueOf(queue).addBulk(jobs);
    }
    return count;
  },

  /** Add a flow; the jobs as a tree of their ids. */
  flow: async ({ flow }) => {
    const producer = once('flows', '', () => new FlowProducer({ connection, prefix }));
    const ids = ({ job, children }) => ({ id: job.id, children: (children ?? []).map(ids) });
    return ids(await producer.add(flow));
  },

  /** A Node worker on the queue, with the same handler as the guest `scripted`. */
  worker: async ({ queue, concurrency = 1, metrics, limiter, keeps = {} }) => {
    const worker = once('worker', queue, () => {
      const made = new Worker(queue, scripted, { connection, prefix, concurrency, metrics, limiter, ...keeps });
      made.done = 0;
      made.on('completed', () => (made.done += 1));
      return made;
    });
    await worker.waitUntilReady();
    return true;
  },

  /** Close it; how many jobs it has done. */
  closeWorker: async ({ queue }) => {
    const worker = open.get(`worker ${queue}`);
    await worker.close();
    return worker.done;
  },

  /** The next time of each [pattern, zone, after], by the parser that this bullmq brings. */
  cron: async ({ asked }) => {
    const require = createRequire(import.meta.resolve(`${package_}/package.json`));
    const parser = require('cron-parser');
    const parse = parser.CronExpressionParser?.parse ?? parser.parseExpression;
    return asked.map(([pattern, tz, after]) => {
      try {
        return parse(pattern, { tz, currentDate: new Date(after) }).next().getTime();
      } catch {
        return null;
      }
    });
  },

  /** What Bull Board shows of a queue: its counts and its jobs in a state. */
  board: async ({ queue, status }) => {
    const { createBullBoard } = await import('@bull-board/api');
    const { BullMQAdapter } = await import('@bull-board/api/bullMQAdapter');
    let routes;
    const server = {
      setStaticPath() { return this; },
      setViewsPath() { return this; },
      setErrorHandler() { return this; },
      setEntryRoute() { return this; },
      setUIConfig() { return this; },
      setQueues(queues) { this.queues = queues; return this; },
      setApiRoutes(given) { routes = given; return this; },
    };
    createBullBoard({ queues: [new BullMQAdapter(queueOf(queue))], serverAdapter: server });
    const route = routes.find(({ route }) => [route].flat().includes('/api/queues'));
    const query = { activeQueue: queue, status, page: '1', jobsPerPage: '50' };
    const { body } = await route.handler({ queues: server.queues, query, params: {}, headers: {}, body: {} });
    return body.queues.find(({ name }) => name === queue);
  },

  /** Headers by which the sender of a webhook proves itself. */
  sign: async ({ scheme, ...args }) => {
    const { sign } = await import('./webhooks.mjs');
    return sign[scheme](args);
  },

  /** Receive webhooks; the port. */
  receive: async (args) => {
    const { receive } = await import('./webhooks.mjs');
    const receiver = await receive(args);
    open.set(`receiver ${receiver.port}`, receiver);
    return receiver.port;
  },

  /** What a receiver has got. */
  received: async ({ port }) => open.get(`receiver ${port}`).seen,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, args } = JSON.parse(line);
  Promise.resolve()
    .then(() => operations[op](args))
    .then(
      (result) => console.log(JSON.stringify({ id, result: result ?? null })),
      (error) => console.log(JSON.stringify({ id, error: error.stack ?? String(error) })),
    );
}
process.exit(0);
