// The component's imports as the SDK's host. The engines differ in how they write a 64-bit
// number and an absent value, and in the error that carries what a function returned.

import {
  type ErrorDetails,
  HostError,
  type Host,
  type RawFlowJob,
  type RawNewJob,
  type RawObject,
  type RawParameter,
  type RawRequest,
  type RawResponse,
  type RawRows,
  type RawScalar,
  type RawStatement,
  type RawUpload,
} from '../host.ts';
import { utf8 } from './utf8.ts';

/** The interfaces of wit/runner and WASI as the engine imports them. */
export interface Imports {
  job: Record<string, (...args: never[]) => unknown>;
  log: Record<string, (...args: never[]) => unknown>;
  progress: Record<string, (...args: never[]) => unknown>;
  http: Record<string, (...args: never[]) => unknown>;
  config: Record<string, (...args: never[]) => unknown>;
  queue: Record<string, (...args: never[]) => unknown>;
  checkpoint: Record<string, (...args: never[]) => unknown>;
  sql: Record<string, (...args: never[]) => unknown>;
  kv: Record<string, (...args: never[]) => unknown>;
  blobs: Record<string, (...args: never[]) => unknown>;
  random: Record<string, (...args: never[]) => unknown>;
  clock: Record<string, (...args: never[]) => unknown>;
  stderr: Record<string, (...args: never[]) => unknown>;
}

/** A function of the imports, with the types that the caller knows from WIT. */
type Call = <T = unknown>(from: keyof Imports, name: string, ...args: unknown[]) => T;

/** How an engine writes a 64-bit number. */
type Long = (value: number) => unknown;

/** The host of a component, on an engine that writes a `u64` or `s64` like this. */
export function wire(imports: Imports, u64: Long): Host {
  const call: Call = <T>(from: keyof Imports, name: string, ...args: unknown[]): T => {
    const run = imports[from][name] as (...args: unknown[]) => unknown;
    return failing(() => run(...args) as T);
  };
  const lists = (pairs: [string, string][]): [string, string][] => pairs.map(([a, b]) => [a, b]);
  return {
    currentJob: () => call('job', 'current'),
    updateData: json => call('job', 'updateData', json),
    childrenValues: () => lists(call('job', 'childrenValues')),
    ignoredFailures: () => lists(call('job', 'ignoredFailures')),
    failedChildren: () => call('job', 'failedChildren'),
    dependencies: () => call('job', 'dependencies'),
    removeUnprocessedChildren: () => call('job', 'removeUnprocessedChildren'),
    timeLeft: () => Number(call('job', 'timeLeft')),
    log: (level, message, fields) => call('log', 'write', level, message, fields),
    progress: (percent, message) => call('progress', 'set', percent, message),
    progressJson: json => call('progress', 'setJson', json),
    send: request => call<RawResponse>('http', 'send', sent(request)),
    setting: key => call('config', 'get', key) ?? undefined,
    settings: () => lists(call('config', 'getAll')),
    secret: name => call('config', 'secret', name) ?? undefined,
    add: (queue, job) => call('queue', 'add', queue, added(job, u64)),
    addBulk: (queue, jobs) => call('queue', 'addBulk', queue, jobs.map(job => added(job, u64))),
    addFlow: jobs => call('queue', 'addFlow', jobs.map(job => flow(job, u64))),
    addChildren: jobs => call('queue', 'addChildren', jobs.map(job => flow(job, u64))),
    step: name => call('checkpoint', 'get', name) ?? undefined,
    putStep: (name, json) => call('checkpoint', 'put', name, json),
    ...databases(call, u64),
    ...keysOf(call, u64),
    ...stores(call, u64),
    random: length => call('random', 'getRandomBytes', u64(length)),
    clock: () => Number(call('clock', 'now')) / 1e6,
    sleep: ms => call<Pollable>('clock', 'subscribeDuration', u64(Math.ceil(ms * 1e6))).block(),
    stderr: text => {
      const stream = call<OutputStream>('stderr', 'getStderr');
      const bytes = utf8(text);
      // What WASI takes at once.
      for (let at = 0; at < bytes.length; at += 4096) {
        stream.blockingWriteAndFlush(bytes.subarray(at, at + 4096));
      }
    },
  };
}

