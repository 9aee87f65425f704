// Option sets as producers write them, and what BullMQ's own Job makes of each.
//
//   node options.mjs <5|6> <redis port> <prefix>
//
// Each set is added by Queue.add, or written raw where only other producers write
// it. Then the job is active and ends three times from the same start: its first
// attempt fails, its third fails, and it completes after four log lines. One JSON
// line per set: { name, hash, first, third, done }; an end is what it left behind,
// or { error } where BullMQ's Job throws and leaves the job active.

import { readFileSync } from 'node:fs';

import IORedis from 'ioredis';

const [version, port, prefix] = process.argv.slice(2);
const { Job, Queue } = await import(version === '5' ? 'bullmq5' : 'bullmq');
const connection = new IORedis({ host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null });

const none = undefined;
const values = {
  attempts: [none, 0, 1, 2, 3, 4, 10, 2.5, -1, 1e9, 1e300, true],
  backoff: [
    none, 0, 1, 700, 1000.5, 2e12,
    ...['fixed', 'exponential'].flatMap((type) => [
      { type }, { type, delay: 0 }, { type, delay: 500 }, { type, delay: 33.3 }, { type, delay: -1 },
      { type, delay: -7 }, { type, delay: 1e13 }, { type, delay: 500, jitter: 0 }, { type, delay: 500, jitter: 0.5 },
      { type, delay: 500, jitter: 1 }, { type, delay: 100.5, jitter: 0.25 }, { type, delay: 500, jitter: -1 },
    ]),
    { type: 'custom', delay: 7 }, { delay: 5 }, {},
  ],
  lifo: [none, true, false],
  priority: [none, 0, 1, 5, 2097151],
  delay: [none, 0, 5000, 10.7],
  removeOnComplete: [
    none, true, false, 0, 1, 2, 5, -1, {}, { age: 1 }, { age: 3600 }, { age: 3600.5 }, { age: 0 }, { age: -1 },
    { count: 1 }, { count: 0 }, { count: -1 }, { count: 2, age: 3600 }, { age: 3600, limit: 1 },
    { age: 10, count: 1, limit: 1 }, { limit: 1 }, { count: 1e12 },
  ],
  keepLogs: [none, 0, 1, 2, 100, -1, -2],
  stackTraceLimit: [none, 0, 1, 2, 3, 1e9, -1, 2.5, 0.5],
  timestamp: [none, 1, 1600000000000, 1600000000000.5],
  sizeLimit: [none, 1000],
  deduplication: [none, { id: 'd' }, { id: 'd', ttl: 60000 }, { id: 'd', ttl: 60000, extend: true, replace: true }],
  telemetry: [none, { metadata: '{"traceparent":"00-1-2-01"}' }, { omitContext: true }],
  jobId: [none, 'own'],
  unknown: [none, 'x', { deep: [1, null] }],
};
values.removeOnFail = values.removeOnComplete;

/** What Queue.add refuses or encodes otherwise; other producers write it. */
const raw = {
  attempts: ['3', ' 5 ', '', 'many', null, [4], {}, '0x10', 'Infinity', '1e2', false],
  backoff: [
    '1000', 'fixed', true, false, null, [], [5], -1, -5,
    ...['fixed', 'exponential'].flatMap((type) => [
      { type, delay: '250' }, { type, delay: '' }, { type, delay: 'soon' }, { type, delay: null },
      { type, delay: true }, { type, delay: 500, jitter: 2 }, { type, delay: 500, jitter: '0.5' },
      { type, delay: 500, jitter: null }, { type, delay: 500, jitter: 'x' },
    ]),
    { type: 5, delay: 9 }, { type: null, delay: 9 }, { type: 'Fixed', delay: 9 }, { type: 'toString', delay: 9 },
  ],
  lifo: [1, 0, 'yes', '', null, {}],
  removeOnComplete: [
    '5', '', null, [], [1], 1.5, -0.5, { count: 1.5 }, { count: '1' }, { age: '3600' }, { count: null, age: 3600 },
    { count: 'x' }, { age: 'x' }, { age: null }, { count: true }, { limit: null, age: 3600 }, { limit: '1', age: 3600 },
  ],
  kl: ['2', 2.5, true, false, null, 'x', 0.5],
  stackTraceLimit: ['2', 'x', '', null, true, false, [], '-1'],
  repeat: [{ pattern: '0 3 * * *', count: 1 }, 5],
  de: [null, 'd', {}],
  delay: ['10', null, -5, 1e300],
  priority: ['1', null],
};
raw.removeOnFail = raw.removeOnComplete;

