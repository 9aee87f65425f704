// Evaluates the top of all modules once in Node, as the build of the component will do, and
// tells what they drew there that every job will find the same: random numbers and the time.

import vm from 'node:vm';

/** Modules that do not end would hang the build. */
const TIMEOUT = 5000;

/** Hooks for what may be drawn; the SDK calls the note for random numbers itself. */
const HOOKS = `
  const Real = Date;
  globalThis.Date = new Proxy(Real, {
    construct(target, args, as) {
      if (args.length === 0) __runnerNote('new Date()');
      return Reflect.construct(target, args, as);
    },
    apply(target) {
      __runnerNote('Date()');
      return target();
    },
    get(target, key) {
      if (key !== 'now') return Reflect.get(target, key);
      return () => {
        __runnerNote('Date.now()');
        return target.now();
      };
    },
  });
`;

/**
 * Warnings, one for each place.
 *
 * @param {string} code @param {(line: number, column: number) => string} place
 */
export function probe(code, place) {
  const warnings = new Set();
  Error.stackTraceLimit = 50;
  const note = what => {
    const at = first(new Error().stack ?? '', place);
    if (!at) return;
    const inPackage = /node_modules\/((?:@[^/]+\/)?[^/:]+)/.exec(at)?.[1];
    warnings.add(
      `${inPackage ? `the package "${inPackage}"` : at}: ${what} at the top of a module is drawn once, when the plugin is built, and is the same in every job`,
    );
  };
  const script = code
    .replace(/^import \* as (\w+) from "(?:runner|wasi):[^"]*";$/gm, 'const $1 = {};')
    .replace(/^export \{[^}]*\};$/gm, '');
  try {
    const context = vm.createContext({ __runnerNote: note, console: {} });
    vm.runInContext(HOOKS, context);
    vm.runInContext(`(() => {${script}\n})()`, context, { filename: 'bundle.js', timeout: TIMEOUT });
  } catch {
    // The engine says what is wrong, in its own words.
  }
  return [...warnings];
}

/** The innermost frame that is in the project or a package of it. */
function first(stack, place) {
  for (const [, line, column] of stack.matchAll(/bundle\.js:(\d+):(\d+)/g)) {
    const at = place(Number(line), Number(column));
    if (at) return at;
  }
  return '';
}
