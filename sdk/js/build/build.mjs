// Builds a project: checks its types, bundles it and makes a component of the bundle.
//
//   node build.mjs OPTIONS     (JSON: see `options`)
//
// Run by `runner build` with the tools of the project's own node_modules. What goes wrong and
// what is to be told is printed as one JSON document on stdout; the words of tsc and of the
// bundler go to stderr as they are.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { bundle } from './bundle.mjs';
import { componentize, find, install } from './engines.mjs';
import { Mistake } from './mistake.mjs';

/** @type {{project: string, engine: 'auto' | 'quickjs' | 'starlingmonkey', out: string, color?: boolean}} */
const options = JSON.parse(process.argv[2]);
const project = resolve(options.project);
const runner = join(project, '.runner');

/** The main module: `main` of package.json, or one of the usual places. */
function entry() {
  const file = join(project, 'package.json');
  let main;
  try {
    main = JSON.parse(readFileSync(file, 'utf8')).main;
  } catch (error) {
    throw new Mistake(`package.json cannot be read: ${error.message}`);
  }
  const usual = ['src/index.ts', 'src/index.js', 'index.ts', 'index.js'];
  const found = (main ? [main] : usual).find(path => existsSync(join(project, path)));
  if (found) return join(project, found);
  throw new Mistake(
    main
      ? `package.json names the main module "${main}", which is not there`
      : `there is no main module; name it in package.json ("main": "src/index.ts") or write ${usual[0]}`,
  );
}

/** Check types, if the project has any. Its words are printed as they are. */
async function check() {
  if (!existsSync(join(project, 'tsconfig.json'))) return;
  const typescript = find(project, 'typescript');
  if (!typescript) {
    throw new Mistake(`the project has a tsconfig.json, but typescript is not installed; ${install('typescript')}`);
  }
  const args = [join(typescript, 'bin/tsc'), '--noEmit', '--pretty', String(options.color ?? false)];
  const child = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 2, 2] });
  const code = await new Promise(done => child.on('close', done));
  if (code !== 0) throw new Mistake('the types do not fit (tsc)');
}

/** All of them, or what the first that fails says; the others are waited for. */
async function together(...tasks) {
  const results = await Promise.allSettled(tasks);
  const failed = results.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.map(result => result.value);
}

async function build() {
  if (!existsSync(join(project, 'node_modules')) && !find(project, 'esbuild')) {
    throw new Mistake('the packages of this project are not installed; run `npm install` here');
  }
  await mkdir(join(runner, 'out'), { recursive: true });
  const main = entry();
  const work = async () => {
    const made = await bundle(project, main, options.engine);
    await writeFile(join(runner, 'out/bundle.js'), made.code);
    return { ...made, ...(await componentize(project, made)) };
  };
  const [made] = await together(work(), check());
  await writeFile(resolve(project, options.out), made.component);
  const { engine, why, tool, warnings } = made;
  return { main: relative(project, main), engine, why, tool, warnings };
}

try {
  console.log(JSON.stringify(await build()));
} catch (error) {
  if (!(error instanceof Mistake)) throw error;
  console.log(JSON.stringify({ error: error.message, help: error.help }));
}
