// Adding jobs to queues that `queues.toml` declares, with the options of BullMQ.

import type { Verdict, Wire } from './failure.ts';
import {
  host,
  HostError,
  type RawChildFailure,
  type RawFlowJob,
  type RawKeep,
  type RawNewJob,
  type RawOptions,
} from './host.ts';
import { written } from './job.ts';

/** Which finished jobs to keep: all (`false`), none (`true`), the newest, or those of the last seconds. */
export type Keep = boolean | number | { count: number } | { age: number };

/** Options of a job, as BullMQ calls them. What is left out is the queue's default. */
export interface JobOptions {
  /** An id of your choice: a second job of the same id is not added while the first is stored. */
  jobId?: string;
  /** How many milliseconds to wait before the job may start. */
  delay?: number;
  /** From 1 (first) to 2097151 (last). Jobs without go before all of these. */
  priority?: number;
  /** Put the job in front of those that wait. */
  lifo?: boolean;
  /** How many attempts the job has, at least 1. */
  attempts?: number;
  /** How long to wait between attempts: milliseconds, or how they change. */
  backoff?: number | { type?: 'fixed' | 'exponential'; delay: number; jitter?: number };
  /** Which completed jobs to keep. */
  removeOnComplete?: Keep;
  /** Which failed jobs to keep. */
  removeOnFail?: Keep;
  /** Refuse the job if its payload has more bytes. */
  sizeLimit?: number;
  /** Add the job only if there is none with the same meaning. Not for jobs of a flow. */
  deduplication?: {
    /** What jobs of the same meaning share. */
    id: string;
    /** For how many milliseconds; without it until the first has ended. */
    ttl?: number;
    /** Each further job restarts `ttl`. */
    extend?: boolean;
    /** A further job replaces the first while that is delayed. */
    replace?: boolean;
    /** Of the jobs that arrive while the first runs, the last is added afterwards. */
    keepLastIfActive?: boolean;
    /** A further job gives the first its own delay, while that is delayed. */
    reschedule?: boolean;
  };
}

/** Options of a job in a flow: also what its failure does to its parent. One at most. */
export interface ChildOptions extends JobOptions {
  /** It fails the parent. */
  failParentOnFailure?: boolean;
  /** The parent continues at once, without waiting for its other children. */
  continueParentOnFailure?: boolean;
  /** The parent no longer waits for it, and finds the reason in `job.ignoredFailures`. */
  ignoreDependencyOnFailure?: boolean;
  /** The parent continues as if the child had never existed. */
  removeDependencyOnFailure?: boolean;
}

/** A job to add. */
export interface NewJob {
  /** The name, which tells the consumer what kind of job it is. */
  name: string;
  /** The payload; it must fit the queue's contract, if the queue has one. `{}` if left out. */
  data?: unknown;
  /** How the job is run and kept. */
  opts?: JobOptions;
}

/** A job of a flow, as BullMQ's `FlowProducer` takes it: it starts when its children are done. */
export interface FlowJob {
  /** The name. */
  name: string;
  /** The queue to add it to. */
  queueName: string;
  /** The payload. `{}` if left out. */
  data?: unknown;
  /** How the job is run and kept, and what its failure does to its parent. */
  opts?: ChildOptions;
  /** The jobs it waits for. */
  children?: FlowJob[];
}

/** The ids of a flow, in its shape. */
export interface Added {
  /** The id of the job. */
  id: string;
  /** Those of its children. */
  children: Added[];
}

/** Why a job was not added. */
export class QueueError extends Error implements Verdict {
  override name = 'QueueError';
  /** The kind of the error. */
  readonly code: 'unknown-queue' | 'invalid' | 'limit' | 'lost' | 'unavailable';

  constructor(code: QueueError['code'], message: string) {
    super(message);
    this.code = code;
  }

  verdict(reason: string): Wire {
    const lasting = this.code === 'unknown-queue' || this.code === 'invalid' || this.code === 'limit';
    return { tag: lasting ? 'reject' : 'retry', val: reason };
  }
}

/**
 * Add jobs to queues of `queues.toml`. The request id of the current job goes with them. One
 * attempt may add 1000 jobs (`max_adds`).
 */
export const queue = {
  /**
   * Add one job; its id. `queue.add('parcels', 'pack', order, { attempts: 5 })`
   *
   * @throws {QueueError} Uncaught, it rejects the job if the queue or the job is wrong, and
   * retries it if Redis cannot be reached.
   */
  async add(queueName: string, name: string, data: unknown = {}, opts?: JobOptions): Promise<string> {
    const job = newJob({ name, data, ...(opts && { opts }) });
    return asked(() => host('queue.add').add(queueName, job));
  },

  /** Add several jobs, all or none; their ids. */
  async addBulk(queueName: string, jobs: NewJob[]): Promise<string[]> {
    const raw = jobs.map(newJob);
    return asked(() => host('queue.addBulk').addBulk(queueName, raw));
  },

  /** Add a job with its children, all or none; their ids. */
  async addFlow(flow: FlowJob): Promise<Added> {
    const jobs = flat([flow]);
    const ids = asked(() => host('queue.addFlow').addFlow(jobs));
    return shaped([flow], ids)[0] as Added;
  },

  /**
   * Add jobs, all or none, as children of the current job, which can then
   * `throw new WaitChildren()`; their ids.
   */
  async addChildren(children: FlowJob[]): Promise<Added[]> {
    const jobs = flat(children);
    const ids = asked(() => host('queue.addChildren').addChildren(jobs));
    return shaped(children, ids);
  },
};

