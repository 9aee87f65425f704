// The job's log: `log` with fields, and `console`, whose methods end up there too.

import { host } from './host.ts';
import { format, inspect } from './inspect.ts';

/** How important a line is. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Fields of a line: strings as they are, everything else as `console.log` would show it. */
export type Fields = Record<string, unknown>;

/** Write one line with fields. */
export function write(level: Level, message: string, fields: Fields = {}): void {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [
      key,
      typeof value === 'string' ? value : inspect(value),
    ]);
  host(`log.${level}`).log(level, message, pairs);
}

/**
 * Lines of the job's log, with fields: `log.info('sent', { recipient, ms })`. They appear in
 * BullMQ's job log (`queue.getJobLogs`) and in Runner's own, with queue, job and plugin.
 * An attempt may write 1000 lines of 8 KiB.
 */
export const log = {
  /** Steps that only the author cares about. */
  trace: (message: string, fields?: Fields): void => write('trace', message, fields),
  /** Details that help explain a failure. */
  debug: (message: string, fields?: Fields): void => write('debug', message, fields),
  /** Normal operation. */
  info: (message: string, fields?: Fields): void => write('info', message, fields),
  /** Something unexpected that was handled. */
  warn: (message: string, fields?: Fields): void => write('warn', message, fields),
  /** Something that will probably make the attempt fail. */
  error: (message: string, fields?: Fields): void => write('error', message, fields),
};

/** `console`, with `say` for its lines and `now` for its timers, in milliseconds. */
export function makeConsole(say: (level: Level, line: string) => void, now: () => number) {
  let indent = '';
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  const line =
    (level: Level) =>
    (...data: unknown[]): void =>
      say(level, format(data).replace(/^/gm, indent));
  const elapsed = (label: string, data: unknown[]) => {
    const from = timers.get(label);
    if (from === undefined) return line('warn')(`there is no timer '${label}'`);
    line('info')(`${label}: ${Math.round((now() - from) * 1000) / 1000}ms`, ...data);
  };
  return {
    log: line('info'),
    info: line('info'),
    debug: line('debug'),
    warn: line('warn'),
    error: line('error'),
    trace: (...data: unknown[]) => {
      const stack = new Error().stack?.split('\n').slice(1).join('\n');
      line('trace')(`${format(['Trace:', ...data])}\n${stack ?? ''}`.trimEnd());
    },
    assert: (ok?: unknown, ...data: unknown[]) => {
      if (!ok) line('error')(...(data.length ? ['Assertion failed:', ...data] : ['Assertion failed']));
    },
    dir: (value: unknown) => line('info')(value),
    dirxml: line('info'),
    table: (value: unknown) => line('info')(value),
    group: (...data: unknown[]) => {
      if (data.length) line('info')(...data);
      indent += '  ';
    },
    groupCollapsed: (...data: unknown[]) => {
      if (data.length) line('info')(...data);
      indent += '  ';
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    count: (label = 'default') => {
      const n = (counts.get(label) ?? 0) + 1;
      counts.set(label, n);
      line('info')(`${label}: ${n}`);
    },
    countReset: (label = 'default') => {
      counts.delete(label);
    },
    time: (label = 'default') => {
      timers.set(label, now());
    },
    timeLog: (label = 'default', ...data: unknown[]) => elapsed(label, data),
    timeEnd: (label = 'default') => {
      elapsed(label, []);
      timers.delete(label);
    },
    clear: () => {},
    timeStamp: () => {},
  };
}
