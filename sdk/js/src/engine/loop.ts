// Timers and the loop that runs a job to its end, for QuickJS, which has neither. While
// nothing else is to be done, the host sleeps until the next timer is due.

import { host } from '../host.ts';
import { drain, later, state, unhandled } from './promise.ts';

interface Timer {
  at: number;
  every: number | undefined;
  run: () => void;
}

const timers = new Map<number, Timer>();
let last = 0;

/** `setTimeout` and `setInterval`. */
export function start(run: unknown, ms: unknown, again: boolean, args: unknown[]): number {
  if (typeof run !== 'function') throw new TypeError('a timer takes a function');
  const delay = Math.max(again ? 1 : 0, Math.min(Number(ms) || 0, 2 ** 31 - 1));
  timers.set(++last, {
    at: host('setTimeout').clock() + delay,
    every: again ? delay : undefined,
    run: () => run(...args),
  });
  return last;
}

/** `clearTimeout` and `clearInterval`. */
export function stop(id: unknown): void {
  timers.delete(Number(id));
}

/** Forget the timers of a job that has ended. */
export function stopAll(): void {
  timers.clear();
}

/**
 * Run until the promise is settled.
 *
 * @throws What it was rejected with; an error if nothing can settle it any more.
 */
export function run<T>(promise: Promise<T>): T {
  for (;;) {
    drain();
    const { state: now, value } = state(promise);
    if (now === 'fulfilled') return value as T;
    if (now === 'rejected') throw value;
    tick();
  }
}

/** Wait for the next timer and run it. */
function tick(): void {
  let next: [number, Timer] | undefined;
  for (const timer of timers) {
    if (!next || timer[1].at < next[1].at) next = timer;
  }
  if (!next) throw new Error('the handler waits for a promise that nothing will settle');
  const [id, timer] = next;
  const wait = timer.at - host('setTimeout').clock();
  if (wait > 0) host('setTimeout').sleep(wait);
  if (timer.every === undefined) timers.delete(id);
  else timer.at = host('setInterval').clock() + timer.every;
  timer.run();
}

/** Say what went wrong unseen: rejections that nobody handled. */
export function tellUnhandled(): void {
  for (const reason of unhandled()) console.warn('unhandled rejection:', reason);
}

/** `queueMicrotask`. */
export function microtask(run: () => void): void {
  if (typeof run !== 'function') throw new TypeError('queueMicrotask takes a function');
  later(run);
}
