import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reject } from '@runner/sdk';
import { Host, job, run } from '@runner/sdk/testing';
import plugin from '../src/index.js';

test('a job is refused until its function is written', async t => {
  const host = new Host();
  t.after(() => host.close());
  await assert.rejects(run(plugin, job({{quoted}}, {})), Reject);
});
