// The databases, keys and objects of the fake host (testing.ts).

import type { BlobErrorCode } from './blobs.ts';
import { type Host as Asked, HostError, type RawObject, type RawRows, type RawStatement, type RawWriteOptions } from './host.ts';
import type { KvErrorCode } from './kv.ts';
import { type Parameter, parameter, type SqlErrorCode } from './sql.ts';

/** What a statement comes to. */
export interface Outcome {
  /** Rows by column, all with the same columns. */
  rows?: Record<string, Parameter>[];
  /** How many rows were changed; the number of `rows` if left out. */
  affected?: number;
  /** An error instead. */
  error?: SqlErrorCode;
  /** The constraint of the error. */
  constraint?: string;
}

/** A statement that was run. */
export interface Statement {
  /** The name of the database. */
  database: string;
  /** The text, as it was given. */
  text: string;
  /** The parameters as the host takes them. */
  parameters: RawStatement['parameters'];
  /** How many rows it had to return or change. */
  expect: number | undefined;
  /** Its place in its transaction; `undefined` if it was run by itself. */
  place: number | undefined;
}

export type { Statement as Asked };

/** Databases that answer by a script. */
export class Databases {
  #expected: { database: string; part: string; outcome: Outcome }[] = [];
  readonly #statements: Statement[];

  constructor(statements: Statement[]) {
    this.#statements = statements;
  }

  expect(database: string, part: string, outcome: Outcome): void {
    this.#expected.push({ database, part, outcome });
  }

  /** What was expected and not run. */
  unrun(): string[] {
    return this.#expected.map(({ database, part }) => `${database}: ${part}`);
  }

  asked(): Pick<Asked, 'sqlQuery' | 'sqlExecute' | 'sqlTransaction'> {
    return {
      sqlQuery: (database, statement) => this.#run(database, statement),
      sqlExecute: (database, statement) => this.#run(database, statement).affected,
      sqlTransaction: (database, statements) => statements.map((one, place) => this.#run(database, one, place)),
    };
  }

  #run(database: string, { text, parameters, expect }: RawStatement, place?: number): RawRows {
    const said = spaced(text);
    const at = this.#expected.findIndex(of => of.database === database && said.includes(spaced(of.part)));
    if (at < 0) {
      throw new Error(`no outcome for the statement on "${database}": ${said}; expected: ${this.unrun().join(', ') || 'none'}`);
    }
    const [{ outcome } = { outcome: {} as Outcome }] = this.#expected.splice(at, 1);
    this.#statements.push({ database, text, parameters, expect, place });
    const { rows = [], affected = rows.length, error, constraint } = outcome;
    if (error) throw new HostError(error, `the test says ${error}`, { constraint, statement: place });
    if (expect !== undefined && expect !== affected) {
      throw new HostError('expectation', `the statement had ${affected} rows instead of ${expect}`, { statement: place });
    }
    const columns = Object.keys(rows[0] ?? {}).map(name => ({ name, kind: '' }));
    return { columns, rows: rows.map(row => columns.map(({ name }, at) => parameter(row[name], at))), affected };
  }
}

