// How an attempt ends when it does not succeed. Handlers throw these; handler.ts turns
// them, and any other error, into the `failure` of wit/runner/outcome.wit.

/** A failure as the host takes it. */
export type Wire =
  | { tag: 'retry'; val: string }
  | { tag: 'retry-after'; val: [number, string] }
  | { tag: 'reject'; val: string }
  | { tag: 'snooze'; val: [number, string] }
  | { tag: 'wait-children' }
  | { tag: 'rate-limit'; val: [number, string] };

/** What a handler throws to choose how its attempt ends. Use one of the classes below. */
export abstract class Failure extends Error {
  override name = 'Failure';

  /** The failure as the host takes it, for this reason. */
  abstract wire(reason: string): Wire;
}

/**
 * A passing trouble: spends an attempt and waits for the job's own backoff. When no attempt
 * is left, the job fails with this reason. Any error that is no `Failure` counts as this.
 */
export class Retry extends Failure {
  override name = 'Retry';

  wire(reason: string): Wire {
    return { tag: 'retry', val: reason };
  }
}

/** A failure after which the job waits. */
abstract class Waiting extends Failure {
  /** How long, in milliseconds. */
  readonly ms: number;

  constructor(ms: number, reason: string, options?: ErrorOptions) {
    super(reason, options);
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`${new.target.name} takes milliseconds from 0, not ${ms}`);
    }
    this.ms = Math.round(ms);
  }
}

/**
 * Like `Retry`, after a delay chosen here, in milliseconds:
 * `throw new RetryAfter(60_000, 'the provider is busy')`.
 */
export class RetryAfter extends Waiting {
  override name = 'RetryAfter';

  wire(reason: string): Wire {
    return { tag: 'retry-after', val: [this.ms, reason] };
  }
}

/**
 * A permanent failure: the job fails at once, even if attempts are left. The same as
 * BullMQ's `UnrecoverableError`, which may be thrown as well.
 */
export class Reject extends Failure {
  override name = 'Reject';

  wire(reason: string): Wire {
    return { tag: 'reject', val: reason };
  }
}

/**
 * Not now: delays the job by these milliseconds without spending an attempt, for quiet hours
 * and for what is not ready yet.
 */
export class Snooze extends Waiting {
  override name = 'Snooze';

  wire(reason: string): Wire {
    return { tag: 'snooze', val: [this.ms, reason] };
  }
}

/**
 * Continue when all children of this job are done, including those just added with
 * `queue.addChildren`. The handler is then called again, without spending an attempt. A job
 * that never had a child fails. The same as BullMQ's `WaitingChildrenError`.
 */
export class WaitChildren extends Failure {
  override name = 'WaitChildren';

  constructor(options?: ErrorOptions) {
    super('the children are not done', options);
  }

  wire(): Wire {
    return { tag: 'wait-children' };
  }
}

/**
 * Slow down: for these milliseconds no worker starts a job of this queue. The job goes back
 * to the front without spending an attempt. The same as BullMQ's `worker.rateLimit` with
 * `RateLimitError`.
 */
export class RateLimit extends Waiting {
  override name = 'RateLimit';

  wire(reason: string): Wire {
    return { tag: 'rate-limit', val: [this.ms, reason] };
  }
}

/** An error of the host that says itself what it means for the job. */
export interface Verdict {
  /** What becomes of the attempt if nobody catches the error. */
  verdict(reason: string): Wire;
}

/** How an attempt ends with what its handler threw. */
export interface End {
  /** The failure as the host takes it. */
  wire: Wire;
  /** The error whose frames tell where it came from; none for a failure that was chosen. */
  trace?: Error;
}

/** What something thrown means for the attempt. */
export function end(thrown: unknown): End {
  if (!(thrown instanceof Error)) {
    const reason = typeof thrown === 'string' ? thrown : `thrown: ${text(thrown)}`;
    return { wire: { tag: 'retry', val: reason } };
  }
  const reason = told(thrown);
  for (const error of causes(thrown)) {
    if (error instanceof Failure) return { wire: error.wire(reason) };
    if ('verdict' in error) return { wire: (error as Error & Verdict).verdict(reason) };
    // BullMQ's own classes, of processors that move here as they are.
    if (error.name === 'UnrecoverableError') return { wire: { tag: 'reject', val: reason } };
    if (error.name === 'WaitingChildrenError') return { wire: { tag: 'wait-children' } };
  }
  return { wire: { tag: 'retry', val: reason }, trace: thrown };
}

/** The error with its name, unless it says no more than that it is an error, and its causes. */
function told(thrown: Error): string {
  let reason = '';
  for (const error of causes(thrown)) {
    const plain = error instanceof Failure || 'verdict' in error;
    const name = plain || !error.name ? '' : error.name;
    const one = name && error.message ? `${name}: ${error.message}` : error.message || name;
    // Some errors repeat the message of their cause.
    if (!reason) reason = one;
    else if (!reason.includes(error.message)) reason += `: ${one}`;
  }
  return reason || thrown.name;
}

/** The error and what caused it, which may go in a circle. */
function causes(thrown: Error): Set<Error> {
  const all = new Set<Error>();
  let at: unknown = thrown;
  while (at instanceof Error && !all.has(at)) {
    all.add(at);
    at = at.cause;
  }
  return all;
}

/** A value that is no error, in words. */
function text(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