function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw new QueueError(error.tag as QueueError['code'], error.message);
  }
}

/** Parents before their children, as the host takes them. */
function flat(jobs: FlowJob[]): RawFlowJob[] {
  const all: RawFlowJob[] = [];
  const push = (of: FlowJob, parent?: number): void => {
    const onFailure = childFailure(of.opts ?? {});
    const at = all.push({
      queue: of.queueName,
      job: newJob(of),
      ...(parent !== undefined && { parent }),
      ...(onFailure && { onFailure }),
    });
    of.children?.forEach(child => push(child, at - 1));
  };
  jobs.forEach(job => push(job));
  return all;
}

/** The ids, which come in the order of `flat`, in the shape of the flow. */
function shaped(jobs: FlowJob[], ids: string[]): Added[] {
  let at = 0;
  const one = (of: FlowJob): Added => {
    const id = ids[at++] ?? '';
    return { id, children: (of.children ?? []).map(one) };
  };
  return jobs.map(one);
}

function newJob({ name, data = {}, opts = {} }: NewJob): RawNewJob {
  return { name, data: written(data, `the payload of '${name}'`), options: options(opts) };
}

function options(opts: JobOptions): RawOptions {
  const raw: RawOptions = { lifo: opts.lifo ?? false };
  if (opts.jobId !== undefined) raw.id = opts.jobId;
  if (opts.delay !== undefined) raw.delay = whole('delay', opts.delay);
  if (opts.priority !== undefined) raw.priority = whole('priority', opts.priority);
  if (opts.attempts !== undefined) raw.attempts = whole('attempts', opts.attempts);
  if (opts.sizeLimit !== undefined) raw.sizeLimit = whole('sizeLimit', opts.sizeLimit);
  if (opts.removeOnComplete !== undefined) raw.removeOnComplete = keep(opts.removeOnComplete);
  if (opts.removeOnFail !== undefined) raw.removeOnFail = keep(opts.removeOnFail);
  const { backoff } = opts;
  if (typeof backoff === 'number') {
    raw.backoff = { kind: 'fixed', delay: whole('backoff', backoff), jitter: 0 };
  } else if (backoff) {
    const { type = 'fixed', jitter = 0 } = backoff;
    if (type !== 'fixed' && type !== 'exponential') {
      throw new QueueError('invalid', `backoff.type is 'fixed' or 'exponential', not '${String(type)}'`);
    }
    raw.backoff = { kind: type, delay: whole('backoff.delay', backoff.delay), jitter };
  }
  const same = opts.deduplication;
  if (same) {
    raw.deduplication = {
      id: same.id,
      ...(same.ttl !== undefined && { ttl: whole('deduplication.ttl', same.ttl) }),
      extend: same.extend ?? false,
      replace: same.replace ?? false,
      keepLastIfActive: same.keepLastIfActive ?? false,
      reschedule: same.reschedule ?? false,
    };
  }
  return raw;
}

/** A count or milliseconds, as a whole number. */
function whole(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
    return Math.round(value);
  }
  throw new QueueError('invalid', `${name} is a number from 0, not ${String(value)}`);
}

function keep(of: Keep): RawKeep {
  if (typeof of === 'boolean') return { tag: of ? 'none' : 'all' };
  if (typeof of === 'number') {
    return of < 0 ? { tag: 'all' } : { tag: 'count', val: whole('a count of jobs', of) };
  }
  if ('age' in of && 'count' in of) {
    throw new QueueError('invalid', 'jobs are kept by age or by count, not by both');
  }
  if ('age' in of) return { tag: 'age', val: whole('age', of.age) };
  return { tag: 'count', val: whole('count', of.count) };
}

function childFailure(opts: ChildOptions): RawChildFailure | undefined {
  const chosen: RawChildFailure[] = [];
  if (opts.failParentOnFailure) chosen.push('fail-parent');
  if (opts.continueParentOnFailure) chosen.push('continue-parent');
  if (opts.ignoreDependencyOnFailure) chosen.push('ignore');
  if (opts.removeDependencyOnFailure) chosen.push('remove');
  if (chosen.length > 1) {
    throw new QueueError('invalid', `a child's failure does one thing to its parent, not ${chosen.join(' and ')}`);
  }
  return chosen[0];
}