function spaced(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

/** Keys in memory, which end by the clock of the test. */
export class Keys {
  /** Why every call of `kv` fails, which the test sets. */
  refuse: KvErrorCode | undefined;
  #held = new Map<string, { value: Uint8Array; end: number }>();
  #now = 0;

  /** Let time pass, in milliseconds. */
  advance(ms: number): void {
    this.#now += ms;
  }

  /** The keys and their values as text. */
  all(): Record<string, string> {
    const text = ({ value }: { value: Uint8Array }): string => new TextDecoder().decode(value);
    return Object.fromEntries([...this.#lasting()].sort().map(([key, held]) => [key, text(held)]));
  }

  #lasting(): Map<string, { value: Uint8Array; end: number }> {
    for (const [key, { end }] of this.#held) if (end <= this.#now) this.#held.delete(key);
    return this.#held;
  }

  asked(): Pick<Asked, 'kvGet' | 'kvSet' | 'kvCompareAndSet' | 'kvIncrement' | 'kvExpire' | 'kvDelete' | 'kvList'> {
    const keys = (key: string): Map<string, { value: Uint8Array; end: number }> => {
      if (this.refuse) throw new HostError(this.refuse, 'the test refuses it');
      // The bound of wit/runner/kv.wit.
      const size = new TextEncoder().encode(key).length;
      if (size < 1 || size > 512) throw new HostError('invalid', `a key has 1 to 512 bytes, not ${size}`);
      return this.#lasting();
    };
    const end = (ttl: number | undefined): number => (ttl === undefined ? Infinity : this.#now + ttl);
    return {
      kvGet: key => {
        const held = keys(key).get(key);
        return held && { value: held.value, ttl: held.end === Infinity ? undefined : held.end - this.#now };
      },
      kvSet: (key, value, ttl) => void keys(key).set(key, { value, end: end(ttl) }),
      kvCompareAndSet: (key, expected, value, ttl) => {
        if (!same(keys(key).get(key)?.value, expected)) return false;
        if (value) this.#held.set(key, { value, end: end(ttl) });
        else this.#held.delete(key);
        return true;
      },
      kvIncrement: (key, by, ttl) => {
        const held = keys(key).get(key);
        const text = held ? new TextDecoder().decode(held.value) : '0';
        if (!/^-?\d+$/.test(text)) throw new HostError('invalid', `"${key}" holds no integer`);
        const sum = BigInt(text) + BigInt(by);
        if (BigInt.asIntN(64, sum) !== sum) throw new HostError('invalid', `"${key}" would exceed 64 bits`);
        this.#held.set(key, { value: new TextEncoder().encode(String(sum)), end: held?.end ?? end(ttl) });
        return sum;
      },
      kvExpire: (key, ttl) => {
        const held = keys(key).get(key);
        if (held) held.end = end(ttl);
        return held !== undefined;
      },
      kvDelete: key => keys(key).delete(key),
      kvList: (prefix, cursor, limit) => {
        const all = [...keys('any').keys()].filter(key => key.startsWith(prefix));
        return paged(all, key => key, cursor, limit, keys => ({ keys }));
      },
    };
  }
}

/** Objects in memory. */
export class Blobs {
  /** Why every call to a store fails, which the test sets. */
  refuse: BlobErrorCode | undefined;
  #stores = new Map<string, Map<string, { bytes: Uint8Array; contentType: string | undefined; modified: number; etag: string }>>();
  #written = 0;

  /** Put an object into a store. */
  put(store: string, key: string, content: string | Uint8Array): void {
    this.#write(store, key, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }

  /** The objects of a store as text. */
  all(store: string): Record<string, string> {
    const objects = [...(this.#stores.get(store) ?? [])].sort();
    return Object.fromEntries(objects.map(([key, { bytes }]) => [key, new TextDecoder().decode(bytes)]));
  }

  /** The `Content-Type` that an object was written with. */
  contentType(store: string, key: string): string | undefined {
    return this.#stores.get(store)?.get(key)?.contentType;
  }

  #write(store: string, key: string, bytes: Uint8Array, contentType?: string): string {
    const objects = this.#stores.get(store) ?? new Map();
    const etag = String(++this.#written);
    this.#stores.set(store, objects.set(key, { bytes, contentType, modified: Date.now(), etag }));
    return etag;
  }

  asked(): Pick<Asked, 'blobGet' | 'blobHead' | 'blobPut' | 'blobBegin' | 'blobDelete' | 'blobList' | 'blobPresign'> {
    const open = (): void => {
      if (this.refuse) throw new HostError(this.refuse, 'the test refuses it');
    };
    const find = (store: string, key: string) => {
      open();
      const found = this.#stores.get(store)?.get(key);
      if (!found) throw new HostError('not-found', `"${key}" in the store "${store}"`);
      return { bytes: found.bytes, object: { key, size: found.bytes.length, modified: found.modified, etag: found.etag } };
    };
    const carried = (bytes: Uint8Array): Uint8Array => {
      // What one call may carry, by wit/runner/blobs.wit.
      if (bytes.length <= 8 << 20) return bytes;
      throw new HostError('too-large', `${bytes.length} bytes; a call carries 8 MiB`);
    };
    const write = (store: string, key: string, bytes: Uint8Array, { condition, contentType }: RawWriteOptions): string => {
      open();
      const etag = this.#stores.get(store)?.get(key)?.etag;
      const fits = condition.tag === 'always' || etag === (condition.tag === 'unchanged' ? condition.val : undefined);
      if (!fits) throw new HostError('precondition', `"${key}" ${etag ? 'is there already or was changed' : 'is not there'}`);
      return this.#write(store, key, bytes, contentType);
    };
    return {
      blobGet: (store, key, range) => {
        const { bytes, object } = find(store, key);
        return { bytes: carried(range ? bytes.slice(range.offset, range.offset + range.length) : bytes), object };
      },
      blobHead: (store, key) => find(store, key).object,
      blobPut: (store, key, bytes, options) => write(store, key, carried(bytes), options),
      blobBegin: (store, key, options) => {
        open();
        const parts: Uint8Array[] = [];
        return {
          append: bytes => {
            open();
            parts.push(carried(bytes));
          },
          finish: () => write(store, key, new Uint8Array(parts.flatMap(part => [...part])), options),
        };
      },
      blobDelete: (store, key) => {
        open();
        this.#stores.get(store)?.delete(key);
      },
      blobList: (store, prefix, cursor, limit) => {
        open();
        const keys = [...(this.#stores.get(store)?.keys() ?? [])].filter(key => key.startsWith(prefix));
        const all = keys.map((key): RawObject => find(store, key).object);
        return paged(all, ({ key }) => key, cursor, limit, objects => ({ objects }));
      },
      blobPresign: (store, key, access, seconds) => {
        open();
        return `https://${store}.test/${key}?access=${access}&seconds=${seconds}`;
      },
    };
  }
}

/** One page of items in the order of their names; the cursor is the last name. */
function paged<Item, Page>(
  all: Item[],
  name: (item: Item) => string,
  cursor: string | undefined,
  limit: number,
  page: (items: Item[]) => Page,
): Page & { cursor: string | undefined } {
  const rest = all.filter(item => cursor === undefined || name(item) > cursor).sort((a, b) => (name(a) < name(b) ? -1 : 1));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { ...page(items), cursor: rest.length > limit && last !== undefined ? name(last) : undefined };
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
