import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reject } from '@runner/sdk';
import { Host, job, run } from '@runner/sdk/testing';
import plugin from '../src/index.ts';
import { normalise } from '../src/normalise.ts';

const ORDER = {
  id: 820982911946154508n,
  admin_graphql_api_id: 'gid://shopify/Order/820982911946154508',
  name: '#1001',
  email: 'Ada@Example.com',
  updated_at: '2026-11-28T12:00:00+02:00',
  current_total_price: '19.90',
  currency: 'EUR',
  financial_status: 'paid',
  customer: {
    id: 115310627314723954n,
    first_name: 'Ada',
    phone: '+1 (415) 555-0123',
    tags: 'vip, london',
    sms_marketing_consent: { state: 'SUBSCRIBED' },
  },
  shipping_address: { country_code: 'DE', phone: '030 1234567' },
  line_items: [{ title: 'Tea', quantity: 2, sku: 'T-1' }],
};

const event = (fields: object) =>
  job('orders/paid', { topic: 'orders/paid', shopId: 'shop.myshopify.com', raw: ORDER, requestId: 'req_1', ...fields });

test('an order is passed on in our own shape', async t => {
  const host = new Host();
  t.after(() => host.close());
  assert.equal(await run(plugin, event({})), null);
  const [added] = host.added;
  assert.equal(added?.queue, 'automations');
  assert.equal(added?.name, 'evaluate');
  const { context, originalEvent, ...rest } = added?.data as Record<string, any>;
  assert.deepEqual(rest, { trigger: 'orders/paid', shopId: 'shop.myshopify.com', requestId: 'req_1' });
  assert.deepEqual(originalEvent, ORDER);
  assert.deepEqual(context.customer, {
    id: '115310627314723954',
    firstName: 'Ada',
    email: 'ada@example.com',
    phone: '+14155550123',
    country: 'DE',
    tags: ['vip', 'london'],
    smsConsent: 'subscribed',
  });
  assert.deepEqual(context.order, {
    id: 'gid://shopify/Order/820982911946154508',
    name: '#1001',
    total: '19.90',
    currency: 'EUR',
    status: 'paid',
    items: [{ title: 'Tea', quantity: 2, sku: 'T-1' }],
  });
  assert.equal(context.occurredAt, '2026-11-28T10:00:00.000Z');
});

test('an event that is reported twice is one job', async t => {
  const host = new Host();
  t.after(() => host.close());
  await run(plugin, event({}));
  await run(plugin, event({}));
  const [first, second] = host.added.map(({ options }) => options.id);
  assert.equal(first, second);
  assert.doesNotMatch(first ?? '', /:/);
});

test('topics that no rule can use are ignored, or those that are not listed', async t => {
  const host = new Host();
  t.after(() => host.close());
  await run(plugin, event({ topic: 'app/uninstalled' }));
  host.config['topics'] = '["checkouts/*"]';
  await run(plugin, event({}));
  assert.deepEqual(host.added, []);
  await run(plugin, event({ topic: 'checkouts/update', raw: JSON.stringify({ token: 'abc' }) }));
  assert.equal(host.added.length, 1);
});

test('a body that is no object is rejected with its path', async t => {
  const host = new Host();
  t.after(() => host.close());
  await assert.rejects(run(plugin, event({ raw: [1] })), new Reject("data.raw: expected the webhook's object, found a list"));
  await assert.rejects(run(plugin, event({ raw: '{oops' })), Reject);
});

test('checkouts, fulfillments and customers', () => {
  const shop = 'shop.myshopify.com';
  const cart = normalise('checkouts/update', shop, { token: 't', abandoned_checkout_url: 'https://x', total_price: 5, line_items: [] });
  assert.deepEqual(cart.checkout, { id: 't', total: '5', items: [], url: 'https://x' });
  const sent = normalise('fulfillments/create', shop, { order_id: 7, name: '#1001.1', tracking_url: 'https://t', status: 'success' });
  assert.deepEqual(sent.order, { id: '7', name: '#1001', status: 'success', trackingUrl: 'https://t', items: [] });
  const customer = normalise('customers/update', shop, { id: 9, phone: '12', sms_marketing_consent: { state: 'not_subscribed' } });
  assert.deepEqual(customer.customer, { id: '9', smsConsent: 'unsubscribed' });
  assert.equal('customer' in normalise('products/update', shop, { id: 1 }), false);
});
