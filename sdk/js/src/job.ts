// The job being worked on.

import { type Verdict, type Wire } from './failure.ts';
import { host, type RawJob } from './host.ts';
import { parse, RawJson, stringify } from './json.ts';

/** The parent of a job that was added as part of a flow. */
export interface Parent {
  /** The id of the parent. */
  id: string;
  /** The name of the parent's queue with its prefix, such as `bull:invoices`. */
  queue: string;
}

/** How many children a job has, by state. */
export interface Dependencies {
  /** Children that completed. */
  processed: number;
  /** Children that are not done yet. */
  unprocessed: number;
  /** Children whose failure fails this job. */
  failed: number;
  /** Children whose failure is ignored. */
  ignored: number;
}

/** The payload is not JSON: no retry helps. */
class PayloadError extends SyntaxError implements Verdict {
  override name = 'PayloadError';

  verdict(reason: string): Wire {
    return { tag: 'reject', val: reason };
  }
}

/** One attempt of one job, whose payload is a `Data`. */
export class Job<Data = unknown> {
  /** The id of the job, unique within its queue and the same in all attempts. */
  readonly id: string;
  /** The name of the queue, as in `queues.toml`. */
  readonly queue: string;
  /** The name of the job, the first argument of BullMQ's `queue.add`. */
  readonly name: string;
  /** The payload as text, exactly as the producer stored it. */
  readonly json: string;
  /** 1 for the first attempt. Attempts that were handed back do not count. */
  readonly attempt: number;
  /** How many attempts the job has before it fails for good; at least 1. */
  readonly maxAttempts: number;
  /** When the producer added the job. */
  readonly addedAt: Date;
  /** When this attempt began. */
  readonly startedAt: Date;
  /** From 0, the highest priority and the default, to 2097151, the lowest. */
  readonly priority: number;
  /** How many milliseconds the producer wanted to wait before the first attempt. */
  readonly delay: number;
  /** `requestId`, or else `xRequestId`, of the payload, if it is a string. */
  readonly requestId: string | undefined;
  /** The parent, if the job is a child in a flow. */
  readonly parent: Parent | undefined;
  #data: { value: unknown } | undefined;

  /** Made by the SDK; `job` of `@runner/sdk/testing` makes one for a test. */
  constructor(raw: RawJob) {
    this.id = raw.id;
    this.queue = raw.queue;
    this.name = raw.name;
    this.json = raw.data;
    this.attempt = raw.attempt;
    this.maxAttempts = raw.maxAttempts;
    this.addedAt = new Date(Number(raw.addedAt));
    this.startedAt = new Date(Number(raw.startedAt));
    this.priority = raw.priority;
    this.delay = Number(raw.delay);
    this.requestId = raw.requestId ?? undefined;
    this.parent = raw.parent ? { id: raw.parent.id, queue: raw.parent.queue } : undefined;
  }

  /**
   * The payload, the second argument of BullMQ's `queue.add`. Integers beyond 2^53 are
   * `bigint`s. A queue with a contract has checked it against `Data`; for any other queue
   * it is whatever the producer wrote.
   *
   * @throws Rejects the job when the payload is not JSON.
   */
  get data(): Data {
    if (!this.#data) {
      try {
        this.#data = { value: parse(this.json) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new PayloadError(`the payload is not JSON: ${why}`);
      }
    }
    return this.#data.value as Data;
  }

  /**
   * A key for providers that drop repeated requests: the same in all attempts, another one
   * for every other job and step.
   */
  idempotencyKey(step: string): string {
    return `${this.queue}/${this.id}/${this.addedAt.getTime()}/${step}`;
  }

  /** Milliseconds until the timeout stops this attempt. */
  timeLeft(): number {
    return host('job.timeLeft').timeLeft();
  }

  /**
   * Replace the payload in Redis. The next attempt, if there is one, starts with the new
   * one; `data` of this attempt stays.
   *
   * @throws When it cannot be written as JSON or is too large, when the job's lock was lost,
   * or Redis cannot be reached.
   */
  async updateData(data: unknown): Promise<void> {
    const json = written(data, 'the new payload');
    host('job.updateData').updateData(json);
  }

  /**
   * The results of the children that have completed, each with the key of the child, such
   * as `bull:lines:7`. BullMQ's `job.getChildrenValues`.
   */
  async childrenValues<Value = unknown>(): Promise<Record<string, Value>> {
    const pairs = host('job.childrenValues').childrenValues();
    return Object.fromEntries(pairs.map(([key, json]) => [key, parse(json) as Value]));
  }

  /**
   * Why children failed that do not fail this job, each with the key of the child. BullMQ's
   * `job.getIgnoredChildrenFailures`.
   */
  async ignoredFailures(): Promise<Record<string, string>> {
    return Object.fromEntries(host('job.ignoredFailures').ignoredFailures());
  }

  /** The keys of the children whose failure fails this job. */
  async failedChildren(): Promise<string[]> {
    return host('job.failedChildren').failedChildren();
  }

  /** How many children there are in each state. BullMQ's `job.getDependenciesCount`. */
  async dependencies(): Promise<Dependencies> {
    const counts = host('job.dependencies').dependencies();
    return {
      processed: Number(counts.processed),
      unprocessed: Number(counts.unprocessed),
      failed: Number(counts.failed),
      ignored: Number(counts.ignored),
    };
  }

  /**
   * Remove the children that no worker has started, and their children, so that the job can
   * complete without them. BullMQ's `job.removeUnprocessedChildren`.
   */
  async removeUnprocessedChildren(): Promise<void> {
    host('job.removeUnprocessedChildren').removeUnprocessedChildren();
  }
}

/** The job being worked on, for code that does not get it as an argument. */
export function currentJob<Data = unknown>(): Job<Data> {
  return new Job<Data>(host('currentJob').currentJob());
}

/**
 * A value as JSON for the host.
 *
 * @throws {TypeError} When JSON has no word for it; `what` names it.
 */
export function written(value: unknown, what: string): string {
  if (value instanceof RawJson) return value.text;
  let json: string | undefined;
  try {
    json = stringify(value);
  } catch (error) {
    throw unwritable(what, error instanceof Error ? error.message : String(error));
  }
  if (json === undefined) throw unwritable(what, `it is ${typeof value}`);
  return json;
}

/** It will not be JSON next time either. */
function unwritable(what: string, why: string): TypeError & Verdict {
  const verdict = (reason: string): Wire => ({ tag: 'reject', val: reason });
  return Object.assign(new TypeError(`${what} cannot be written as JSON: ${why}`), { verdict });
}
