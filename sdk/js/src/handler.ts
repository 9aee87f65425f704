// From handlers to the component's export, and from what they throw to failures.

import { end, type Wire } from './failure.ts';
import { begin, host, type RawJob } from './host.ts';
import { Job, written } from './job.ts';
import { report } from './trace.ts';

/** A function that works on a job. What it returns is stored as the job's result. */
export type Handler<Data = unknown, Result = unknown> = (
  job: Job<Data>,
) => Result | Promise<Result>;

/** The handlers of several types of job, by name, for `Jobs` of a contract. */
export type Handlers<Jobs> = {
  [Name in keyof Jobs]: Jobs[Name] extends { data: infer Data; result: infer Result }
    ? Handler<Data, Result extends null ? null | undefined | void : Result>
    : Handler<any, unknown>;
};

/** A plugin: what the project's main module exports as `default`. */
export interface Plugin {
  /** Works on a job, whatever its name. */
  readonly handle: Handler<any, unknown>;
}

/**
 * A plugin of one handler, for jobs of any name:
 *
 * ```ts
 * export default defineHandler(async job => `hello, ${job.data.name}`);
 * export default defineHandler<Greeting, string>(async job => `hello, ${job.data.name}`);
 * ```
 *
 * The second form takes its types from a contract (`.runner/types`).
 */
export function defineHandler<Data = any, Result = unknown>(
  handler: Handler<Data, Result>,
): Plugin {
  if (typeof handler !== 'function') {
    throw new TypeError(`defineHandler takes a function, not ${typeof handler}`);
  }
  return { handle: handler };
}

/**
 * A plugin of several handlers, by the name of the job:
 *
 * ```ts
 * export default defineHandlers<Jobs>({ 'send-otp': sendOtp, 'revoke-otp': revokeOtp });
 * ```
 *
 * A name may be a pattern: `*` stands for any text, as in `'orders/*'`. The name itself goes
 * before patterns, and patterns are tried in their order. A job that none takes is rejected.
 */
export function defineHandlers<Jobs = Record<string, { data: any; result: any }>>(
  handlers: Handlers<Jobs>,
): Plugin {
  const exact = new Map<string, Handler<any>>();
  const patterns: [RegExp, Handler<any>][] = [];
  for (const [name, handler] of Object.entries<Handler<any>>(handlers)) {
    if (typeof handler !== 'function') {
      throw new TypeError(`the handler of '${name}' is no function but ${typeof handler}`);
    }
    exact.set(name, handler);
    if (name.includes('*')) {
      const parts = name.split('*').map(part => part.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&'));
      patterns.push([new RegExp(`^${parts.join('.*')}$`, 's'), handler]);
    }
  }
  const names = [...exact.keys()].map(name => `'${name}'`).join(', ');
  return {
    handle: job => {
      const handler =
        exact.get(job.name) ?? patterns.find(([pattern]) => pattern.test(job.name))?.[1];
      if (handler) return handler(job);
      const verdict = (reason: string): Wire => ({ tag: 'reject', val: reason });
      throw Object.assign(new Error(`no handler takes '${job.name}'; this plugin has ${names}`), {
        name: '',
        verdict,
      });
    },
  };
}

/**
 * Work on one job of the host; the result as JSON. `reset` is called first.
 *
 * @throws The failure as the host takes it.
 */
export async function work(
  plugin: Plugin,
  raw: RawJob,
  reset: () => void = () => {},
): Promise<string | undefined> {
  begin();
  try {
    reset();
    const result = await plugin.handle(new Job(raw));
    return result === undefined ? undefined : written(result, 'the result');
  } catch (thrown) {
    throw failed(thrown);
  }
}

/** The failure as the host takes it; frames go to stderr, where Runner looks for them. */
export function failed(thrown: unknown): Wire {
  const { wire, trace } = end(thrown);
  if (trace) host('a handler').stderr(report(wire, trace));
  return wire;
}

/**
 * The plugin that a main module exports: as `default`, made by `defineHandler`, or a bare
 * function.
 *
 * @throws {TypeError} When it exports something else.
 */
export function plugin(module: { default?: unknown }): Plugin {
  const found = module.default;
  if (typeof found === 'function') return { handle: found as Handler<any> };
  if (typeof found === 'object' && found !== null && 'handle' in found) return found as Plugin;
  throw new TypeError(
    'the default export is no handler; write `export default defineHandler(job => …)`',
  );
}
