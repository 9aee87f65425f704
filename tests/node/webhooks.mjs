// Webhooks as their official libraries make and check them.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';

/** The headers (and for Twilio the URL) of a request that its sender has signed. */
export const sign = {
  github: async ({ secret, body }) => {
    const { Webhooks } = await import('@octokit/webhooks');
    return { 'X-Hub-Signature-256': await new Webhooks({ secret }).sign(body) };
  },

  stripe: async ({ secret, body, timestamp, more = [] }) => {
    const { default: Stripe } = await import('stripe');
    const stripe = new Stripe('sk_test_none');
    const of = (key) => stripe.webhooks.generateTestHeaderString({ payload: body, secret: key, timestamp });
    // While a secret is rolled, Stripe sends one v1 for each.
    const others = more.map((key) => of(key).split(',').find((part) => part.startsWith('v1=')));
    return { 'Stripe-Signature': [of(secret), ...others].join(',') };
  },

  twilio: async ({ secret, url, params }) => {
    const { getExpectedTwilioSignature } = await import('twilio/lib/webhooks/webhooks.js');
    return { 'X-Twilio-Signature': getExpectedTwilioSignature(secret, url, params ?? {}) };
  },

  twilioBody: async ({ body }) => {
    const { getExpectedBodyHash } = await import('twilio/lib/webhooks/webhooks.js');
    return { bodySHA256: getExpectedBodyHash(body) };
  },

  'standard-webhooks': async ({ secret, body, id, timestamp }) => {
    const { Webhook } = await import('standardwebhooks');
    return {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': new Webhook(secret).sign(id, new Date(timestamp * 1000), body),
    };
  },

  // Shopify has no library that signs: this is its documentation's way.
  shopify: async ({ secret, body }) => ({
    'X-Shopify-Hmac-Sha256': createHmac('sha256', secret).update(body).digest('base64'),
  }),
};

/** A receiver that verifies what it gets, and answers as it is told, the last for ever. */
export async function receive({ secret, answers }) {
  const { Webhook } = await import('standardwebhooks');
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const one = { url: request.url, method: request.method, headers: request.headers, body };
    try {
      one.payload = new Webhook(secret).verify(body, request.headers);
    } catch (error) {
      one.error = String(error);
    }
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push(one);
    if (answer.never) return;
    response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { port: server.address().port, seen };
}
