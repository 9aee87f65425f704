// From a bundle to a component: the two engines, each by its own npm package of the project.

import { existsSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Mistake } from './mistake.mjs';

/** The package that makes components of StarlingMonkey. */
const STARLING = '@bytecodealliance/componentize-js';

/** What the SDK is tried with. */
const VERSIONS = {
  esbuild: '0.28.2',
  typescript: '7.0.2',
  'componentize-qjs': '0.4.5',
  [STARLING]: '0.23.0',
};

/** How to install a tool. */
export function install(name) {
  // componentize-js imports it without depending on it.
  const more = name === STARLING ? ' @bytecodealliance/preview2-shim@0.26.0' : '';
  return `run \`npm install --save-dev --save-exact ${name}@${VERSIONS[name]}${more}\``;
}

/**
 * The component of a bundle, and the tool that made it with its version.
 *
 * @returns {Promise<{component: Uint8Array, tool: [string, string]}>}
 */
export async function componentize(project, { engine, why, code, imports, place }) {
  if (engine === 'starlingmonkey' && !find(project, STARLING)) {
    throw new Mistake(`StarlingMonkey is needed (${why}), and ${STARLING} is not installed; ${install(STARLING)}`);
  }
  try {
    return await (engine === 'quickjs' ? quickjs : starlingmonkey)(project, code, imports);
  } catch (error) {
    if (error instanceof Mistake) throw error;
    const text = String(error?.message ?? error);
    throw new Mistake(`the plugin cannot be built for ${engine}: ${words(text)}${where(text, place)}`);
  }
}

async function quickjs(project, code, imports) {
  const { componentize, tool } = await load(project, 'componentize-qjs');
  const { component } = await componentize({
    witPath: await world(project, imports),
    world: 'engine',
    jsSource: code,
    sync: true,
  });
  return { component, tool };
}

async function starlingmonkey(project, code, imports) {
  const { componentize, tool } = await load(project, STARLING);
  const sourcePath = join(project, '.runner/out/bundle.js');
  await writeFile(sourcePath, code);
  const { component } = await componentize({
    sourcePath,
    witPath: await world(project, imports),
    worldName: 'engine',
    disableFeatures: ['http', 'fetch-event'],
  });
  return { component, tool };
}

/** The world of a bundle, beside the host API and what the SDK calls of WASI. */
async function world(project, imports) {
  const to = join(project, '.runner/out/wit');
  await rm(to, { recursive: true, force: true });
  await cp(join(dirname(fileURLToPath(import.meta.url)), '../wit'), to, { recursive: true });
  await cp(join(project, '.runner/wit/runner'), join(to, 'deps/runner'), { recursive: true });
  const lines = imports.map(name => `  import ${name};\n`).join('');
  const text = `package runner:javascript;\n\nworld engine {\n${lines}  export runner:plugin/handler@0.1.0;\n}\n`;
  await writeFile(join(to, 'engine.wit'), text);
  return to;
}

async function load(project, name) {
  const directory = find(project, name);
  if (!directory) throw new Mistake(`${name} is not installed; ${install(name)}`);
  const { version, main, exports } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  const { componentize } = await import(pathToFileURL(join(directory, exports?.import ?? main)).href);
  return { componentize, tool: [name.split('/').at(-1), version] };
}

/** Where a package is installed: here or above. */
export function find(project, name) {
  for (let at = project; ; at = dirname(at)) {
    const directory = join(at, 'node_modules', name);
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (at === dirname(at)) return undefined;
  }
}

/** What the engine says about a module that cannot be evaluated, without its own trimmings. */
function words(text) {
  const quickjs = /module evaluation: (?:Error: )?(.*)/.exec(text)?.[1];
  const starling = /bundle\.js:\d+:\d+ (.*)/.exec(text)?.[1];
  const first = text.split('\n').map(line => line.trim()).find(Boolean);
  return quickjs ?? starling ?? first ?? 'for no reason that it tells';
}

/** Where in the project, if a frame is in it. */
function where(text, place) {
  for (const [, line, column] of text.matchAll(/(?:user|bundle)\.js:(\d+):(\d+)/g)) {
    const at = place(Number(line), Number(column));
    if (at) return ` (${at})`;
  }
  return '';
}
