// The component's imports as the SDK's host. The engines differ in how they write a 64-bit
// number and an absent value, and in the error that carries what a function returned.

import { HostError, type Host, type RawRequest, type RawResponse, type RawNewJob, type RawFlowJob } from '../host.ts';
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
  random: Record<string, (...args: never[]) => unknown>;
  clock: Record<string, (...args: never[]) => unknown>;
  stderr: Record<string, (...args: never[]) => unknown>;
}

/** A function of the imports, with the types that the caller knows from WIT. */
type Call = <T = unknown>(from: keyof Imports, name: string, ...args: unknown[]) => T;

/** The host of a component, on an engine that writes a `u64` like this. */
export function wire(imports: Imports, u64: (value: number) => unknown): Host {
  const call: Call = <T>(from: keyof Imports, name: string, ...args: unknown[]): T => {
    try {
      const run = imports[from][name] as (...args: unknown[]) => unknown;
      return run(...args) as T;
    } catch (error) {
      throw returned(error);
    }
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

interface Pollable {
  block(): void;
}

interface OutputStream {
  blockingWriteAndFlush(bytes: Uint8Array): void;
}

/** What the host returned as an error: a text or the case of a variant. */
function returned(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('payload' in error)) return error;
  const { payload } = error;
  if (typeof payload === 'string') return new HostError('', payload);
  const { tag, val } = payload as { tag: string; val?: string };
  return new HostError(tag, val ?? tag);
}

function sent(request: RawRequest): unknown {
  return { ...request, body: request.body, timeout: request.timeout };
}

function added({ name, data, options }: RawNewJob, u64: (value: number) => unknown): unknown {
  const long = (value: number | undefined): unknown => (value === undefined ? undefined : u64(value));
  const { backoff, deduplication, removeOnComplete, removeOnFail } = options;
  const keep = (of: typeof removeOnFail): unknown => (of?.tag === 'age' ? { ...of, val: u64(of.val) } : of);
  return {
    name,
    data,
    options: {
      id: options.id,
      delay: long(options.delay),
      priority: options.priority,
      lifo: options.lifo,
      attempts: options.attempts,
      backoff: backoff && { ...backoff, delay: u64(backoff.delay) },
      removeOnComplete: keep(removeOnComplete),
      removeOnFail: keep(removeOnFail),
      sizeLimit: long(options.sizeLimit),
      deduplication: deduplication && { ...deduplication, ttl: long(deduplication.ttl) },
    },
  };
}

function flow({ queue, job, parent, onFailure }: RawFlowJob, u64: (value: number) => unknown): unknown {
  return { queue, job: added(job, u64), parent, onFailure };
}