function databases(call: Call, u64: Long): Pick<Host, 'sqlQuery' | 'sqlExecute' | 'sqlTransaction'> {
  const statement = ({ text, parameters, expect }: RawStatement): unknown => ({
    text,
    parameters: parameters.map(value => parameter(value, u64)),
    expect: long(expect, u64),
  });
  const rows = (of: RawRows): RawRows => ({ ...of, affected: Number(of.affected) });
  return {
    sqlQuery: (database, of, timeout) => rows(call('sql', 'query', database, statement(of), timeout)),
    sqlExecute: (database, of, timeout) => Number(call('sql', 'execute', database, statement(of), timeout)),
    sqlTransaction: (database, of, timeout) =>
      call<RawRows[]>('sql', 'transaction', database, of.map(statement), timeout).map(rows),
  };
}

function parameter(value: RawParameter, u64: Long): unknown {
  if (value.tag === 'array') return { tag: 'array', val: value.val.map(one => scalar(one, u64)) };
  return { tag: 'scalar', val: scalar(value.val, u64) };
}

/** QuickJS rounds an integer beyond 2^53, and knows no bigint there. */
function scalar(value: RawScalar, u64: Long): unknown {
  if (value.tag !== 'integer') return value;
  const number = Number(value.val);
  if (Number.isSafeInteger(number)) return { tag: 'integer', val: u64(number) };
  if (typeof u64(0) === 'bigint') return value;
  return { tag: 'numeric', val: String(value.val) };
}

function keysOf(
  call: Call,
  u64: Long,
): Pick<Host, 'kvGet' | 'kvSet' | 'kvCompareAndSet' | 'kvIncrement' | 'kvExpire' | 'kvDelete' | 'kvList'> {
  const keys: ReturnType<typeof keysOf> = {
    kvGet: key => {
      const entry = call<{ value: Uint8Array; ttl?: unknown } | null | undefined>('kv', 'get', key);
      return entry ? { value: entry.value, ttl: entry.ttl == null ? undefined : Number(entry.ttl) } : undefined;
    },
    kvSet: (key, value, ttl) => call('kv', 'set', key, value, long(ttl, u64)),
    kvCompareAndSet: (key, expected, value, ttl) => call('kv', 'compareAndSet', key, expected, value, long(ttl, u64)),
    kvIncrement: (key, by, ttl) =>
      by < 0 && typeof u64(0) === 'bigint' ? lowered(keys, key, by, ttl) : call('kv', 'increment', key, u64(by), long(ttl, u64)),
    kvExpire: (key, ttl) => call('kv', 'expire', key, long(ttl, u64)),
    kvDelete: key => call('kv', 'delete', key),
    kvList: (prefix, cursor, limit) => {
      const page = call<{ keys: string[]; cursor?: string | null }>('kv', 'listKeys', prefix, cursor, limit);
      return { keys: page.keys, cursor: page.cursor ?? undefined };
    },
  };
  return keys;
}

/** A negative increment in steps: StarlingMonkey (componentize-js 0.23.0) aborts on a negative `s64` as an argument. */
function lowered(
  { kvGet, kvCompareAndSet }: Pick<Host, 'kvGet' | 'kvCompareAndSet'>,
  key: string,
  by: number,
  ttl: number | undefined,
): bigint {
  for (;;) {
    const entry = kvGet(key);
    const text = entry ? String.fromCharCode(...entry.value.subarray(0, 21)) : '0';
    if (!/^-?\d+$/.test(text)) throw new HostError('invalid', `"${key}" holds no integer`);
    const sum = BigInt(text) + BigInt(by);
    if (BigInt.asIntN(64, sum) !== sum) throw new HostError('invalid', `"${key}" would exceed 64 bits`);
    if (kvCompareAndSet(key, entry?.value, utf8(String(sum)), entry ? entry.ttl : ttl)) return sum;
  }
}

