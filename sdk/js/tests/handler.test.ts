// Handlers against the fake host: what they get, what becomes of what they throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  config,
  defineHandler,
  defineHandlers,
  expectOk,
  HttpError,
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
  step,
  WaitChildren,
} from '../src/index.ts';
import { end } from '../src/failure.ts';
import { plugin, work } from '../src/handler.ts';
import { Host, job, run } from '../src/testing.ts';

const raw = { id: '7', queue: 'q', name: 'n', data: '{"n":1}', attempt: 1, maxAttempts: 1, addedAt: 5, startedAt: 6, priority: 0, delay: 0 };

test('a job has its payload, exactly', async () => {
  using _ = new Host();
  const data = { id: 12345678901234567890n, ratio: 0.1, text: '12345678901234567890' };
  const exact = defineHandler(of => of.data);
  assert.deepEqual(await run(exact, job('x', data)), data);
  assert.equal(await work(exact, { ...raw, data: '{"a":-9223372036854775808,"b":1e22}' }), '{"a":-9223372036854775808,"b":1e+22}');
  const raws = defineHandler(of => rawJson(of.json));
  assert.equal(await work(raws, { ...raw, data: '{ "a":1e400, "a":-0 }' }), '{ "a":1e400, "a":-0 }');
  await assert.rejects(work(exact, { ...raw, data: '{oops' }), (wire: any) =>
    wire.tag === 'reject' && wire.val.startsWith('the payload is not JSON: '));
});

test('handlers are found by name, then by pattern', async () => {
  using _ = new Host();
  const routed = defineHandlers({ 'orders/*': of => `any ${of.name}`, 'orders/paid': () => 'paid' });
  assert.equal(await run(routed, job('orders/paid', {})), 'paid');
  assert.equal(await run(routed, job('orders/create', {})), 'any orders/create');
  await assert.rejects(work(routed, { ...raw, name: 'x' }), {
    tag: 'reject',
    val: "no handler takes 'x'; this plugin has 'orders/*', 'orders/paid'",
  });
});

test('each failure is the host\'s', async () => {
  const cases: [unknown, object][] = [
    [new Retry('busy'), { tag: 'retry', val: 'busy' }],
    [new RetryAfter(1000, 'slow down'), { tag: 'retry-after', val: [1000, 'slow down'] }],
    [new Reject('no such user'), { tag: 'reject', val: 'no such user' }],
    [new Snooze(60_000, 'quiet hours'), { tag: 'snooze', val: [60_000, 'quiet hours'] }],
    [new WaitChildren(), { tag: 'wait-children' }],
    [new RateLimit(5, '429'), { tag: 'rate-limit', val: [5, '429'] }],
    [new TypeError('x is not a function'), { tag: 'retry', val: 'TypeError: x is not a function' }],
    [new Error('a', { cause: new Reject('b') }), { tag: 'reject', val: 'Error: a: b' }],
    [Object.assign(new Error('gone'), { name: 'UnrecoverableError' }), { tag: 'reject', val: 'UnrecoverableError: gone' }],
    ['a text', { tag: 'retry', val: 'a text' }],
    [{ code: 7 }, { tag: 'retry', val: 'thrown: {"code":7}' }],
  ];
  for (const [thrown, wire] of cases) assert.deepEqual(end(thrown).wire, wire);
  assert.throws(() => new Snooze(Number.NaN, 'x'), /Snooze takes milliseconds from 0, not NaN/);
});

test('an uncaught error tells its frames, a chosen failure does not', async () => {
  using host = new Host();
  await assert.rejects(work(defineHandler(() => { throw new Error('the sky is falling'); }), raw), {
    tag: 'retry',
    val: 'Error: the sky is falling',
  });
  const [reason, stack, frame] = host.logs.map(({ message }) => message);
  assert.equal(reason, 'Error: the sky is falling');
  assert.equal(stack, 'Stack:');
  assert.match(frame ?? '', /^ {2}\S*@.*handler\.test\.ts:\d+:\d+$/);
  host.logs.length = 0;
  await assert.rejects(work(defineHandler(() => { throw new Reject('no'); }), raw));
  assert.deepEqual(host.logs, []);
});

