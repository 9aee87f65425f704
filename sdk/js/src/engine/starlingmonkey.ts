// The handler as StarlingMonkey exports it. The engine has its own promises, timers, URL and
// encodings; random numbers, console and fetch are the host's, and what is missing is the SDK's.

import { watchSignals } from '../deadlines.ts';
import { host, use } from '../host.ts';
import { plugin, work } from '../handler.ts';
import { type SourceMap, useMap } from '../trace.ts';
import type { RawJob } from '../host.ts';
import { define, installHosts } from './install.ts';
import { reseed } from './random.ts';
import * as web from './web.ts';
import { type Imports, wire } from './wire.ts';

/** Before the project's own modules are evaluated. */
export function prepare(imports: Imports): void {
  for (const [name, value] of Object.entries(web)) {
    if (name === 'fetch' || !(name in globalThis)) define(name, value);
  }
  watchSignals(() => host('AbortSignal.timeout').clock());
  installHosts();
  use(wire(imports, BigInt));
}

/** `handler.handle` of the world, for the project's main module. */
export function serve(module: { default?: unknown }, map: () => SourceMap): (raw: RawJob) => Promise<string | undefined> {
  const of = plugin(module);
  const reset = (): void => {
    reseed();
    useMap(map);
  };
  return raw => work(of, raw, reset);
}
