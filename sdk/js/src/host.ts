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

/** A value of a field or a parameter, as the host has it. */
export type RawScalar =
  | { tag: 'null' }
  | { tag: 'boolean'; val: boolean }
  | { tag: 'integer'; val: number | bigint }
  | { tag: 'float'; val: number }
  | { tag: 'bytes'; val: Uint8Array }
  | {
      tag: 'numeric' | 'text' | 'json' | 'uuid' | 'date' | 'time' | 'timestamp' | 'timestamptz' | 'other';
      val: string;
    };

/** One value or an array of them, as the host has it. */
export type RawParameter = { tag: 'scalar'; val: RawScalar } | { tag: 'array'; val: RawScalar[] };

/** A statement as the host takes it. */
export interface RawStatement {
  text: string;
  parameters: RawParameter[];
  expect?: number;
}

/** What a statement returned, as the host gives it. */
export interface RawRows {
  columns: { name: string; kind: string }[];
  rows: RawParameter[][];
  affected: number;
}

/** What is known of an object, as the host gives it. */
export interface RawObject {
  key: string;
  size: number;
  modified: number;
  etag: string | undefined;
}

/** What must be so for an object to be written, as the host takes it. */
export type RawCondition = { tag: 'always' } | { tag: 'absent' } | { tag: 'unchanged'; val: string };

/** How an object is written, as the host takes it. */
export interface RawWriteOptions {
  condition: RawCondition;
  contentType?: string;
}

/** An object that is being written. */
export interface RawUpload {
  append(bytes: Uint8Array): void;
  finish(): string | undefined;
}

/** What the host tells of an error of a database beside its kind. */
export interface ErrorDetails {
  code?: string | undefined;
  constraint?: string | undefined;
  statement?: number | undefined;
  position?: number | undefined;
}

/** An error that a function of the host returned: a text, or the case of a variant. */
export class HostError extends Error {
  override name = 'HostError';
  /** The case: `denied`, `unknown-queue`, …; empty if there are none. */
  readonly tag: string;
  /** What an error of a database tells beside. */
  readonly details: ErrorDetails;

  constructor(tag: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.tag = tag;
    this.details = details;
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
  sqlQuery(database: string, statement: RawStatement, timeout: number | undefined): RawRows;
  sqlExecute(database: string, statement: RawStatement, timeout: number | undefined): number;
  sqlTransaction(database: string, statements: RawStatement[], timeout: number | undefined): RawRows[];
  kvGet(key: string): { value: Uint8Array; ttl: number | undefined } | undefined;
  kvSet(key: string, value: Uint8Array, ttl: number | undefined): void;
  kvCompareAndSet(key: string, expected: Uint8Array | undefined, value: Uint8Array | undefined, ttl: number | undefined): boolean;
  kvIncrement(key: string, by: number, ttl: number | undefined): number | bigint;
  kvExpire(key: string, ttl: number | undefined): boolean;
  kvDelete(key: string): boolean;
  kvList(prefix: string, cursor: string | undefined, limit: number): { keys: string[]; cursor: string | undefined };
  blobGet(store: string, key: string, range: { offset: number; length: number } | undefined): { bytes: Uint8Array; object: RawObject };
  blobHead(store: string, key: string): RawObject;
  blobPut(store: string, key: string, bytes: Uint8Array, options: RawWriteOptions): string | undefined;
  blobBegin(store: string, key: string, options: RawWriteOptions): RawUpload;
  blobDelete(store: string, key: string): void;
  blobList(store: string, prefix: string, cursor: string | undefined, limit: number): { objects: RawObject[]; cursor: string | undefined };
  blobPresign(store: string, key: string, access: 'read' | 'write', seconds: number): string;
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
