// What README.md of the suite asks of each language, in TypeScript. Built for both engines.

import {
  config,
  defineHandlers,
  type Handler,
  HttpError,
  type Job,
  type JobOptions,
  log,
  progress,
  queue,
  QueueError,
  RateLimit,
  rawJson,
  Reject,
  Retry,
  RetryAfter,
  secret,
  Snooze,
  sql,
  SqlError,
  step,
  WaitChildren,
} from '@runner/sdk';
import type { Jobs } from '@runner/types';

let count = 0;
let held: unknown = 0;

type Any = Job<any>;

/** With the types of the contract. */
const place: Handler<Jobs['place']['data'], Jobs['place']['result']> = ({ data }) => {
  const pieces = data.items.reduce((sum, { quantity }) => sum + quantity, 0);
  return { id: data.id, pieces, channel: data.channel, note: data.note ?? null };
};

/** An error of the host in the words of the suite. */
async function told(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HttpError || error instanceof QueueError) {
      return { error: error.code, message: error.message };
    }
    if (error instanceof SqlError) {
      return { error: error.code, message: error.message, statement: error.statement ?? null };
    }
    throw error;
  }
}

function fall(): never {
  throw new Error('the sky is falling');
}

function recurse(depth: number): number {
  return 1 + recurse(depth + 1);
}

/** The children of `children` and `children-fail`, with this policy for the failing one. */
async function children(job: Any, policy: object): Promise<unknown> {
  const { processed, unprocessed, failed, ignored } = await job.dependencies();
  if (processed + unprocessed + failed + ignored === 0) {
    const echo = (n: number) => ({ queueName: 'work', name: 'echo', data: { n } });
    await queue.addChildren([
      echo(1),
      echo(2),
      { queueName: 'work', name: 'reject', opts: policy },
    ]);
    throw new WaitChildren();
  }
  return {
    values: Object.values(await job.childrenValues()),
    ignored: Object.values(await job.ignoredFailures()),
    failed: await job.failedChildren(),
    counts: [processed, unprocessed, failed, ignored],
    attempt: job.attempt,
  };
}

/** Whether the job has been here for less than `ms`. */
const fresh = (job: Any): boolean => Date.now() - job.addedAt.getTime() < job.data.ms;

