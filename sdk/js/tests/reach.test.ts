// Databases, keys and objects against the fake host.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobError, blobs, kv, KvError, sql, SqlError } from '../src/index.ts';
import { type Imports, wire } from '../src/engine/wire.ts';
import { end } from '../src/failure.ts';
import { begin, use } from '../src/host.ts';
import { Host } from '../src/testing.ts';

/** The error, and what becomes of the job with it. */
async function failed(promise: Promise<unknown>): Promise<[unknown, string]> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  return [error, end(error).wire.tag];
}

test('rows come exactly', async () => {
  using host = new Host();
  const at = new Date('2026-11-28T23:59:59.123Z');
  const row = {
    id: 7, big: 9007199254740993n, huge: 2n ** 64n, total: sql.decimal('12.340'), ratio: 0.5, note: null, ok: true,
    at, day: sql.date('2026-11-28'), tags: ['a', null], meta: sql.json({ n: 12345678901234567890n }), seal: new Uint8Array([1]),
  };
  host.statement('main', 'from invoices', { rows: [row] });
  const { rows, affected, columns } = await sql.query<{ id: number }>('main', 'select *\n from   invoices where id = $1', [7]);
  assert.deepEqual(rows, [{
    id: 7, big: 9007199254740993n, huge: '18446744073709551616', total: '12.340', ratio: 0.5, note: null, ok: true,
    at: '2026-11-28T23:59:59.123Z', day: '2026-11-28', tags: ['a', null], meta: { n: 12345678901234567890n }, seal: new Uint8Array([1]),
  }]);
  assert.equal(affected, 1);
  assert.equal(columns[0]?.name, 'id');
  assert.deepEqual(host.statements[0]?.parameters, [{ tag: 'scalar', val: { tag: 'integer', val: 7 } }]);
});

test('parameters keep their type', async () => {
  using host = new Host();
  host.statement('main', 'insert', { affected: 1 });
  const params = [undefined, 'x', 1.5, 2 ** 53, -1n, 2n ** 63n, { a: [1] }, sql.float(1), ['a'], sql.uuid('u')];
  assert.equal(await sql.execute('main', 'insert', params, { expect: 1 }), 1);
  const scalars = host.statements[0]?.parameters.map(({ val }) => (Array.isArray(val) ? val : [val.tag, 'val' in val ? val.val : null]));
  assert.deepEqual(scalars, [
    ['null', null], ['text', 'x'], ['float', 1.5], ['float', 2 ** 53], ['integer', -1n], ['numeric', '9223372036854775808'],
    ['json', '{"a":[1]}'], ['float', 1], [{ tag: 'text', val: 'a' }], ['uuid', 'u'],
  ]);
  const [error, verdict] = await failed(sql.query('main', 'select $1', [new Map() as never]));
  assert.ok(error instanceof SqlError && error.code === 'invalid' && verdict === 'reject');
  assert.equal(error.message, 'parameter 1 is a Map, which is no value of SQL; sql.json() makes JSON of it');
});

test('a transaction names the statement that failed', async () => {
  using host = new Host();
  host.statement('main', 'update stock', { affected: 1 });
  host.statement('main', 'insert into orders', { rows: [{ id: 1 }] });
  const update = { text: 'update stock set n = n - 1', expect: 1 };
  const insert = { text: 'insert into orders default values returning id' };
  const [first, second] = await sql.transaction('main', [update, insert]);
  assert.deepEqual([first?.affected, second?.rows], [1, [{ id: 1 }]]);
  host.statement('main', 'insert into orders');
  host.statement('main', 'update stock');
  const [error, verdict] = await failed(sql.transaction('main', [insert, update]));
  assert.ok(error instanceof SqlError);
  assert.deepEqual([error.code, error.statement, verdict], ['expectation', 1, 'reject']);
});

