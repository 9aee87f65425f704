// Values that outlive the job, in the Redis of its queue.

import type { Verdict, Wire } from './failure.ts';
import { host, HostError } from './host.ts';
import { written } from './job.ts';
import { parse } from './json.ts';

/** What went wrong; `wit/runner/kv.wit` says more. */
export type KvErrorCode = 'denied' | 'invalid' | 'limit' | 'lost' | 'unavailable';

/**
 * Why it was not done. Uncaught, it retries the job if Redis could not be reached or the job's
 * lock was lost, and rejects it otherwise.
 */
export class KvError extends Error implements Verdict {
  override name = 'KvError';
  /** The kind of the error. */
  readonly code: KvErrorCode;

  constructor(code: KvErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  verdict(reason: string): Wire {
    return { tag: this.code === 'lost' || this.code === 'unavailable' ? 'retry' : 'reject', val: reason };
  }
}

/** How long a value stays. */
export interface Ttl {
  /** Milliseconds; without it for good. */
  ttl?: number;
}

/** A value and how long it stays. */
export interface KvEntry {
  /** The value. */
  value: Uint8Array;
  /** Milliseconds until it is removed; `undefined` if it stays. */
  ttl: number | undefined;
}

/**
 * Keys of the plugin's own in each of its queues, with `kv = true` under `[plugins.<name>]` in
 * `queues.toml`. Each function is one step, which no other job can come between.
 *
 * ```ts
 * // At most five messages an hour to one number.
 * if ((await kv.increment(`sent/${phone}`, 1, { ttl: 3_600_000 })) > 5) throw new Snooze(3_600_000, 'too many');
 * ```
 *
 * All of them throw `KvError`.
 */
export const kv = {
  /** The bytes of a key; `undefined` if there is none, or its time is over. */
  async get(key: string): Promise<Uint8Array | undefined> {
    return (await kv.entry(key))?.value;
  },

  /** The value of a key as text. */
  async getText(key: string): Promise<string | undefined> {
    const value = await kv.get(key);
    return value && new TextDecoder().decode(value);
  },

  /** The value of a key, read as JSON: integers beyond 2^53 are `bigint`s. */
  async getJson<Value = unknown>(key: string): Promise<Value | undefined> {
    const text = await kv.getText(key);
    if (text === undefined) return undefined;
    try {
      return parse(text) as Value;
    } catch {
      throw new KvError('invalid', `the value of "${key}" is not JSON`);
    }
  },

  /** The bytes of a key and how long they stay. */
  async entry(key: string): Promise<KvEntry | undefined> {
    const entry = asked(() => host('kv.get').kvGet(key));
    return entry && { value: entry.value, ttl: entry.ttl };
  },

  /** Set a value. What the key held, and for how long, is replaced. */
  async set(key: string, value: string | Uint8Array, { ttl }: Ttl = {}): Promise<void> {
    asked(() => host('kv.set').kvSet(key, bytes(value), time(ttl)));
  },

  /** Set a value, written as JSON. */
  async setJson(key: string, value: unknown, ttl: Ttl = {}): Promise<void> {
    await kv.set(key, written(value, `the value of "${key}"`), ttl);
  },

  /**
   * Set a value if the key holds exactly `expected`; `undefined`: if it holds nothing. With
   * `value` `undefined`, remove it. Whether it was done.
   */
  async compareAndSet(
    key: string,
    expected: string | Uint8Array | undefined,
    value: string | Uint8Array | undefined,
    { ttl }: Ttl = {},
  ): Promise<boolean> {
    const of = (given: string | Uint8Array | undefined) => (given === undefined ? undefined : bytes(given));
    return asked(() => host('kv.compareAndSet').kvCompareAndSet(key, of(expected), of(value), time(ttl)));
  },

  /**
   * Add `by`, which may be negative, to an integer; a key that holds nothing counts as 0. The
   * sum. `ttl` counts from when the key is made, so that a key is a window of time.
   */
  async increment(key: string, by = 1, { ttl }: Ttl = {}): Promise<number> {
    if (!Number.isSafeInteger(by)) throw new KvError('invalid', `an increment is a whole number below 2^53, not ${String(by)}`);
    const sum = Number(asked(() => host('kv.increment').kvIncrement(key, by, time(ttl))));
    if (Number.isSafeInteger(sum)) return sum;
    throw new KvError('invalid', `the sum of "${key}" is beyond 2^53; kv.getText has all its digits`);
  },

  /** Let a key end in so many milliseconds, or without `ttl` not at all. Whether it held something. */
  async expire(key: string, { ttl }: Ttl): Promise<boolean> {
    return asked(() => host('kv.expire').kvExpire(key, time(ttl)));
  },

  /** Remove a key. Whether it held something. */
  async delete(key: string): Promise<boolean> {
    return asked(() => host('kv.delete').kvDelete(key));
  },

  /** The keys that begin with `prefix`, in the order of their bytes: `for await (const key of kv.keys('a/'))`. */
  async *keys(prefix = ''): AsyncGenerator<string, void, void> {
    let cursor: string | undefined;
    do {
      const page = asked(() => host('kv.keys').kvList(prefix, cursor, 1000));
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  },
};

function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw new KvError(error.tag as KvErrorCode, error.message);
  }
}

function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

function time(ttl: number | undefined): number | undefined {
  if (ttl === undefined) return undefined;
  if (ttl > 0 && ttl <= Number.MAX_SAFE_INTEGER) return Math.ceil(ttl);
  throw new KvError('invalid', `ttl is milliseconds above 0, not ${String(ttl)}`);
}
