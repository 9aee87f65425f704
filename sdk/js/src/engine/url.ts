// URL for QuickJS: the parser of https://url.spec.whatwg.org, without the tables of IDNA:
// a host in other letters than ASCII is lower-cased, normalised and written in Punycode.

import { punycode } from './punycode.ts';
import { URLSearchParams } from './search_params.ts';

const SPECIAL: Record<string, string> = {
  'http:': '80',
  'https:': '443',
  'ws:': '80',
  'wss:': '443',
  'ftp:': '21',
  'file:': '',
};

/** The percent-encode sets, beside control characters and what is not ASCII. */
const FRAGMENT = ' "<>`';
const QUERY = ' "#<>';
const PATH = `${QUERY}?^\`{}`;
const USER = `${PATH}/:;=@[\\]|`;

interface Parts {
  protocol: string;
  username: string;
  password: string;
  host: string | null;
  port: string;
  /** Segments, or the text of a path that has none, as in `mailto:`. */
  path: string[] | string;
  query: string | null;
  fragment: string | null;
}

export class URL {
  #parts: Parts;
  readonly searchParams: URLSearchParams;

  constructor(url: string | URL, base?: string | URL) {
    const from = base === undefined ? undefined : (parse(String(base)) ?? undefined);
    if (base !== undefined && !from) throw invalid(String(base));
    const parts = parse(String(url), from);
    if (!parts) throw invalid(String(url));
    this.#parts = parts;
    this.searchParams = new URLSearchParams(parts.query ?? '', text => {
      this.#parts.query = text === '' ? null : text;
    });
  }

  static canParse(url: string | URL, base?: string | URL): boolean {
    return URL.parse(url, base) !== null;
  }

