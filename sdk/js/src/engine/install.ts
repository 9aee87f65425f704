// What handlers find in `globalThis` on every engine, because it must be the host's.

import { host, started } from '../host.ts';
import { makeConsole } from '../log.ts';
import { getRandomValues, random, randomUUID } from './random.ts';

/** Random numbers, which differ from job to job, and the job's log. */
export function installHosts(): void {
  Math.random = random;
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  define('crypto', { getRandomValues, randomUUID, ...(subtle && { subtle }) });
  define(
    'console',
    // While the component is built nobody listens.
    makeConsole(
      (level, line) => started() && host('console').log(level, line, []),
      () => host('console.time').clock(),
    ),
  );
}

/** Set a global name. */
export function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}