test('what may work later is retried', async () => {
  using host = new Host();
  const cases = {
    denied: 'reject', invalid: 'reject', constraint: 'reject', limit: 'reject', conflict: 'retry', timeout: 'retry',
    unavailable: 'retry', uncertain: 'retry', failed: 'retry',
  } as const;
  for (const [error, expected] of Object.entries(cases)) {
    host.statement('main', 'select 1', { error: error as keyof typeof cases, constraint: 'users_pkey' });
    const [thrown, verdict] = await failed(sql.query('main', 'select 1'));
    assert.ok(thrown instanceof SqlError && thrown.code === error && thrown.constraint === 'users_pkey');
    assert.equal(verdict, expected, error);
  }
  for (const [error, expected] of [['denied', 'reject'], ['limit', 'reject'], ['lost', 'retry'], ['unavailable', 'retry']] as const) {
    host.kv.refuse = error;
    const [thrown, verdict] = await failed(kv.get('a'));
    assert.ok(thrown instanceof KvError && thrown.code === error);
    assert.equal(verdict, expected, error);
  }
  for (const [error, expected] of [['denied', 'reject'], ['not-found', 'reject'], ['timeout', 'retry'], ['unavailable', 'retry']] as const) {
    host.blobs.refuse = error;
    const [thrown, verdict] = await failed(blobs.create('box', 'a'));
    assert.ok(thrown instanceof BlobError && thrown.code === error);
    assert.equal(verdict, expected, error);
  }
});

test('a host that expected more statements says which', async () => {
  const host = new Host();
  host.statement('main', 'select 1');
  await assert.rejects(sql.query('other', 'select\n1'), /no outcome for the statement on "other": select 1; expected: main: select 1/);
  assert.throws(() => host.close(), /these statements were expected and not run: main: select 1/);
});

test('keys stay until their time is over', async () => {
  using host = new Host();
  await kv.set('a', 'x', { ttl: 1000 });
  await kv.setJson('b', { n: 12345678901234567890n });
  host.kv.advance(400);
  assert.deepEqual(await kv.entry('a'), { value: new TextEncoder().encode('x'), ttl: 600 });
  assert.deepEqual(await kv.getJson('b'), { n: 12345678901234567890n });
  host.kv.advance(600);
  assert.equal(await kv.getText('a'), undefined);
  assert.deepEqual(host.kv.all(), { b: '{"n":12345678901234567890}' });
  assert.deepEqual([await kv.expire('b', { ttl: 1 }), await kv.expire('c', {}), await kv.delete('b'), await kv.delete('b')], [true, false, true, false]);

  assert.equal(await kv.increment('n', 2, { ttl: 10 }), 2);
  host.kv.advance(5);
  assert.equal(await kv.increment('n', -5), -3);
  host.kv.advance(5);
  assert.equal(await kv.increment('n'), 1);
  await kv.set('n', 'text');
  await assert.rejects(kv.increment('n'), { code: 'invalid', message: '"n" holds no integer' });
  await assert.rejects(kv.getJson('n'), { code: 'invalid', message: 'the value of "n" is not JSON' });
  await assert.rejects(kv.set('n', '', { ttl: 0 }), { code: 'invalid', message: 'ttl is milliseconds above 0, not 0' });

  assert.equal(await kv.compareAndSet('c', undefined, '1'), true);
  assert.equal(await kv.compareAndSet('c', undefined, '2'), false);
  assert.equal(await kv.compareAndSet('c', '1', undefined), true);
  for (let n = 0; n < 1500; n++) await kv.set(`k/${String(n).padStart(4, '0')}`, '');
  const keys = [];
  for await (const key of kv.keys('k/')) keys.push(key);
  assert.equal(keys.length, 1500);
  assert.equal(keys[1499], 'k/1499');
});