  static parse(url: string | URL, base?: string | URL): URL | null {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  get href(): string {
    return written(this.#parts);
  }
  set href(value: string) {
    const parts = parse(value);
    if (!parts) throw invalid(value);
    this.#parts = parts;
    this.searchParams.replace(parts.query ?? '');
  }

  get origin(): string {
    const { protocol } = this.#parts;
    return protocol in SPECIAL && protocol !== 'file:' ? `${protocol}//${this.host}` : 'null';
  }

  get protocol(): string {
    return this.#parts.protocol;
  }
  set protocol(value: string) {
    const name = /^([a-z][a-z0-9+.-]*)/i.exec(value)?.[1]?.toLowerCase();
    if (!name) return;
    const special = `${name}:` in SPECIAL;
    if (special !== this.#parts.protocol in SPECIAL) return;
    this.#parts.protocol = `${name}:`;
    if (this.#parts.port === SPECIAL[`${name}:`]) this.#parts.port = '';
  }

  get username(): string {
    return this.#parts.username;
  }
  set username(value: string) {
    if (this.#parts.host) this.#parts.username = encode(value, USER);
  }

  get password(): string {
    return this.#parts.password;
  }
  set password(value: string) {
    if (this.#parts.host) this.#parts.password = encode(value, USER);
  }

  get host(): string {
    const { host, port } = this.#parts;
    return (host ?? '') + (port && `:${port}`);
  }
  set host(value: string) {
    const [, name = '', port] = /^(\[[^\]]*\]|[^:/?#\\]*)(?::(\d+))?/.exec(value) ?? [];
    this.hostname = name;
    if (port) this.port = port;
  }

  get hostname(): string {
    return this.#parts.host ?? '';
  }
  set hostname(value: string) {
    if (typeof this.#parts.path === 'string') return;
    const name = /^(\[[^\]]*\]|[^:/?#\\]*)/.exec(value)?.[1] ?? '';
    const host = parseHost(name, this.#parts.protocol in SPECIAL);
    if (host !== null && (host !== '' || !(this.#parts.protocol in SPECIAL))) this.#parts.host = host;
  }

  get port(): string {
    return this.#parts.port;
  }
  set port(value: string) {
    if (!this.#parts.host || this.#parts.protocol === 'file:') return;
    const port = parsePort(/^\d*/.exec(value)?.[0] ?? '', this.#parts.protocol);
    if (port !== null) this.#parts.port = port;
  }

  get pathname(): string {
    return pathOf(this.#parts);
  }
  set pathname(value: string) {
    if (typeof this.#parts.path === 'string') return;
    this.#parts.path = parsePath(value.replace(/^[/\\]?/, '/'), this.#parts.protocol, []);
  }

  get search(): string {
    return this.#parts.query ? `?${this.#parts.query}` : '';
  }
  set search(value: string) {
    const query = value.replace(/^\?/, '');
    this.#parts.query = query === '' ? null : encodeQuery(query, this.#parts.protocol);
    this.searchParams.replace(query);
  }

  get hash(): string {
    return this.#parts.fragment ? `#${this.#parts.fragment}` : '';
  }
  set hash(value: string) {
    const fragment = value.replace(/^#/, '');
    this.#parts.fragment = fragment === '' ? null : encode(fragment, FRAGMENT);
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }
}

function invalid(url: string): TypeError {
  return Object.assign(new TypeError(`Invalid URL: '${url}'`), { code: 'ERR_INVALID_URL' });
}

function written(parts: Parts): string {
  const { protocol, username, password, host, port, query, fragment } = parts;
  let url = protocol;
  if (host !== null) {
    const user = username || password ? `${username}${password && `:${password}`}@` : '';
    url += `//${user}${host}${port && `:${port}`}`;
  } else if (Array.isArray(parts.path) && parts.path.length > 1 && parts.path[0] === '') {
    url += '/.';
  }
  url += pathOf(parts);
  if (query !== null) url += `?${query}`;
  if (fragment !== null) url += `#${fragment}`;
  return url;
}

function pathOf({ path }: Parts): string {
  return typeof path === 'string' ? path : path.map(segment => `/${segment}`).join('');
}

/** The parts of a URL; nothing if it is none. */
function parse(input: string, base?: Parts): Parts | null {
  const text = input
    .replace(/^[\0- ]+|[\0- ]+$/g, '')
    .replace(/[\t\n\r]/g, '')
    .toWellFormed();
  const [, beforeHash = '', hash] = /^([^#]*)(?:#(.*))?$/s.exec(text) ?? [];
  const fragment = hash === undefined ? null : encode(hash, FRAGMENT);
  const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(beforeHash);
  if (scheme) {
    const protocol = `${scheme[1]?.toLowerCase()}:`;
    const rest = scheme[2] ?? '';
    const special = protocol in SPECIAL;
    // `https:path` is relative to a base of the same scheme.
    if (special && protocol !== 'file:' && protocol === base?.protocol && !rest.startsWith('//')) {
      return relative(rest, base, fragment);
    }
    if (protocol === 'file:') return file(rest, base?.protocol === 'file:' ? base : undefined, fragment);
    if (special) return authority(protocol, rest.replace(/^[/\\]*/, ''), fragment);
    if (rest.startsWith('//')) return authority(protocol, rest.slice(2), fragment);
    const [path = '', query] = divided(rest);
    const parts = empty(protocol, fragment, query);
    parts.path = path.startsWith('/') ? parsePath(path, protocol, []) : encode(path, '');
    return parts;
  }
  if (!base) return null;
  if (typeof base.path === 'string') {
    return beforeHash === '' && fragment !== null ? { ...base, fragment } : null;
  }
  if (base.protocol === 'file:') return file(beforeHash, base, fragment);
  return relative(beforeHash, base, fragment);
}

function empty(protocol: string, fragment: string | null, query?: string): Parts {
  const encoded = query === undefined ? null : encodeQuery(query, protocol);
  return { protocol, username: '', password: '', host: null, port: '', path: [], query: encoded, fragment };
}

/** Path and query. */
function divided(text: string): [string, string | undefined] {
  const at = text.indexOf('?');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** What follows `//`. */
function authority(protocol: string, text: string, fragment: string | null): Parts | null {
  const special = protocol in SPECIAL;
  const end = text.search(special ? /[/\\?]/ : /[/?]/);
  const [whole, rest] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)];
  const at = whole.lastIndexOf('@');
  const [path, query] = divided(rest);
  const parts = empty(protocol, fragment, query);
  if (at >= 0) {
    const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(whole.slice(0, at)) ?? [];
    parts.username = encode(user, USER);
    parts.password = encode(password, USER);
  }
  const found = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(whole.slice(at + 1));
  if (!found) return null;
  const host = parseHost(found[1] ?? '', special);
  const port = parsePort(found[2] ?? '', protocol);
  if (host === null || port === null || (host === '' && (special || at >= 0 || port))) return null;
  parts.host = host;
  parts.port = port;
  parts.path = path || special ? parsePath(path, protocol, []) : [];
  return parts;
}

function relative(text: string, base: Parts, fragment: string | null): Parts | null {
  const special = base.protocol in SPECIAL;
  if (special ? /^[/\\]{2}/.test(text) : text.startsWith('//')) {
    return authority(base.protocol, text.replace(special ? /^[/\\]+/ : /^\/\//, ''), fragment);
  }
  const [path, query] = divided(text);
  const parts = { ...base, fragment };
  if (query !== undefined) parts.query = encodeQuery(query, base.protocol);
  if (path === '') return parts;
  if (query === undefined) parts.query = null;
  const above = /^[/\\]/.test(path) && (special || path.startsWith('/')) ? [] : base.path.slice(0, -1);
  parts.path = parsePath(path, base.protocol, above as string[]);
  return parts;
}

/** `file:` has an optional host, and a path that may begin with a drive. */
function file(text: string, base: Parts | undefined, fragment: string | null): Parts | null {
  const slashes = /^[/\\]*/.exec(text)?.[0].length ?? 0;
  if (slashes < 2 && base) return relative(text, base, fragment);
  const rest = slashes >= 2 ? text.slice(2) : text;
  const end = rest.search(/[/\\?]/);
  const name = slashes < 2 ? '' : end < 0 ? rest : rest.slice(0, end);
  const drive = /^[a-z][:|]$/i.test(name);
  const host = drive ? '' : parseHost(name, true);
  if (host === null) return null;
  const [path, query] = divided(drive || slashes < 2 ? rest : rest.slice(name.length));
  const parts = empty('file:', fragment, query);
  parts.host = host === 'localhost' ? '' : host;
  parts.path = parsePath(path, 'file:', []);
  return parts;
}

/** The segments of a path below those above it. */
function parsePath(text: string, protocol: string, above: string[]): string[] {
  const path = [...above];
  const segments = text.split(protocol in SPECIAL ? /[/\\]/ : '/');
  if (/^[/\\]/.test(text) && segments[0] === '') segments.shift();
  segments.forEach((segment, at) => {
    const last = at === segments.length - 1;
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') {
      // The drive of a file stays.
      if (protocol !== 'file:' || path.length !== 1 || !/^[a-z]:$/i.test(path[0] ?? '')) path.pop();
      if (last) path.push('');
    } else if (plain === '.') {
      if (last) path.push('');
    } else if (protocol === 'file:' && path.length === 0 && /^[a-z][:|]$/i.test(segment)) {
      path.push(`${segment[0]}:`);
    } else {
      path.push(encode(segment, PATH));
    }
  });
  return path;
}

function parsePort(text: string, protocol: string): string | null {
  if (!/^\d*$/.test(text) || Number(text) > 65_535) return null;
  return text === '' || String(Number(text)) === SPECIAL[protocol] ? '' : String(Number(text));
}

/** A host as it is written; nothing if it is none. */
function parseHost(text: string, special: boolean): string | null {
  if (text.startsWith('[')) return text.endsWith(']') ? parseIPv6(text.slice(1, -1)) : null;
  if (!special) return /[\0\t\n\r #/<>?@[\\\]^|]/.test(text) ? null : encode(text, '');
  let host: string;
  try {
    host = decodeURIComponent(text);
  } catch {
    return null;
  }
  host = host.normalize('NFKC').toLowerCase().replace(/[\u3002\uff0e\uff61]/g, '.');
  host = host.replace(/\u00ad|\u200b|\u2060|\ufeff/g, '');
  host = host.split('.').map(punycode).join('.');
  if (/[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(host)) return null;
  const labels = host.split('.');
  if (labels.at(-1) === '' && labels.length > 1) labels.pop();
  return /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? parseIPv4(labels) : host;
}

function parseIPv4(labels: string[]): string | null {
  if (labels.length > 4) return null;
  const numbers = labels.map(label => {
    if (/^0x[0-9a-f]*$/.test(label)) return Number.parseInt(label.slice(2) || '0', 16);
    if (/^0[0-7]*$/.test(label)) return Number.parseInt(label, 8);
    return /^[1-9]\d*$/.test(label) ? Number(label) : Number.NaN;
  });
  const last = numbers.pop() ?? Number.NaN;
  const room = 256 ** (4 - numbers.length);
  if (numbers.some(number => !(number <= 255)) || !(last < room)) return null;
  const address = numbers.reduce((sum, number, at) => sum + number * 256 ** (3 - at), last);
  return [24, 16, 8, 0].map(by => Math.floor(address / 2 ** by) % 256).join('.');
}

function parseIPv6(text: string): string | null {
  const four = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  let plain = text;
  if (four) {
    const [a = 0, b = 0, c = 0, d = 0] = four.slice(2).map(Number);
    if ([a, b, c, d].some(byte => byte > 255)) return null;
    plain = `${four[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map(half => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const pieces = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  if (!pieces.every(piece => /^[0-9a-f]{1,4}$/i.test(piece))) return null;
  const short = pieces.map(piece => Number.parseInt(piece, 16).toString(16));
  // The longest run of zeros, if there is more than one, is left out.
  let best: [number, number] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (short[end] === '0') end++;
    if (end - at > best[1]) best = [at, end - at];
    at = Math.max(at, end);
  }
  const [at, length] = best;
  if (at < 0) return `[${short.join(':')}]`;
  return `[${short.slice(0, at).join(':')}::${short.slice(at + length).join(':')}]`;
}

function encodeQuery(text: string, protocol: string): string {
  return encode(text, protocol in SPECIAL ? `${QUERY}'` : QUERY);
}

/** Percent-encode control characters, what is not ASCII, and these. */
function encode(text: string, set: string): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (code >= 0x20 && code < 0x7f && !set.includes(char)) out += char;
    else out += code < 0x80 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(char);
  }
  return out;
}
