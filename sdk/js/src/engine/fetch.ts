// Headers, Request, Response, Blob, File and FormData (https://fetch.spec.whatwg.org) for
// QuickJS. Content is held whole: there are no streams, and `body` is null.

import { concat } from './encoding.ts';
import { AbortSignal } from './events.ts';
import { URL } from './url.ts';

type HeadersLike = Iterable<readonly [string, string]> | Record<string, string> | undefined;

export class Headers {
  #fields: [string, string][] = [];

  constructor(init?: HeadersLike) {
    if (!init) return;
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  append(name: string, value: string): void {
    this.#fields.push(field(name, value));
  }

  delete(name: string): void {
    const key = String(name).toLowerCase();
    this.#fields = this.#fields.filter(([one]) => one !== key);
  }

  get(name: string): string | null {
    const key = String(name).toLowerCase();
    const found = this.#fields.filter(([one]) => one === key).map(([, value]) => value);
    return found.length ? found.join(', ') : null;
  }

  getSetCookie(): string[] {
    return this.#fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  forEach(run: (value: string, name: string, all: Headers) => void): void {
    for (const [name, value] of this) run(value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    const names = [...new Set(this.#fields.map(([name]) => name))].sort();
    for (const name of names) {
      if (name === 'set-cookie') for (const value of this.getSetCookie()) yield [name, value];
      else yield [name, this.get(name) ?? ''];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

/** A name in lower case and a value, as they may be sent. */
function field(name: string, value: string): [string, string] {
  const key = String(name).toLowerCase();
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(key)) throw new TypeError(`Invalid header name: '${name}'`);
  if (/[\0\n\r]/.test(text)) throw new TypeError(`Invalid value of the header '${name}'`);
  return [key, text];
}

type Content = string | ArrayBuffer | ArrayBufferView | Blob | FormData | { toString(): string } | null | undefined;

/** Content as bytes, with the type that it brings. */
function content(body: Content): { bytes: Uint8Array | null; type?: string } {
  if (body === null || body === undefined) return { bytes: null };
  if (body instanceof Blob) return { bytes: body.data, ...(body.type && { type: body.type }) };
  if (body instanceof FormData) return body.multipart();
  if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body.slice(0)) };
  if (ArrayBuffer.isView(body)) {
    return { bytes: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() };
  }
  const type =
    body instanceof URLSearchParams
      ? 'application/x-www-form-urlencoded;charset=UTF-8'
      : 'text/plain;charset=UTF-8';
  return { bytes: new TextEncoder().encode(String(body)), type };
}

/** What a request and a response share. */
class Body {
  readonly headers: Headers;
  readonly body = null;
  bodyUsed = false;
  #bytes: Uint8Array | null;

  constructor(body: Content, headers: HeadersLike) {
    const { bytes, type } = content(body);
    this.#bytes = bytes;
    this.headers = new Headers(headers);
    if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
  }

  /** The content, without using it up. */
  protected held(): Uint8Array | null {
    if (this.bodyUsed) throw new TypeError('the content was read already');
    return this.#bytes;
  }

  async bytes(): Promise<Uint8Array> {
    const bytes = this.held();
    this.bodyUsed = bytes !== null;
    return bytes ?? new Uint8Array(0);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.headers.get('content-type') ?? '' });
  }

  async formData(): Promise<FormData> {
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
    return form;
  }
}

interface Init {
  method?: string;
  headers?: HeadersLike;
  body?: Content;
  redirect?: string;
  signal?: AbortSignal | null;
}

export class Request extends Body {
  readonly url: string;
  readonly method: string;
  readonly redirect: string;
  readonly signal: AbortSignal;

  constructor(input: Request | URL | string, init: Init = {}) {
    const from = input instanceof Request ? input : undefined;
    const body = init.body === undefined ? from?.held() : init.body;
    super(body, init.headers ?? from?.headers);
    const method = String(init.method ?? from?.method ?? 'GET');
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) {
      throw new TypeError(`'${method}' is not a valid HTTP method`);
    }
    this.method = /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
    if (/^(CONNECT|TRACE|TRACK)$/i.test(method)) throw new TypeError(`'${method}' is not allowed`);
    if (body !== null && body !== undefined && /^(GET|HEAD)$/.test(this.method)) {
      throw new TypeError(`a ${this.method} request has no content`);
    }
    const url = new URL(from ? from.url : (input as URL | string));
    if (url.username || url.password) throw new TypeError('a URL with credentials cannot be requested');
    url.hash = '';
    this.url = url.href;
    this.redirect = init.redirect ?? from?.redirect ?? 'follow';
    this.signal = init.signal ?? from?.signal ?? AbortSignal.any([]);
  }

  clone(): Request {
    return new Request(this, { body: this.held() });
  }
}

/** Statuses whose responses have no content. */
const EMPTY = [101, 103, 204, 205, 304];

export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly type = 'default';
  readonly url = '';
  readonly redirected = false;