function stores(
  call: Call,
  u64: Long,
): Pick<Host, 'blobGet' | 'blobHead' | 'blobPut' | 'blobBegin' | 'blobDelete' | 'blobList' | 'blobPresign'> {
  const object = (of: RawObject): RawObject => ({
    key: of.key,
    size: Number(of.size),
    modified: Number(of.modified),
    etag: of.etag ?? undefined,
  });
  return {
    blobGet: (store, key, range) => {
      const of = range && { offset: u64(range.offset), length: u64(range.length) };
      const content = call<{ bytes: Uint8Array; object: RawObject }>('blobs', 'get', store, key, of);
      return { bytes: content.bytes, object: object(content.object) };
    },
    blobHead: (store, key) => object(call('blobs', 'head', store, key)),
    blobPut: (store, key, bytes, { condition, contentType }) =>
      call('blobs', 'put', store, key, bytes, { condition, contentType }) ?? undefined,
    blobBegin: (store, key, { condition, contentType }) => {
      const upload = call<RawUpload>('blobs', 'begin', store, key, { condition, contentType });
      return {
        append: bytes => failing(() => upload.append(bytes)),
        finish: () => failing(() => upload.finish()) ?? undefined,
      };
    },
    blobDelete: (store, key) => call('blobs', 'delete', store, key),
    blobList: (store, prefix, cursor, limit) => {
      const page = call<{ objects: RawObject[]; cursor?: string | null }>('blobs', 'listObjects', store, prefix, cursor, limit);
      return { objects: page.objects.map(object), cursor: page.cursor ?? undefined };
    },
    blobPresign: (store, key, access, seconds) => call('blobs', 'presign', store, key, access, seconds),
  };
}

function long(value: number | undefined, u64: Long): unknown {
  return value === undefined ? undefined : u64(value);
}

interface Pollable {
  block(): void;
}

interface OutputStream {
  blockingWriteAndFlush(bytes: Uint8Array): void;
}

/** A call whose errors are the host's. */
function failing<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw returned(error);
  }
}

/** What the host returned as an error: a text, the case of a variant, or a record of `sql`. */
function returned(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('payload' in error)) return error;
  const { payload } = error;
  if (typeof payload === 'string') return new HostError('', payload);
  if (typeof payload === 'object' && payload !== null && 'kind' in payload) {
    const { kind, message, ...details } = payload as { kind: string; message: string } & ErrorDetails;
    return new HostError(kind, message, details);
  }
  const { tag, val } = payload as { tag: string; val?: string };
  return new HostError(tag, val ?? tag);
}

function sent(request: RawRequest): unknown {
  return { ...request, body: request.body, timeout: request.timeout };
}

function added({ name, data, options }: RawNewJob, u64: Long): unknown {
  const { backoff, deduplication, removeOnComplete, removeOnFail } = options;
  const keep = (of: typeof removeOnFail): unknown => (of?.tag === 'age' ? { ...of, val: u64(of.val) } : of);
  return {
    name,
    data,
    options: {
      id: options.id,
      delay: long(options.delay, u64),
      priority: options.priority,
      lifo: options.lifo,
      attempts: options.attempts,
      backoff: backoff && { ...backoff, delay: u64(backoff.delay) },
      removeOnComplete: keep(removeOnComplete),
      removeOnFail: keep(removeOnFail),
      sizeLimit: long(options.sizeLimit, u64),
      deduplication: deduplication && { ...deduplication, ttl: long(deduplication.ttl, u64) },
    },
  };
}

function flow({ queue, job, parent, onFailure }: RawFlowJob, u64: Long): unknown {
  return { queue, job: added(job, u64), parent, onFailure };
}