/** The same numbers at each run. */
let state = 20;
const pick = (list) => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return list[Math.floor((state / 2147483648) * list.length)];
};

function sets() {
  const all = [];
  const dense = { attempts: 5 };
  for (const [name, list] of Object.entries(values)) {
    for (const value of list) all.push({ opts: { ...dense, [name]: value } }, { opts: { [name]: value } });
  }
  for (let n = 0; n < 400; n++) {
    const opts = {};
    for (const [name, list] of Object.entries(values)) opts[name] = pick([none, pick(list)]);
    // Most of what is drawn shows at a retry only.
    if (n % 3) opts.attempts = pick([5, 9]);
    all.push({ opts });
  }
  for (const [name, list] of Object.entries(raw)) {
    for (const value of list) all.push({ raw: { ...dense, [name]: value } }, { raw: { [name]: value } });
  }
  for (let n = 0; n < 200; n++) {
    const opts = n % 3 ? { attempts: 5 } : {};
    for (const [name, list] of Object.entries(raw)) if (pick([true, false, false])) opts[name] = pick(list);
    for (const [name, list] of Object.entries(values)) {
      // What the wire calls otherwise was drawn above.
      if (pick([true, false]) && !['keepLogs', 'deduplication', 'telemetry', 'jobId'].includes(name)) opts[name] ??= pick(list);
    }
    all.push({ raw: opts });
  }
  for (const text of ['', '{}', '5', '"x"', 'null', '[]', '[{"attempts":5}]', '{"attempts":5,"attempts":2}']) all.push({ text });
  for (const priority of ['3', '3.0', '-1', 'x', '', '2.5', '1e3']) all.push({ raw: dense, fields: { priority } });
  return all;
}

const read = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');
const START = read('options-start.lua');
const END = read('options-end.lua');

const failure = Object.assign(new Error('it failed'), { stack: 'it failed' });
const ends = {
  first: async (job) => void (await job.moveToFailed(failure, 'token', false)),
  third: async (job) => void (await job.moveToFailed(failure, 'token', false)),
  done: async (job) => {
    for (const line of ['1', '2', '3', '4']) await job.log(line);
    await job.moveToCompleted('ok', 'token', false);
  },
};

/** The range of a random wait; the formula is done before anything else runs. */
async function range(job) {
  const random = Math.random;
  const waits = [0, 1 - Number.EPSILON].map((at) => {
    Math.random = () => at;
    return job.shouldRetryJob(failure).then(([, wait]) => Number(wait) || 0, () => 0);
  });
  Math.random = random;
  return Promise.all(waits);
}

async function corpus(set, n) {
  const name = `${version}-${n}`;
  const queue = new Queue(name, { connection, prefix });
  queue.on('error', () => {});
  const base = `${prefix}:${name}:`;
  let id = 'raw';
  if (set.opts) {
    try {
      id = (await queue.add('n', {}, set.opts)).id;
    } catch {
      return null; // Refused: nobody has such a job.
    }
  } else {
    const opts = set.text ?? JSON.stringify(set.raw);
    await connection.hset(base + id, {
      name: 'n', data: '{}', opts, timestamp: 1600000000000, delay: 0, priority: set.raw?.priority ?? 0, ...set.fields,
    });
  }
  const hash = await connection.hgetall(base + id);
  const outcome = { name, id, set: set.text ?? JSON.stringify(set), hash };
  const flat = Object.entries(hash).flat();
  for (const [end, run] of Object.entries(ends)) {
    await connection.eval(START, 0, base, id, end, 'active', ...flat);
    const job = await Job.fromId(queue, id).catch((error) => ({ error }));
    if (job.error) {
      outcome[end] = { error: String(job.error) };
      continue;
    }
    const waits = end === 'done' ? [0, 0] : await range(job);
    try {
      await run(job);
      outcome[end] = { ...JSON.parse(await connection.eval(END, 0, base, id)), waits };
    } catch (error) {
      outcome[end] = { error: String(error.message).split('\n')[0] };
    }
  }
  return outcome;
}

const all = sets();
for (let from = 0; from < all.length; from += 50) {
  const outcomes = await Promise.all(all.slice(from, from + 50).map((set, i) => corpus(set, from + i)));
  for (const outcome of outcomes) if (outcome) console.log(JSON.stringify(outcome));
}
process.exit(0);
