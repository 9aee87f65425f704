// What the SDK asks of Runner: the interfaces of wit/runner and a little of WASI, as
// plain functions. In a component they are its imports (engine/wire.ts), in unit tests a
// fake (testing.ts); everything else in the SDK knows only this file.

import type { Level } from './log.ts';

/** A job as the host hands it over. */
export interface RawJob {
  id: string;
  queue: string;
  name: string;
  data: string;
  attempt: number;
  maxAttempts: number;
  addedAt: number;
  startedAt: number;
  priority: number;
  delay: number;
  requestId?: string;
  parent?: { id: string; queue: string };
}

/** An HTTP request as the host takes it. */
export interface RawRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body?: Uint8Array;
  timeout?: number;
  redirects: number;
  idempotent: boolean;
}

/** A response as the host gives it. */
export interface RawResponse {
  status: number;
  headers: [string, string][];
  body: Uint8Array;
  url: string;
}

/** The options of a job as the host takes them. */
export interface RawOptions {
  id?: string;
  delay?: number;
  priority?: number;
  lifo: boolean;
  attempts?: number;
  backoff?: { kind: 'fixed' | 'exponential'; delay: number; jitter: number };
  removeOnComplete?: RawKeep;
  removeOnFail?: RawKeep;
  sizeLimit?: number;
  deduplication?: {
    id: string;
    ttl?: number;
    extend: boolean;
    replace: boolean;
    keepLastIfActive: boolean;
    reschedule: boolean;
  };
}

/** Which finished jobs to keep, as the host takes it. */
export type RawKeep =
  | { tag: 'all' }
  | { tag: 'none' }
  | { tag: 'count'; val: number }
  | { tag: 'age'; val: number };

/** What the failure of a child does to its parent, as the host takes it. */
export type RawChildFailure = 'fail-parent' | 'continue-parent' | 'ignore' | 'remove';

/** A job to add, as the host takes it. */
export interface RawNewJob {
  name: string;
  data: string;
  options: RawOptions;
}

/** A job of a flow, as the host takes it. */
export interface RawFlowJob {
  queue: string;
  job: RawNewJob;
  parent?: number;
  onFailure?: RawChildFailure;
}

/** An error that a function of the host returned: a text, or the case of a variant. */
export class HostError extends Error {
  override name = 'HostError';
  /** The case: `denied`, `unknown-queue`, …; empty if there are none. */
  readonly tag: string;

  constructor(tag: string, message: string) {
    super(message);
    this.tag = tag;
  }
}

/** The host's functions. Those that can fail throw a `HostError`. */
export interface Host {
  currentJob(): RawJob;
  updateData(json: string): void;
  childrenValues(): [string, string][];
  ignoredFailures(): [string, string][];
  failedChildren(): string[];
  dependencies(): { processed: number; unprocessed: number; failed: number; ignored: number };
  removeUnprocessedChildren(): void;
  timeLeft(): number;
  log(level: Level, message: string, fields: [string, string][]): void;
  progress(percent: number, message?: string): void;
  progressJson(json: string): void;
  send(request: RawRequest): RawResponse;
  setting(key: string): string | undefined;
  settings(): [string, string][];
  secret(name: string): string | undefined;
  add(queue: string, job: RawNewJob): string;
  addBulk(queue: string, jobs: RawNewJob[]): string[];
  addFlow(jobs: RawFlowJob[]): string[];
  addChildren(jobs: RawFlowJob[]): string[];
  step(name: string): string | undefined;
  putStep(name: string, json: string): void;
  /** Bytes that nobody can guess. */
  random(length: number): Uint8Array;
  /** Milliseconds of a clock that never goes back. */
  clock(): number;
  /** Wait, and let nothing else run meanwhile. */
  sleep(ms: number): void;
  /** Lines to stderr. */
  stderr(text: string): void;
}

let current: Host | undefined;
let working = false;

/** Ask this host from now on. */
export function use(host: Host | undefined): void {
  current = host;
}

/** From now on there is a job: what the snapshot of the build must not hold may be asked. */
export function begin(): void {
  working = true;
}

/** Whether there is a job: not while the component is built. */
export function started(): boolean {
  return working && current !== undefined;
}

/**
 * The host, for `what`.
 *
 * @throws {Error} While the component is built, when there is no job yet.
 */
export function host(what: string): Host {
  if (current && working) return current;
  throw new Error(
    current
      ? `${what} was called while the plugin was built, at the top of a module; there is no job yet, so call it in the handler`
      : `${what} needs Runner; in a unit test, make a Host of '@runner/sdk/testing' first`,
  );
}
