// Steps that a retry need not repeat.

import { Reject } from './failure.ts';
import { host } from './host.ts';
import { written } from './job.ts';
import { parse } from './json.ts';
import { log } from './log.ts';

/**
 * Run a step once over all attempts of the job. When an earlier attempt finished it, what it
 * returned then is returned now, without running it:
 *
 * ```ts
 * const payment = await step('payment', () => charge(job.data));
 * ```
 *
 * What the step returns is stored with the job in Redis, as JSON of at most 64 KiB; names
 * have up to 64 characters, and a job up to 64 steps. A step that took effect just before a
 * crash may still be repeated, so give the other side an idempotency key if it takes one.
 *
 * @throws What the step itself throws.
 */
export async function step<Value>(name: string, run: () => Value | Promise<Value>): Promise<Value> {
  const to = host('step');
  const stored = to.step(name);
  if (stored !== undefined) {
    try {
      return parse(stored) as Value;
    } catch (cause) {
      throw new Reject(`the step "${name}" holds no JSON`, { cause });
    }
  }
  const value = await run();
  const json = value === undefined ? 'null' : written(value, `what the step "${name}" returned`);
  try {
    to.putStep(name, json);
  } catch (error) {
    // The effect has happened. To fail now would repeat it for certain.
    const why = error instanceof Error ? error.message : String(error);
    log.warn(`the step may be repeated: ${why}`, { step: name });
  }
  return value;
}