export default defineHandlers({
  raw: job => rawJson(job.json),
  echo: job => job.data,
  nothing: () => {},
  numbers: job => ({ values: job.data.values, texts: job.data.values.map(String) }),
  text: job => ({
    text: job.data.text,
    bytes: new TextEncoder().encode(job.data.text).length,
  }),
  length: job => ({ length: new TextEncoder().encode(job.data.blob).length }),
  make: job => ({ blob: 'x'.repeat(job.data.bytes) }),
  deep: job => {
    let value: unknown[] = [];
    for (let n = 1; n < job.data.levels; n++) value = [value];
    return value;
  },
  job: (job: Any) => ({
    id: job.id,
    queue: job.queue,
    name: job.name,
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    addedAt: job.addedAt.getTime(),
    startedAt: job.startedAt.getTime(),
    priority: job.priority,
    delay: job.delay,
    requestId: job.requestId ?? null,
    parent: job.parent ?? null,
    timeLeft: job.timeLeft(),
  }),
  log: () => {
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
      log[level](`a line of ${level}`, { order: 7, note: 'two words' });
    }
  },
  print: () => {
    console.log('one');
    console.log('two');
    console.warn('three');
  },
  flood: job => {
    for (let n = 0; n < job.data.lines; n++) log.info(`line ${n}`);
  },
  progress: () => progress(25),
  'progress-message': () => progress(40, 'page 2 of 5'),
  'progress-json': () => progress({ done: [1, 2] }),
  http: job =>
    told(async () => {
      const { url, method, headers, body, timeout, redirects, idempotent } = job.data;
      const response = await fetch(url, {
        method,
        headers,
        body,
        timeout,
        redirect: redirects ? 'follow' : 'manual',
        idempotent,
      });
      const answer = response.headers.get('x-answer');
      return { status: response.status, body: await response.text(), answer };
    }),
  config: () => ({
    sender: config.get('sender'),
    limits: config.json('limits'),
    missing: config.get('missing') ?? null,
    all: config.all(),
    token: secret.require('TOKEN').length,
    absent: secret.get('ABSENT') ?? null,
  }),
  leak: () => {
    const token = secret.require('TOKEN');
    log.info(`the token is ${token}`);
    return { token };
  },
  'leak-failure': () => {
    throw new Reject(`bad token ${secret.require('TOKEN')}`);
  },
  add: job =>
    told(async () => {
      const { queue: to, name, data, id, ...rest } = job.data;
      const opts: JobOptions = id === undefined ? rest : { jobId: id, ...rest };
      return { id: await queue.add(to, name, data, opts) };
    }),
  sql: job =>
    told(async () => {
      const { database = 'main', statements } = job.data;
      const all = statements.map(({ values, ...rest }: any) => ({ params: values, ...rest }));
      const last = (await sql.transaction(database, all)).at(-1);
      const text = (value: unknown): unknown => (value === null ? null : String(value));
      return { affected: last?.affected, rows: last?.rows.map(row => Object.values(row).map(text)) };
    }),
  'add-bulk': job =>
    told(async () => {
      const jobs = Array.from({ length: job.data.count }, (_, n) => ({ name: 'bulk', data: { n } }));
      return { ids: await queue.addBulk(job.data.queue, jobs) };
    }),
  'add-flow': async job => {
    const queueName = job.data.queue;
    const leaf = (n: number, opts = {}) => ({ queueName, name: 'leaf', data: { n }, opts });
    const { id } = await queue.addFlow({
      queueName,
      name: 'root',
      children: [leaf(1), leaf(2, { ignoreDependencyOnFailure: true })],
    });
    return { id };
  },
  children: job => children(job, { ignoreDependencyOnFailure: true }),
  'children-fail': job => children(job, { failParentOnFailure: true }),
  childless: () => {
    throw new WaitChildren();
  },
  'remove-children': async (job: Any) => {
    await queue.addChildren([{ queueName: 'other', name: 'late' }]);
    const before = (await job.dependencies()).unprocessed;
    await job.removeUnprocessedChildren();
    return { before, after: (await job.dependencies()).unprocessed };
  },
  update: async (job: Any) => {
    if (job.attempt > 1) return job.data;
    await job.updateData({ updated: true });
    throw new Retry('again');
  },
  step: async (job: Any) => {
    const value = await step('once', () => job.attempt);
    if (job.attempt === 1) throw new Retry('again');
    return { step: value, attempt: job.attempt };
  },
  retry: () => {
    throw new Retry('the other side is down');
  },
  'retry-once': job => {
    if (job.attempt === 1) throw new Retry('the other side is down');
    return { attempt: job.attempt };
  },
  'retry-after': job => {
    if (job.attempt === 1) throw new RetryAfter(job.data.ms, 'slow down');
    return { attempt: job.attempt };
  },
  reject: () => {
    throw new Reject('no such user');
  },
  snooze: job => {
    if (fresh(job)) throw new Snooze(job.data.ms, 'quiet hours');
    return { attempt: job.attempt };
  },
  'rate-limit': job => {
    if (fresh(job)) throw new RateLimit(job.data.ms, '429');
    return { attempt: job.attempt };
  },
  throw: () => fall(),
  assert: () => {
    // No assertion of the language: what assertion libraries throw.
    if (1 + 1 !== Number('1')) throw Object.assign(new Error('two is not one'), { name: 'AssertionError' });
  },
  exit: () => {
    throw new Reject('JavaScript has no exit: process is not there');
  },
  recurse: () => recurse(0),
  allocate: job => {
    const blocks = [];
    for (let n = 0; n < job.data.mib; n++) blocks.push(new Uint8Array(1 << 20).fill(n + 1));
    return { mib: blocks.length };
  },
  spin: () => {
    for (;;) count++;
  },
  sleep: async job => {
    const from = Date.now();
    await new Promise(done => setTimeout(done, job.data.ms));
    return { slept: Date.now() - from };
  },
  random: () => ({
    random: String(Math.random()),
    uuid: crypto.randomUUID(),
    bytes: String(crypto.getRandomValues(new Uint32Array(4))),
  }),
  clock: () => {
    const from = performance.now();
    return {
      now: Date.now(),
      offset: new Date().getTimezoneOffset(),
      monotonic: performance.now() >= from,
    };
  },
  environment: () => ({ env: {}, args: [], stdin: '' }),
  count: () => ({ count: ++count }),
  hold: async job => {
    held = job.data.n;
    await fetch(job.data.url);
    log.info(`holds ${String(held)}`);
    return { n: held };
  },
  read: () => ({ error: 'JavaScript has no files' }),
  version: () => ({ version: 'one' }),
  place,
  '*': (job: Any) => {
    throw new Reject(`no job is named ${job.name}`);
  },
});
