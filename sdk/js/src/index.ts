// Write Runner plugins in TypeScript and JavaScript: `@runner/sdk`.
//
// The web's own functions need no import: `fetch`, `console`, `crypto`, `URL`, timers.
// docs/plugins-javascript.md goes from nothing to a running job.

export { BlobError, blobs, Upload } from './blobs.ts';
export type { BlobErrorCode, BlobObject, WriteOptions } from './blobs.ts';
export { config, secret } from './config.ts';
export {
  Failure,
  RateLimit,
  Reject,
  Retry,
  RetryAfter,
  Snooze,
  WaitChildren,
} from './failure.ts';
export { defineHandler, defineHandlers } from './handler.ts';
export type { Handler, Handlers, Plugin } from './handler.ts';
export { expectOk, HttpError } from './http.ts';
export { currentJob, Job } from './job.ts';
export type { Dependencies, Parent } from './job.ts';
export { parse as parseJson, rawJson, stringify as stringifyJson } from './json.ts';
export type { RawJson } from './json.ts';
export { kv, KvError } from './kv.ts';
export type { KvEntry, KvErrorCode, Ttl } from './kv.ts';
export { log } from './log.ts';
export type { Fields, Level } from './log.ts';
export { progress } from './progress.ts';
export { queue, QueueError } from './queue.ts';
export type { Added, ChildOptions, FlowJob, JobOptions, Keep, NewJob } from './queue.ts';
export { sql, SqlError, SqlValue } from './sql.ts';
export type { Parameter, Result, SqlErrorCode, Statement, StatementOptions } from './sql.ts';
export { step } from './step.ts';