test('a module without a handler says how to write one', () => {
  assert.throws(() => plugin({ default: 7 }), {
    message: 'the default export is no handler; write `export default defineHandler(job => …)`',
  });
  assert.throws(() => defineHandler(7 as never), /defineHandler takes a function, not number/);
  assert.throws(() => defineHandlers({ a: 7 } as never), /the handler of 'a' is no function but number/);
});

test('what is asked outside of a job says so', () => {
  assert.throws(() => config.get('x'), /config.get needs Runner; in a unit test, make a Host/);
});

test('a result that is no JSON is rejected', async () => {
  using _ = new Host();
  const circle: { self?: unknown } = {};
  circle.self = circle;
  await assert.rejects(work(defineHandler(() => circle), raw), (wire: any) =>
    wire.tag === 'reject' && wire.val.includes('the result cannot be written as JSON'));
  await assert.rejects(work(defineHandler(() => () => 1), raw), {
    tag: 'reject',
    val: 'the result cannot be written as JSON: it is function',
  });
  assert.equal(await work(defineHandler(() => {}), raw), undefined);
});

test('log, console and progress reach the host', async () => {
  using host = new Host();
  log.info('sent', { to: 'Ada', ms: 7, skipped: undefined });
  console.warn('%s has %d', 'Ada', 3, { a: [1] });
  progress(40);
  progress(120, 'nearly');
  progress({ done: [1, 2] });
  assert.deepEqual(host.logs, [
    { level: 'info', message: 'sent', fields: { to: 'Ada', ms: '7' } },
    { level: 'warn', message: 'Ada has 3 { a: [ 1 ] }', fields: {} },
  ]);
  assert.deepEqual(host.progress, [40, { percent: 100, message: 'nearly' }, { done: [1, 2] }]);
});

test('what is missing is named with the way to grant it', async () => {
  using host = new Host();
  host.config['pages'] = '7';
  assert.equal(config.json('pages'), 7);
  assert.equal(config.json('other'), undefined);
  assert.throws(() => config.require('sender'), new Reject('the setting "sender" is missing; add it to config under [plugins.<name>] in queues.toml'));
  assert.throws(() => secret.require('TOKEN'), /the secret "TOKEN" is not granted; add `secrets = { TOKEN = "env:TOKEN" }`/);
  host.config['pages'] = 'seven';
  assert.throws(() => config.json('pages'), new Reject('the setting "pages" is not JSON: seven'));
});

test('a finished step is not run again', async () => {
  using host = new Host();
  await assert.rejects(step('email', () => Promise.reject(new Retry('busy'))), Retry);
  assert.equal(await step('email', async () => 7), 7);
  assert.equal(await step('email', () => { throw new Error('run twice'); }), 7);
  assert.deepEqual(host.steps, { email: 7 });
});

