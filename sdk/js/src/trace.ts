// Frames of errors in terms of the project's own files: the build leaves a source map in
// the bundle, which is decoded only when something was thrown.

import type { Wire } from './failure.ts';

/** Where the lines of the bundle come from. */
export interface SourceMap {
  /** Relative to the project; empty for those of the SDK. */
  sources: string[];
  /** Segments of each line of the bundle; build/bundle.mjs says how they are written. */
  lines: string;
}

/** Frames that are told. */
const FRAMES = 32;

let map: (() => SourceMap) | undefined;
let lines: Segment[][] | undefined;

/** Column in the bundle; then source, line and column there. */
type Segment = [number, number, number, number];

/** Frames from now on are told by this map, which is asked for when something was thrown. */
export function useMap(given: () => SourceMap): void {
  map = given;
}

/**
 * What an uncaught error looks like on stderr, in the form that Runner reads for every
 * JavaScript engine: the reason, `Stack:`, and a line for each frame, innermost first.
 */
export function report(wire: Wire, error: Error): string {
  const reason = 'val' in wire ? [wire.val].flat().at(-1) : error.message;
  const told = frames(error.stack ?? '').map(frame => `  ${frame}\n`);
  return told.length ? `${String(reason)}\nStack:\n${told.join('')}` : '';
}

/** The frames of a stack of V8, QuickJS or SpiderMonkey: `function@file:line:column`. */
export function frames(stack: string): string[] {
  const told: string[] = [];
  for (const line of stack.split('\n')) {
    const frame = read(line);
    if (!frame) continue;
    const at = original(frame);
    // What is not the project's says nothing to its author.
    if (at === undefined) continue;
    told.push(`${frame.name}@${at}`);
    if (told.length === FRAMES) break;
  }
  return told;
}

interface Frame {
  name: string;
  file: string;
  line: number;
  column: number;
}

function read(line: string): Frame | undefined {
  const v8 = /^\s*at (?:(?:async )?(.*?) \()?(.*?):(\d+):(\d+)\)?$/.exec(line);
  const spider = v8 ? null : /^\s*(.*?)@(.*):(\d+):(\d+)$/.exec(line);
  const found = v8 ?? spider;
  if (!found) return undefined;
  const [, name = '', file = '', at, column] = found;
  const plain = name.replace(/^(?:async\*|new )/, '').replace(/[/<]+$/, '');
  return {
    name: plain === '<anonymous>' ? '' : plain,
    file,
    line: Number(at),
    column: Number(column),
  };
}

/** Where a frame is in the project's files; nothing if it is the SDK's or the engine's. */
function original({ file, line, column }: Frame): string | undefined {
  if (!map) return `${file.replace(/^file:\/\//, '')}:${line}:${column}`;
  const { sources, lines: text } = map();
  lines ??= decode(text);
  const segments = lines[line - 1] ?? [];
  const at = segments.findLast(([from]) => from < column);
  const source = at && sources[at[1]];
  if (!at || !source) return undefined;
  return `${source}:${at[2] + 1}:${at[3] + 1}`;
}

/** The segments of each line. */
function decode(text: string): Segment[][] {
  return text.split(';').map(line =>
    line
      .split(',')
      .filter(Boolean)
      .map(segment => segment.split(' ').map(number => Number.parseInt(number, 36)) as Segment),
  );
}
