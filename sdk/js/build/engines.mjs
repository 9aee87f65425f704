// From a bundle to a component: the two engines, each by its own npm package of the project.

import { existsSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Mistake } from './mistake.mjs';

/** What the SDK is tried with. */
const VERSIONS = {
  esbuild: '0.28.2',
  typescript: '7.0.2',
  'componentize-qjs': '0.4.5',
  '@bytecodealliance/componentize-js': '0.23.0',
};

/** How to install a tool. */
export function install(name) {
  return `run \`npm install --save-dev --save-exact ${name}@${VERSIONS[name]}\``;
}

/** The component of a bundle. */
export async function componentize(project, { engine, code }) {
  try {
    return await (engine === 'quickjs' ? quickjs : starlingmonkey)(project, code);
  } catch (error) {
    if (error instanceof Mistake) throw error;
    throw new Mistake(`the plugin cannot be built for ${engine}: ${words(error)}`);
  }
}

async function quickjs(project, code) {
  const { componentize } = await load(project, 'componentize-qjs');
  const { component } = await componentize({
    witPath: await world(project),
    world: 'engine',
    jsSource: code,
    sync: true,
  });
  return component;
}

async function starlingmonkey(project, code) {
  const name = '@bytecodealliance/componentize-js';
  const { componentize } = await load(project, name);
  const sourcePath = join(project, '.runner/out/bundle.js');
  await writeFile(sourcePath, code);
  const { component } = await componentize({
    sourcePath,
    witPath: await world(project),
    worldName: 'engine',
    disableFeatures: ['http', 'fetch-event'],
  });
  return component;
}

/** The world of an engine with the SDK, beside the host API it is made of. */
async function world(project) {
  const to = join(project, '.runner/out/wit');
  await rm(to, { recursive: true, force: true });
  await cp(join(dirname(fileURLToPath(import.meta.url)), '../wit'), to, { recursive: true });
  await cp(join(project, '.runner/wit/runner'), join(to, 'deps/runner'), { recursive: true });
  return to;
}

async function load(project, name) {
  const file = find(project, name);
  if (!file) throw new Mistake(`${name} is not installed; ${install(name)}`);
  return import(pathToFileURL(file).href);
}

function find(project, name) {
  try {
    return createRequire(join(project, 'package.json')).resolve(name);
  } catch (error) {
    // Packages without an entry for `require`.
    const file = join(project, 'node_modules', name, 'src/componentize.js');
    return error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' && existsSync(file) ? file : undefined;
  }
}

/** The first words that say something. */
function words(error) {
  const lines = String(error?.message ?? error).split('\n').map(line => line.trim());
  const told = lines.find(line => /^(\w*Error|Exception|JavaScript)/.test(line)) ?? lines.find(Boolean);
  return told ?? 'for no reason that it tells';
}
