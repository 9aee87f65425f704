// The handler as QuickJS exports it.

import { use } from '../host.ts';
import { failed, type Plugin, plugin, work } from '../handler.ts';
import { type SourceMap, useMap } from '../trace.ts';
import type { RawJob } from '../host.ts';
import { define, installHosts } from './install.ts';
import { microtask, run, start, stop, stopAll, tellUnhandled } from './loop.ts';
import { forget, PromiseClass } from './promise.ts';
import { reseed } from './random.ts';
import { type Imports, wire } from './wire.ts';

/** Before the project's own modules are evaluated; `web` is what `globalThis` must have of it. */
export function prepare(imports: Imports, web: Record<string, unknown>): void {
  globalThis.Promise = PromiseClass;
  define('self', globalThis);
  define('queueMicrotask', microtask);
  define('setTimeout', timer(false));
  define('setInterval', timer(true));
  define('clearTimeout', stop);
  define('clearInterval', stop);
  for (const [name, value] of Object.entries(web)) define(name, value);
  installHosts();
  use(wire(imports, value => value));
}

function timer(again: boolean) {
  return (run: unknown, ms?: unknown, ...args: unknown[]) => start(run, ms, again, args);
}

/** `handler.handle` of the world, for the project's main module. */
export function serve(module: { default?: unknown }, map: () => SourceMap): (raw: RawJob) => string | undefined {
  const of: Plugin = plugin(module);
  const reset = (): void => {
    reseed();
    stopAll();
    useMap(map);
  };
  return raw => {
    forget();
    try {
      return run(work(of, raw, reset));
    } catch (thrown) {
      // A failure of the host's form, or of the loop itself.
      throw typeof thrown === 'object' && thrown !== null && 'tag' in thrown ? thrown : failed(thrown);
    } finally {
      tellUnhandled();
    }
  };
}
