// From the main module to one file: the project, the packages it uses and the SDK. Chooses
// the engine by what the bundle uses.

import { builtinModules, createRequire, SourceMap } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './engines.mjs';
import { Mistake } from './mistake.mjs';
import { probe } from './probe.mjs';

/** The SDK: `.runner/sdk` of the project. */
const SDK = join(dirname(fileURLToPath(import.meta.url)), '..');
const PLUGIN = '0.1.0';
const WASI = '0.2.12';

/** What the SDK has of the web, for QuickJS. */
const WEB = join(SDK, 'src/engine/web.ts');
const NAMES = [
  'AbortController',
  'AbortSignal',
  'Blob',
  'Event',
  'EventTarget',
  'File',
  'FormData',
  'Headers',
  'Request',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'fetch',
  'structuredClone',
];

/** What StarlingMonkey has and QuickJS has not, even with the SDK. */
const STARLING = [
  'ByteLengthQueuingStrategy',
  'CompressionStream',
  'CountQueuingStrategy',
  'DecompressionStream',
  'ReadableStream',
  'TextDecoderStream',
  'TextEncoderStream',
  'TransformStream',
  'WritableStream',
  'crypto.subtle',
];

/** What no engine has, and what to do instead. */
const ABSENT = {
  Buffer: 'use Uint8Array, TextEncoder and atob',
  EventSource: 'ask with fetch',
  WebAssembly: 'a plugin cannot load Wasm itself',
  WebSocket: 'a job has no connections of its own; use fetch',
  Worker: 'a job has one thread; add children with queue.addChildren',
  XMLHttpRequest: 'use fetch',
  document: 'there is no page',
  indexedDB: 'keep state with step, or elsewhere',
  localStorage: 'keep state with step, or elsewhere',
  process: 'settings are in config, secrets in secret',
  require: 'write import',
  window: 'write globalThis',
};