test('objects are written and read, whole and in parts', async () => {
  using host = new Host();
  const etag = await blobs.put('box', 'a.txt', 'hello', { ifAbsent: true, contentType: 'text/plain' });
  assert.equal(await blobs.getText('box', 'a.txt'), 'hello');
  assert.deepEqual(await blobs.get('box', 'a.txt', { offset: 1, length: 2 }), new TextEncoder().encode('el'));
  assert.equal(host.blobs.contentType('box', 'a.txt'), 'text/plain');
  await assert.rejects(blobs.put('box', 'a.txt', '', { ifAbsent: true }), { code: 'precondition' });
  await blobs.put('box', 'a.txt', 'bye', { ifUnchanged: etag ?? '' });
  const head = await blobs.head('box', 'a.txt');
  assert.deepEqual([head.size, head.modified instanceof Date], [3, true]);

  const upload = await blobs.create('box', 'big');
  for (let n = 0; n < 5; n++) await upload.write('x'.repeat(700_000));
  assert.deepEqual(Object.keys(host.blobs.all('box')), ['a.txt']);
  await upload.finish();
  const sizes = [];
  for await (const part of blobs.read('box', 'big')) sizes.push(part.length);
  assert.deepEqual(sizes, [1 << 20, 1 << 20, 1 << 20, 3_500_000 - (3 << 20)]);
  const listed = [];
  for await (const { key } of blobs.list('box')) listed.push(key);
  assert.deepEqual(listed, ['a.txt', 'big']);
  await assert.rejects(async () => {
    for await (const _ of blobs.read('box', 'big')) host.blobs.put('box', 'big', 'y'.repeat(2_000_000));
  }, { code: 'precondition', message: '"big" was changed while it was read' });
  assert.equal(await blobs.presign('box', 'a', 'read', 60), 'https://box.test/a?access=read&seconds=60');
  await blobs.delete('box', 'a.txt');
  await assert.rejects(blobs.get('box', 'a.txt'), { code: 'not-found' });
});

test('where the engine takes no negative integer, a key is lowered in steps', async () => {
  const held = new Map([['n', '3']]);
  let races = 1;
  const asked: string[] = [];
  const bytes = (text: string | undefined) => (text === undefined ? undefined : new TextEncoder().encode(text));
  const fake = {
    get: (key: string) => held.has(key) && { value: bytes(held.get(key)), ttl: 5n },
    increment: () => assert.fail('it would abort the engine'),
    compareAndSet: (key: string, expected: Uint8Array | undefined, value: Uint8Array, ttl: unknown) => {
      asked.push(`${new TextDecoder().decode(expected)} ${ttl}`);
      if (races-- > 0) held.set(key, '4');
      if (new TextDecoder().decode(expected) !== (held.get(key) ?? '')) return false;
      held.set(key, new TextDecoder().decode(value));
      return true;
    },
  };
  begin();
  try {
    use(wire({ kv: fake } as unknown as Imports, BigInt));
    assert.equal(await kv.increment('n', -5), -1);
    assert.equal(await kv.increment('new', -2, { ttl: 9 }), -2);
    assert.deepEqual(asked, ['3 5', '4 5', ' 9']);
    held.set('n', 'text');
    await assert.rejects(kv.increment('n', -1), { code: 'invalid', message: '"n" holds no integer' });
  } finally {
    use(undefined);
  }
});

test('an integer that the engine rounds is an error, never another number', async () => {
  const sent: unknown[] = [];
  const answer = (val: unknown) => ({ query: (...args: unknown[]) => {
    sent.push(args[1]);
    return { columns: [{ name: 'id', kind: 'int8' }], rows: [[{ tag: 'scalar', val: { tag: 'integer', val } }]], affected: 1 };
  } });
  begin();
  try {
    use(wire({ sql: answer(9007199254740992) } as unknown as Imports, value => value));
    await assert.rejects(sql.query('main', 'select', [9007199254740993n, 5n]), {
      message: 'the column "id" has an integer beyond 2^53, which QuickJS would round; select it as text, or set engine = "starlingmonkey" in plugin.toml',
    });
    assert.deepEqual(sent.pop(), { text: 'select', expect: undefined, parameters: [
      { tag: 'scalar', val: { tag: 'numeric', val: '9007199254740993' } }, { tag: 'scalar', val: { tag: 'integer', val: 5 } },
    ] });
    use(wire({ sql: answer(9007199254740993n) } as unknown as Imports, BigInt));
    assert.deepEqual((await sql.query('main', 'select', [9007199254740993n])).rows, [{ id: 9007199254740993n }]);
    use(wire({ sql: { query: () => { throw { payload: { kind: 'constraint', constraint: 'k', code: '23505', message: 'main: no' } }; } } } as unknown as Imports, BigInt));
    const [error] = await failed(sql.query('main', 'select'));
    assert.ok(error instanceof SqlError);
    assert.deepEqual([error.code, error.constraint, error.sqlState, error.message], ['constraint', 'k', '23505', 'main: no']);
  } finally {
    use(undefined);
  }
});
