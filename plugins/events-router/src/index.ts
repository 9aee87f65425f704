// Takes what shops report, in the words of their shop system, and hands it to the queue
// `automations` in ours: one shape of customer, order and cart for rules and templates.
//
// Settings: `topics`, a list of topics that are passed on, with `*` for any text; without it
// all that a rule could use. `queue`, instead of `automations`.

import { config, defineHandlers, type Job, log, queue, Reject } from '@runner/sdk';
import type { Jobs, ShopEvent } from '@runner/types';
import { normalise } from './normalise.ts';

/** Topics that no rule can use: they are about the shop, not about a customer. */
const IGNORED = /^(app|shop|themes|bulk_operations)\//;

async function event(job: Job<ShopEvent>): Promise<null> {
  const { topic, shopId, objectId, raw, requestId } = job.data;
  if (!wanted(topic)) {
    log.info('event ignored', { topic, shopId });
    return null;
  }
  const body = typeof raw === 'string' ? parsed(raw) : raw;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Reject(`data.raw: expected the webhook's object, found ${kind(body)}`);
  }
  const context = normalise(topic, shopId, body as Record<string, unknown>, objectId ?? undefined);
  // Shops report an event again until it is acknowledged: it is the same job each time.
  const jobId = `${shopId}/${topic}/${context.object.id ?? job.id}/${context.occurredAt ?? job.id}`;
  const id = await queue.add(
    config.get('queue') ?? 'automations',
    'evaluate',
    { trigger: topic, shopId, context, originalEvent: body, ...(requestId && { requestId }) },
    { jobId: jobId.replaceAll(':', '-') },
  );
  log.info('event passed on', { topic, shopId, automation: id, customer: context.customer?.id });
  return null;
}

function wanted(topic: string): boolean {
  const topics = config.json<string[]>('topics');
  if (!topics) return !IGNORED.test(topic);
  return topics.some(one =>
    one.endsWith('*') ? topic.startsWith(one.slice(0, -1)) : one === topic,
  );
}

/** Some producers pass the body on as the text it came in. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Reject('data.raw: expected the webhook\'s object, found a text that is not JSON');
  }
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

// Jobs are named after their topics.
export default defineHandlers<{ '*': Jobs['event'] }>({ '*': event });
