// What handlers expect to be there: the web's globals, on engines that lack them. Imported
// by the component's entry before anything else of the project.

import { host, started } from '../host.ts';
import { fetch, watchSignals } from '../http.ts';
import { makeConsole } from '../log.ts';
import { structuredClone } from './clone.ts';
import { TextDecoder, TextEncoder } from './encoding.ts';
import { AbortController, AbortSignal, Event, EventTarget } from './events.ts';
import { Blob, File, FormData, Headers, Request, Response } from './fetch.ts';
import { microtask, start, stop } from './loop.ts';
import { getRandomValues, random, randomUUID } from './random.ts';
import { URLSearchParams } from './search_params.ts';
import { URL } from './url.ts';

/** What QuickJS lacks. */
const MISSING = {
  AbortController,
  AbortSignal,
  Blob,
  Event,
  EventTarget,
  File,
  FormData,
  Headers,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  structuredClone,
};

/** Everything that the engine lacks. */
export function installMissing(): void {
  for (const [name, value] of Object.entries(MISSING)) {
    if (!(name in globalThis)) define(name, value);
  }
}

/** On QuickJS: timers as well, which need its loop. */
export function installAll(): void {
  installMissing();
  define('queueMicrotask', microtask);
  define('setTimeout', (run: unknown, ms?: unknown, ...args: unknown[]) => start(run, ms, false, args));
  define('setInterval', (run: unknown, ms?: unknown, ...args: unknown[]) => start(run, ms, true, args));
  define('clearTimeout', stop);
  define('clearInterval', stop);
  define('self', globalThis);
}

/** On every engine: what must be the host's. */
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
  define('fetch', fetch);
  watchSignals(() => host('AbortSignal.timeout').clock());
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}