/** What is there, and says something else than its author may think. */
const PLACES = [
  [/globalThis\.Intl\b/, 'Intl is not there: no engine has the data of languages and time zones'],
  [/\.toLocale(?:Date|Time)?String\(/, 'toLocaleString knows no language and no time zone: it writes the engine\'s own form, in UTC'],
  [/\.localeCompare\(/, 'localeCompare compares code units: no language\'s order'],
  [/\.get(?:Hours|Day|Date|Month|FullYear|TimezoneOffset)\(/, 'local time is UTC in a plugin; say so with getUTC…, or take the time zone from the payload'],
];

/**
 * @param {string} project @param {string} main @param {'auto' | 'quickjs' | 'starlingmonkey'} wanted
 * @returns {Promise<{engine: string, why: string, code: string, warnings: string[], imports: string[],
 *   place: (line: number, column: number) => string}>}
 */
export async function bundle(project, main, wanted) {
  const first = wanted === 'starlingmonkey' ? 'starlingmonkey' : 'quickjs';
  let made = await run(project, main, first);
  const needs = needed(made);
  let why = wanted === 'auto' ? 'nothing needs StarlingMonkey' : 'plugin.toml says so';
  if (first === 'quickjs' && needs) {
    if (wanted === 'quickjs') made.warnings.push(`${needs.place}: QuickJS has no ${needs.name}; StarlingMonkey has`);
    else {
      made = await run(project, main, 'starlingmonkey');
      why = `${needs.place} uses ${needs.name}`;
    }
  }
  return { ...made, why };
}

/**
 * Bundle for an engine. On QuickJS the SDK stands in for names of the web where the bundle has
 * them; `globals` are those that it takes from `globalThis`, which takes a second look.
 */
async function run(project, main, engine, globals = []) {
  const esbuild = load(project);
  const foreign = [];
  let result;
  try {
    result = await esbuild.build(options(project, main, engine, foreign, globals));
  } catch (error) {
    throw mistake(error, project, main, foreign);
  }
  const text = end => result.outputFiles.find(({ path }) => path.endsWith(end)).text;
  const map = JSON.parse(text('.map'));
  let code = text('.js');
  const found = finder(project, code, map);
  if (engine === 'quickjs' && globals.length === 0) {
    const asked = NAMES.filter(name => found(new RegExp(`\\b(?:globalThis|self)\\.${name}\\b`)).length > 0);
    if (asked.length > 0) return run(project, main, engine, asked);
  }
  const imports = called(project, result.metafile, found);
  code = trimmed(code, imports);
  const computed = found(/\bimport\((?!["'])/)[0];
  if (computed) {
    throw new Mistake(
      `${computed.place}: import() of a computed name cannot be bundled`,
      'import each module by its name; all of them are in the bundle anyway',
    );
  }
  const place = placer(project, map);
  return {
    engine,
    found,
    place,
    imports,
    warnings: [...warnings(found), ...probe(code, place), ...result.warnings.map(told(project))],
    code: `${code}\nglobalThis.__runnerMap = ${JSON.stringify(slim(project, map))};\n`,
  };
}

function load(project) {
  try {
    return createRequire(join(project, 'package.json'))('esbuild');
  } catch {
    throw new Mistake(`the bundler esbuild is not installed; ${install('esbuild')}`);
  }
}

function options(project, main, engine, foreign, globals) {
  const free = [...STARLING, ...Object.keys(ABSENT), 'Intl'].filter(name => name !== 'require');
  const lowered = engine === 'quickjs';
  return {
    absWorkingDir: project,
    stdin: { contents: entry(main, engine), resolveDir: project, sourcefile: '.runner/entry.js' },
    outfile: join(project, '.runner/out/bundle.js'),
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['worker', 'browser', 'module'],
    mainFields: ['module', 'browser', 'main'],
    target: 'es2023',
    // Promises of QuickJS are the SDK's own, so no function may make one of the engine's.
    supported: lowered
      ? { 'async-await': false, 'async-generator': false, 'for-await': false, 'top-level-await': false }
      : { 'top-level-await': false },
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    keepNames: false,
    metafile: true,
    logLevel: 'silent',
    // Free names become properties: easy to find, and `undefined` instead of an error.
    define: Object.fromEntries(free.map(name => [name, `globalThis.${name}`])),
    inject: lowered ? [WEB] : [],
    plugins: [sdk(engine, globals), builtins(project, foreign)],
  };
}

/** What the component's world imports and exports. */
function entry(main, engine) {
  return `
    import 'runner-prepare:';
    import { serve } from ${JSON.stringify(join(SDK, `src/engine/${engine}.ts`))};
    import plugin from ${JSON.stringify(main)};
    export const handler = { handle: serve({ default: plugin }, () => globalThis.__runnerMap) };
  `;
}

/** The interfaces that the SDK calls, by its names for them. */
const IMPORTS = {
  job: `runner:plugin/job@${PLUGIN}`,
  log: `runner:plugin/log@${PLUGIN}`,
  progress: `runner:plugin/progress@${PLUGIN}`,
  http: `runner:plugin/http@${PLUGIN}`,
  config: `runner:plugin/config@${PLUGIN}`,
  queue: `runner:plugin/queue@${PLUGIN}`,
  checkpoint: `runner:plugin/checkpoint@${PLUGIN}`,
  sql: `runner:plugin/sql@${PLUGIN}`,
  kv: `runner:plugin/kv@${PLUGIN}`,
  blobs: `runner:plugin/blobs@${PLUGIN}`,
  random: `wasi:random/random@${WASI}`,
  clock: `wasi:clocks/monotonic-clock@${WASI}`,
  stderr: `wasi:cli/stderr@${WASI}`,
};

/** Modules of the SDK that are in the bundle only if the plugin uses them, and what they call. */
const CALLERS = {
  blobs: 'blobs',
  config: 'config',
  kv: 'kv',
  progress: 'progress',
  queue: 'queue',
  sql: 'sql',
  step: 'checkpoint',
};

/** What the bundle calls: it imports no more, as imports tell which grants a plugin may need. */
function called(project, metafile, found) {
  const [{ inputs }] = Object.values(metafile.outputs).filter(output => output.entryPoint);
  const modules = Object.keys(inputs).map(path => relative(SDK, resolve(project, path)));
  const unused = Object.keys(CALLERS)
    .filter(module => !modules.includes(`src/${module}.ts`))
    .map(module => CALLERS[module]);
  if (!modules.includes('src/http.ts') || found(/\bfetch\w*\(|\.fetch\b|\bfetch\b/).length === 0) unused.push('http');
  return Object.keys(IMPORTS).filter(name => !unused.includes(name)).map(name => IMPORTS[name]);
}

/** The code with nothing in the place of other imports. */
function trimmed(code, imports) {
  return code.replace(/^import \* as (\w+) from "([^"]+)";$/gm, (line, name, from) =>
    imports.includes(from) ? line : `const ${name} = {};`,
  );
}

function prepare(engine, globals) {
  const imports = Object.entries(IMPORTS);
  const web = globals.length ? `import { ${globals.join(', ')} } from ${JSON.stringify(WEB)};` : '';
  return `
    import { prepare } from ${JSON.stringify(join(SDK, `src/engine/${engine}.ts`))};
    ${web}
    ${imports.map(([name, from]) => `import * as ${name} from '${from}';`).join('\n')}
    prepare({ ${imports.map(([name]) => name).join(', ')} }, { ${globals.join(', ')} });
  `;
}

function sdk(engine, globals) {
  return {
    name: 'runner-sdk',
    setup(build) {
      build.onResolve({ filter: /^runner-prepare:$/ }, () => ({ path: 'prepare', namespace: 'runner' }));
      build.onLoad({ filter: /.*/, namespace: 'runner' }, () => ({ contents: prepare(engine, globals), resolveDir: SDK }));
      build.onResolve({ filter: /^(runner|wasi):/ }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /^@runner\/sdk$/ }, () => ({ path: join(SDK, 'src/index.ts') }));
      build.onResolve({ filter: /^@runner\/sdk\/testing$/ }, () => ({
        errors: [{ text: "'@runner/sdk/testing' is for unit tests; a plugin cannot import it" }],
      }));
    },
  };
}

/** Modules of Node that are imported, unless a package of that name is installed. */
function builtins(project, foreign) {
  const names = builtinModules.filter(name => !name.startsWith('_')).join('|');
  const skip = Symbol('resolved here');
  return {
    name: 'runner-builtins',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^(node:.*|(${names})(/.*)?)$`) }, async args => {
        if (args.pluginData === skip) return undefined;
        if (!args.path.startsWith('node:')) {
          const { kind, importer, resolveDir } = args;
          const found = await build.resolve(args.path, { kind, importer, resolveDir, pluginData: skip });
          if (found.errors.length === 0 && (found.path !== args.path || found.namespace === 'disabled')) return found;
        }
        foreign.push({ module: args.path, importer: args.importer });
        return { path: args.path, external: true };
      });
      build.onEnd(() => {
        if (foreign.length === 0) return undefined;
        return { errors: [{ text: 'imports of Node' }] };
      });
    },
  };
}

/** What esbuild found wrong, in the words of the project. */
function mistake(error, project, main, foreign) {
  if (foreign.length > 0) return needsNode(project, foreign);
  const errors = error.errors ?? [];
  const missing = errors.find(({ text }) => text.startsWith('No matching export in') && text.includes('"default"'));
  if (missing) {
    return new Mistake(
      `${relative(project, main)} has no default export, so there is no handler`,
      'write `export default defineHandler(job => …)`',
    );
  }
  if (errors.length === 0) return error;
  const unresolved = errors.map(({ text }) => /^Could not resolve "([^"]+)"/.exec(text)?.[1]).find(Boolean);
  let help;
  if (unresolved && !/^[./]/.test(unresolved)) {
    const name = unresolved.split('/').slice(0, unresolved.startsWith('@') ? 2 : 1).join('/');
    help = `install it: npm install ${name}`;
  } else if (errors.some(({ text }) => text.startsWith('Top-level await'))) {
    help = 'the plugin is evaluated when it is built, where nothing can be waited for; await in the handler';
  }
  return new Mistake(errors.map(told(project)).join('\n'), help);
}

function needsNode(project, foreign) {
  const lines = foreign.map(({ module, importer }) => {
    const file = relative(project, importer);
    const parts = file.split(sep);
    const at = parts.lastIndexOf('node_modules');
    if (at < 0) return `${file} imports "${module}"`;
    const scoped = parts[at + 1]?.startsWith('@');
    const name = parts.slice(at + 1, at + (scoped ? 3 : 2)).join('/');
    return `the package "${name}" imports "${module}" (${file})`;
  });
  const shown = [...new Set(lines)];
  const more = shown.length > 5 ? [`and ${shown.length - 5} more`] : [];
  return new Mistake(
    `modules of Node are not there in a plugin: ${[...shown.slice(0, 5), ...more].join(', ')}`,
    'use what the SDK and the web have (fetch, crypto, URL), or a package for browsers and edge runtimes',
  );
}

function told(project) {
  return ({ text, location }) => {
    if (!location) return text;
    const file = relative(project, resolve(project, location.file));
    return `${file}:${location.line}:${location.column + 1}: ${text}`;
  };
}

/** Tells where a line and column of the bundle, from 1, are in the project; empty if nowhere. */
function placer(project, map) {
  const entries = new SourceMap(map);
  return (line, column) => {
    const { originalSource, originalLine = 0 } = entries.findEntry(line - 1, column - 1);
    const file = originalSource ? source(project, originalSource) : '';
    return file && `${file}:${originalLine + 1}`;
  };
}

/** Finds a pattern in the bundle; tells where it is in the project. */
function finder(project, code, map) {
  const placed = placer(project, map);
  const starts = [0];
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  return pattern => {
    const all = [];
    for (const match of code.matchAll(new RegExp(pattern, 'g'))) {
      // `typeof X` asks whether it is there.
      if (/\btypeof\s+$/.test(code.slice(Math.max(0, match.index - 12), match.index))) continue;
      const line = starts.findLastIndex(start => start <= match.index);
      const place = placed(line + 1, match.index - starts[line] + 1);
      if (place) all.push({ file: place.replace(/:\d+$/, ''), place });
    }
    return all;
  };
}

/** A source of the map, relative to the project; empty for those of the SDK. */
function source(project, name) {
  const file = relative(project, resolve(project, '.runner/out', name));
  return file.startsWith('.runner') || relative(SDK, resolve(project, file)).startsWith('src') ? '' : file;
}

/**
 * The map for frames, as src/trace.ts reads it: lines apart by `;`, segments by `,`, numbers by
 * spaces and to the base 36; without the SDK and without names.
 */
function slim(project, map) {
  const sources = map.sources.map(name => source(project, name));
  let [at, line, column] = [0, 0, 0];
  const lines = map.mappings.split(';').map(text => {
    let from = 0;
    const kept = [];
    for (const segment of text.split(',').filter(Boolean)) {
      const [a, b, c, d] = digits(segment);
      from += a;
      if (b === undefined) continue;
      [at, line, column] = [at + b, line + c, column + d];
      if (sources[at]) kept.push([from, at, line, column].map(n => n.toString(36)).join(' '));
    }
    return kept.join(',');
  });
  return { sources, lines: lines.join(';') };
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The numbers of a segment (ECMA-426): five bits a letter, the sixth says that more follow. */
function digits(text) {
  const all = [];
  let [value, shift] = [0, 0];
  for (const letter of text) {
    const bits = BASE64.indexOf(letter);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    all.push(value & 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0];
  }
  return all;
}

/** The first use of what only StarlingMonkey has. */
function needed({ found }) {
  for (const name of STARLING) {
    const [use] = found(new RegExp(`\\bglobalThis\\.${name.replace('.', '\\.')}\\b`));
    if (use) return { name, place: use.place };
  }
  return undefined;
}

function warnings(found) {
  const all = [];
  for (const [name, instead] of Object.entries(ABSENT)) {
    for (const { file, place } of found(new RegExp(`\\bglobalThis\\.${name}\\b`))) {
      // Packages ask for many things before they use them.
      if (!file.includes('node_modules')) all.push(`${place}: ${name} is not there: ${instead}`);
    }
  }
  for (const [pattern, words] of PLACES) {
    const seen = new Set();
    for (const { file, place } of found(pattern)) {
      const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
      const where = inPackage ? `the package "${inPackage}"` : place;
      if (seen.has(where)) continue;
      seen.add(where);
      all.push(`${where}: ${words}`);
    }
  }
  return all;
}
