import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reject } from '@runner/sdk';
import { Host, job, run } from '@runner/sdk/testing';
import plugin from '../src/index.js';

test('a person is greeted', async t => {
  const host = new Host();
  t.after(() => host.close());
  assert.deepEqual(await run(plugin, job('hello', { name: 'Ada' })), { greeting: 'hello Ada' });
  assert.equal(host.logs[0]?.message, 'greeting Ada');
});

test('a payload without a name is rejected', async t => {
  const host = new Host();
  t.after(() => host.close());
  await assert.rejects(run(plugin, job('hello', {})), Reject);
});