test('jobs are added with the options of BullMQ', async () => {
  using host = new Host();
  assert.equal(await queue.add('parcels', 'pack', { sku: 'B-7' }, {
    jobId: 'a', delay: 10, attempts: 5, backoff: { type: 'exponential', delay: 1000 },
    removeOnComplete: true, removeOnFail: { age: 60 }, deduplication: { id: 'd', ttl: 5 },
  }), 'a');
  assert.deepEqual(host.added[0]?.options, {
    id: 'a', delay: 10, lifo: false, attempts: 5,
    backoff: { kind: 'exponential', delay: 1000, jitter: 0 },
    removeOnComplete: { tag: 'none' }, removeOnFail: { tag: 'age', val: 60 },
    deduplication: { id: 'd', ttl: 5, extend: false, replace: false, keepLastIfActive: false, reschedule: false },
  });
  assert.deepEqual(await queue.addBulk('parcels', [{ name: 'a' }, { name: 'b', data: 1 }]), ['2', '3']);
  const flow = await queue.addFlow({
    name: 'root', queueName: 'q',
    children: [
      { name: 'leaf', queueName: 'q', children: [{ name: 'deep', queueName: 'q' }] },
      { name: 'leaf', queueName: 'q', opts: { ignoreDependencyOnFailure: true } },
    ],
  });
  assert.deepEqual(flow, { id: '4', children: [{ id: '5', children: [{ id: '6', children: [] }] }, { id: '7', children: [] }] });
  assert.deepEqual(host.added.slice(3).map(({ parent, onFailure }) => [parent, onFailure]), [
    ['none', undefined], [3, undefined], [4, undefined], [3, 'ignore'],
  ]);
  await assert.rejects(queue.add('q', 'x', {}, { removeOnFail: { age: 1, count: 2 } as never }), {
    code: 'invalid', message: 'jobs are kept by age or by count, not by both',
  });
  await assert.rejects(queue.addChildren([{ name: 'x', queueName: 'q', opts: { failParentOnFailure: true, ignoreDependencyOnFailure: true } }]),
    /a child's failure does one thing to its parent, not fail-parent and ignore/);
  host.refuseAdds = 'unavailable';
  const refused = await queue.add('q', 'x').catch((error: unknown) => error);
  assert.ok(refused instanceof QueueError);
  assert.deepEqual(end(refused).wire, { tag: 'retry', val: 'the test refuses it' });
});

test('children and their results', async () => {
  using host = new Host();
  const report = defineHandler(async of => {
    if ((await of.dependencies()).processed === 0) {
      await queue.addChildren([1, 2].map(page => ({ name: 'render', queueName: 'pages', data: { page } })));
      throw new WaitChildren();
    }
    return Object.values(await of.childrenValues<number>()).reduce((a, b) => a + b);
  });
  await assert.rejects(run(report, job('report', {})), WaitChildren);
  assert.equal(host.added.length, 2);
  Object.assign(host.childrenValues, { 'bull:pages:1': 3, 'bull:pages:2': 4 });
  assert.equal(await run(report, job('report', {}, { attempt: 1 })), 7);
});

test('fetch is the host\'s', async () => {
  using host = new Host();
  host.reply('POST', 'https://api.example.com/orders', { status: 201, json: { id: 7 }, headers: { 'X-Answer': 'yes' } });
  const response = await fetch('https://api.example.com/orders', {
    method: 'POST', body: JSON.stringify({ a: 1 }), headers: { 'content-type': 'application/json' },
    idempotent: true, timeout: 500,
  });
  assert.deepEqual([response.status, response.url, response.headers.get('x-answer'), await response.json()], [201, 'https://api.example.com/orders', 'yes', { id: 7 }]);
  const [sent] = host.requests;
  assert.deepEqual([sent?.text, sent?.idempotent, sent?.timeout, sent?.headers.get('content-type')], ['{"a":1}', true, 500, 'application/json']);

  host.reply('GET', 'https://slow.example.com/', {});
  await fetch('https://slow.example.com', { signal: AbortSignal.timeout(2000) });
  const timeout = host.requests.at(-1)?.timeout ?? 0;
  assert.ok(timeout > 1000 && timeout <= 2000, String(timeout));
  await assert.rejects(fetch('https://slow.example.com', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a request without a response says why, and whether to retry', async () => {
  using host = new Host();
  host.reply('GET', 'https://a.example.com/', { error: 'denied' });
  const denied = await fetch('https://a.example.com').catch((error: unknown) => error);
  assert.ok(denied instanceof HttpError && denied instanceof TypeError);
  assert.deepEqual(end(denied).wire, { tag: 'reject', val: 'the request was denied: a reply of the test to GET https://a.example.com/' });
  host.reply('GET', 'https://a.example.com/', { error: 'connect' });
  assert.equal(end(await fetch('https://a.example.com').catch((error: unknown) => error)).wire.tag, 'retry');
  const wrong = await fetch('not a url').catch((error: unknown) => error);
  assert.ok(wrong instanceof HttpError && wrong.code === 'invalid');
});

test('expectOk makes of a status what it deserves', async () => {
  using _ = new Host();
  const of = (status: number, headers = {}) => expectOk(new Response('the reason', { status, headers }));
  assert.equal((await of(204 - 3)).status, 201);
  await assert.rejects(of(503), new Retry('the server answered 503: the reason'));
  await assert.rejects(of(429, { 'retry-after': '7' }), (error: RetryAfter) => error instanceof RetryAfter && error.ms === 7000);
  await assert.rejects(of(404), new Reject('the server answered 404: the reason'));
});

test('a host that expected more says what', () => {
  const host = new Host();
  assert.throws(() => new Host(), /there is a Host already/);
  host.reply('GET', 'https://never.example.com/');
  assert.throws(() => host.close(), /these requests were expected and not sent: GET https:\/\/never.example.com\//);
});
