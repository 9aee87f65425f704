// Random numbers that differ from job to job. An engine's own generator was seeded when the
// component was built and starts the same in each instance.

import { host, started } from '../host.ts';

declare global {
  /** There when the build looks at what modules do at their top (build/probe.mjs). */
  var __runnerNote: ((what: string) => void) | undefined;
}

/** xoshiro128** 1.1 (Blackman and Vigna), seeded by the host when it is first asked. */
let seeds: Uint32Array | undefined;

/** New seeds for the next job. */
export function reseed(): void {
  seeds = undefined;
}

/** `Math.random` */
export function random(): number {
  if (!started()) globalThis.__runnerNote?.('Math.random()');
  // 53 bits, as many as a number has between 0 and 1.
  return ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

function next(): number {
  seeds ??= started()
    ? new Uint32Array(Uint8Array.from(host('Math.random').random(16)).buffer)
    : // While the component is built there is no host. What is drawn then is in the snapshot,
      // so that it may as well be the same in each build.
      Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x3243f6a8);
  const [a = 0, b = 0, c = 0, d = 0] = seeds;
  const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
  const mixed = c ^ a;
  const other = d ^ b;
  seeds[1] = b ^ mixed;
  seeds[0] = a ^ other;
  seeds[2] = mixed ^ (b << 9);
  seeds[3] = rotate(other, 11);
  return result >>> 0;
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** `crypto.getRandomValues` */
export function getRandomValues<T extends ArrayBufferView | null>(array: T): T {
  if (!ArrayBuffer.isView(array) || array instanceof DataView || /^Float/.test(array.constructor.name)) {
    throw new DOMException('getRandomValues fills arrays of integers', 'TypeMismatchError');
  }
  if (array.byteLength > 65_536) {
    throw new DOMException('getRandomValues fills 65536 bytes at most', 'QuotaExceededError');
  }
  const bytes = host('crypto.getRandomValues').random(array.byteLength);
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes);
  return array;
}

/** `crypto.randomUUID`: version 4 (RFC 9562, 5.4) */
export function randomUUID(): string {
  const bytes = host('crypto.randomUUID').random(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