  constructor(body?: Content, init: { status?: number; statusText?: string; headers?: HeadersLike } = {}) {
    super(body, init.headers);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? '';
    if (!(this.status >= 200 && this.status <= 599)) {
      throw new RangeError(`a status is from 200 to 599, not ${this.status}`);
    }
    if (body !== null && body !== undefined && EMPTY.includes(this.status)) {
      throw new TypeError(`a response of status ${this.status} has no content`);
    }
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  clone(): Response {
    return Object.defineProperties(new Response(this.held(), this), {
      url: { value: this.url, enumerable: true },
      redirected: { value: this.redirected, enumerable: true },
    });
  }

  static json(value: unknown, init: { status?: number; headers?: HeadersLike } = {}): Response {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(JSON.stringify(value), { ...init, headers });
  }
}

export class Blob {
  readonly type: string;
  /** The content. */
  readonly data: Uint8Array;

  constructor(parts: Content[] = [], { type = '' } = {}) {
    this.type = type.toLowerCase();
    this.data = parts.reduce<Uint8Array>((all, part) => concat(all, content(part).bytes ?? new Uint8Array(0)), new Uint8Array(0));
  }

  get size(): number {
    return this.data.length;
  }

  async bytes(): Promise<Uint8Array> {
    return this.data.slice();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.data.slice().buffer as ArrayBuffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.data);
  }

  slice(start?: number, end?: number, type = ''): Blob {
    return new Blob([this.data.slice(start, end)], { type });
  }
}

export class File extends Blob {
  readonly name: string;
  readonly lastModified: number;

  constructor(parts: Content[], name: string, options: { type?: string; lastModified?: number } = {}) {
    super(parts, options);
    this.name = name;
    this.lastModified = options.lastModified ?? Date.now();
  }
}

export class FormData {
  #pairs: [string, string | File][] = [];

  append(name: string, value: unknown, file?: string): void {
    this.#pairs.push([String(name), entry(value, file)]);
  }

  set(name: string, value: unknown, file?: string): void {
    this.delete(name);
    this.append(name, value, file);
  }

  delete(name: string): void {
    this.#pairs = this.#pairs.filter(([key]) => key !== name);
  }

  get(name: string): string | File | null {
    return this.getAll(name)[0] ?? null;
  }

  getAll(name: string): (string | File)[] {
    return this.#pairs.filter(([key]) => key === name).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  forEach(run: (value: string | File, name: string, all: FormData) => void): void {
    for (const [name, value] of this.#pairs) run(value, name, this);
  }

  entries(): IterableIterator<[string, string | File]> {
    return this.#pairs.values();
  }

  [Symbol.iterator](): IterableIterator<[string, string | File]> {
    return this.entries();
  }

  /** multipart/form-data (RFC 7578) */
  multipart(): { bytes: Uint8Array; type: string } {
    const boundary = `----runner-${crypto.randomUUID()}`;
    const quoted = (text: string): string =>
      text.replace(/\r\n|\r|\n/g, '%0D%0A').replace(/"/g, '%22');
    const parts: Content[] = [];
    for (const [name, value] of this.#pairs) {
      parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`);
      if (value instanceof File) {
        const type = value.type || 'application/octet-stream';
        parts.push(`; filename="${quoted(value.name)}"\r\nContent-Type: ${type}`);
      }
      parts.push('\r\n\r\n', value, '\r\n');
    }
    parts.push(`--${boundary}--\r\n`);
    return { bytes: new Blob(parts).data, type: `multipart/form-data; boundary=${boundary}` };
  }
}

function entry(value: unknown, name?: string): string | File {
  if (!(value instanceof Blob)) return String(value);
  if (value instanceof File && name === undefined) return value;
  return new File([value], name ?? 'blob', { type: value.type });
}
