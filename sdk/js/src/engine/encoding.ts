// TextEncoder and TextDecoder for QuickJS. The engine's own `escape` and
// `encodeURIComponent` do the work where they can: a loop over bytes is slow there.

import { utf8 } from './utf8.ts';

/** Characters that `fromCharCode` takes at once without using up the stack. */
const CHUNK = 4096;

/** https://encoding.spec.whatwg.org/#interface-textencoder */
export class TextEncoder {
  readonly encoding = 'utf-8';

  encode(text = ''): Uint8Array {
    return utf8(String(text));
  }

  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    let [read, written] = [0, 0];
    for (const char of text) {
      const bytes = this.encode(char);
      if (written + bytes.length > into.length) break;
      into.set(bytes, written);
      written += bytes.length;
      read += char.length;
    }
    return { read, written };
  }
}

const LABELS: Record<string, string> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'unicode-1-1-utf-8': 'utf-8',
  'utf-16le': 'utf-16le',
  'utf-16': 'utf-16le',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  ascii: 'windows-1252',
  'us-ascii': 'windows-1252',
  'windows-1252': 'windows-1252',
};

/** What 0x80 to 0x9f are in windows-1252. */
const WINDOWS =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** https://encoding.spec.whatwg.org/#interface-textdecoder, for UTF-8, UTF-16LE and windows-1252 */
export class TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    const encoding = LABELS[label.trim().toLowerCase()];
    if (!encoding) throw new RangeError(`the encoding '${label}' is not supported`);
    this.encoding = encoding;
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  decode(input?: ArrayBuffer | ArrayBufferView, { stream = false } = {}): string {
    let bytes = concat(this.#rest, view(input));
    this.#rest = new Uint8Array(0);
    if (stream) {
      const whole = bytes.length - this.#open(bytes);
      this.#rest = bytes.slice(whole);
      bytes = bytes.subarray(0, whole);
    }
    let text = this.#text(bytes);
    if (!this.#begun && !this.ignoreBOM && text.startsWith('\ufeff')) text = text.slice(1);
    this.#begun = stream && (this.#begun || text.length > 0);
    return text;
  }

  #text(bytes: Uint8Array): string {
    if (this.encoding === 'utf-16le') {
      const units = Array.from({ length: bytes.length >> 1 }, (_, at) =>
        String.fromCharCode((bytes[2 * at] as number) | ((bytes[2 * at + 1] as number) << 8)),
      );
      return units.join('').toWellFormed() + (bytes.length & 1 ? this.#bad() : '');
    }
    const text = binary(bytes);
    if (this.encoding === 'windows-1252') {
      return text.replace(/[\x80-\x9f]/g, c => WINDOWS[c.charCodeAt(0) - 0x80] as string);
    }
    if (!/[\x80-\xff]/.test(text)) return text;
    try {
      return decodeURIComponent(escape(text));
    } catch {
      return this.#mended(bytes);
    }
  }

  #bad(): string {
    if (this.fatal) throw new TypeError(`the data is not ${this.encoding}`);
    return '\ufffd';
  }

  /** UTF-8 with mistakes: each becomes U+FFFD (https://encoding.spec.whatwg.org/#utf-8-decoder). */
  #mended(bytes: Uint8Array): string {
    let text = '';
    for (let at = 0; at < bytes.length; ) {
      const length = sequence(bytes, at);
      if (length > 0) {
        text += decodeURIComponent(escape(binary(bytes.subarray(at, at + length))));
        at += length;
      } else {
        text += this.#bad();
        at += -length || 1;
      }
    }
    return text;
  }

  /** How many bytes at the end are the beginning of something. */
  #open(bytes: Uint8Array): number {
    if (this.encoding === 'utf-16le') return bytes.length & 1;
    if (this.encoding !== 'utf-8') return 0;
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back] as number;
      if (byte < 0x80) return 0;
      if (byte >= 0xc0) return sequence(bytes, bytes.length - back) > 0 ? 0 : back;
    }
    return 0;
  }
}

/** The length of the character at this place; if it is broken, minus the length of the valid start. */
function sequence(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return -1;
  for (let n = 1; n < length; n++) {
    const byte = bytes[at + n] ?? 0;
    const low = n > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = n > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return -n;
  }
  return length;
}

function binary(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK) as unknown as number[]);
  }
  return text;
}

function view(input: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (!input) return new Uint8Array(0);
  if (!ArrayBuffer.isView(input)) return new Uint8Array(input);
  return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
}

/** Both, without copying what is alone. */
export function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
