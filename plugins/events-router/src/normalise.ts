// From a webhook of Shopify to what rules and templates know. Nothing is made up: what the
// event does not have is left out.

/** What rules and templates can use. */
export interface Context {
  /** The event: `orders/paid`. */
  topic: string;
  /** The shop: `shop.myshopify.com`. */
  shop: string;
  /** When it happened, as ISO 8601 in UTC. */
  occurredAt?: string;
  /** What the event is about. */
  object: { type: string; id?: string };
  /** Who it is about. */
  customer?: Customer;
  /** What was ordered. */
  order?: Order;
  /** What waits in the cart. */
  checkout?: Order & { url?: string };
}

/** A customer, with what may be sent to them. */
export interface Customer {
  id?: string;
  firstName?: string;
  lastName?: string;
  email?: string;
  /** As E.164: `+14155550123`. */
  phone?: string;
  /** Of the address: `DE`. */
  country?: string;
  locale?: string;
  tags?: string[];
  /** Whether they agreed to messages by SMS. */
  smsConsent?: 'subscribed' | 'unsubscribed' | 'pending' | 'unknown';
}

/** An order or a cart. */
export interface Order {
  id?: string;
  /** As people know it: `#1001`. */
  name?: string;
  /** In the currency's main unit, as text, which is exact: `19.90`. */
  total?: string;
  currency?: string;
  items: { title: string; quantity: number; sku?: string }[];
  status?: string;
  trackingUrl?: string;
}

type Raw = Record<string, unknown>;

/** The context of an event. */
export function normalise(topic: string, shop: string, raw: Raw, objectId?: string): Context {
  const type = topic.split('/')[0] ?? topic;
  const id = objectId ?? text(raw['admin_graphql_api_id']) ?? text(raw['id']) ?? text(raw['token']);
  const at = instant(raw['updated_at'] ?? raw['processed_at'] ?? raw['created_at']);
  const of: Context = { topic, shop, object: { type, ...drop({ id }) }, ...drop({ occurredAt: at }) };
  const customer = customerOf(type === 'customers' ? raw : record(raw['customer']), raw);
  if (Object.keys(customer).length > 0) of.customer = customer;
  if (type === 'orders' || type === 'draft_orders') of.order = orderOf(raw);
  if (type === 'fulfillments') of.order = fulfilled(raw);
  if (type === 'checkouts' || type === 'carts') {
    of.checkout = { ...orderOf(raw), ...drop({ url: text(raw['abandoned_checkout_url']) }) };
  }
  return of;
}

function customerOf(raw: Raw, event: Raw): Customer {
  const addresses = [raw['default_address'], event['shipping_address'], event['billing_address']];
  const [home = {}] = addresses.map(record).filter(address => Object.keys(address).length > 0);
  const phones = [raw['phone'], event['phone'], ...addresses.map(address => record(address)['phone'])];
  return drop({
    id: text(raw['admin_graphql_api_id']) ?? text(raw['id']),
    firstName: text(raw['first_name']) ?? text(home['first_name']),
    lastName: text(raw['last_name']) ?? text(home['last_name']),
    email: (text(raw['email']) ?? text(event['email']))?.toLowerCase(),
    phone: phones.map(phone).find(Boolean),
    country: text(home['country_code']),
    locale: text(event['customer_locale']) ?? text(raw['locale']),
    tags: tags(raw['tags']),
    smsConsent: consent(record(raw['sms_marketing_consent'])['state']),
  });
}

function orderOf(raw: Raw): Order {
  const total = raw['current_total_price'] ?? raw['total_price'];
  return {
    ...drop({
      id: text(raw['admin_graphql_api_id']) ?? text(raw['id']) ?? text(raw['token']),
      name: text(raw['name']),
      total: text(total),
      currency: text(raw['currency']) ?? text(raw['presentment_currency']),
      status: text(raw['financial_status']),
    }),
    items: items(raw['line_items']),
  };
}

function fulfilled(raw: Raw): Order {
  return {
    ...drop({
      id: text(raw['order_id']),
      name: text(raw['name'])?.replace(/\.\d+$/, ''),
      status: text(raw['shipment_status']) ?? text(raw['status']),
      trackingUrl: text(raw['tracking_url']),
    }),
    items: items(raw['line_items']),
  };
}

function items(raw: unknown): Order['items'] {
  if (!Array.isArray(raw)) return [];
  return raw.map(record).map(item => ({
    title: text(item['title']) ?? text(item['name']) ?? '',
    quantity: Number(item['quantity'] ?? 1),
    ...drop({ sku: text(item['sku']) }),
  }));
}

/** Digits with a plus sign; other notations are not guessed at. */
function phone(raw: unknown): string | undefined {
  const plain = text(raw)?.replace(/[\s().-]/g, '').replace(/^00/, '+');
  return plain && /^\+[1-9]\d{6,14}$/.test(plain) ? plain : undefined;
}

function consent(raw: unknown): Customer['smsConsent'] {
  const state = text(raw)?.toLowerCase();
  if (state === undefined) return undefined;
  if (state === 'subscribed' || state === 'unsubscribed' || state === 'pending') return state;
  return state === 'not_subscribed' ? 'unsubscribed' : 'unknown';
}

function tags(raw: unknown): string[] | undefined {
  const list = Array.isArray(raw) ? raw.map(String) : text(raw)?.split(',');
  const clean = list?.map(tag => tag.trim()).filter(Boolean);
  return clean?.length ? clean : undefined;
}

function instant(raw: unknown): string | undefined {
  const ms = Date.parse(text(raw) ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** Texts and numbers as text: ids may have more digits than a number holds. */
function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}

/** Without what is not there. */
function drop<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
