// How far the job is, for people who watch it.

import { host } from './host.ts';
import { written } from './job.ts';

/**
 * Report progress: percent done, from 0 to 100, with or without a word about it
 * (`progress(40, 'page 2 of 5')`), or any JSON value, as BullMQ's `job.updateProgress` takes
 * it. At most four updates a second reach Redis, and the last one always does, so report as
 * often as you like.
 */
export function progress(value: unknown, message?: string): void {
  const to = host('progress');
  if (typeof value === 'number') to.progress(value, message);
  else to.progressJson(written(value, 'the progress'));
}
