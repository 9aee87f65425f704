// URLSearchParams (https://url.spec.whatwg.org/#interface-urlsearchparams) for QuickJS.

type Init = string | Iterable<readonly [string, string]> | Record<string, string> | undefined;

export class URLSearchParams {
  #pairs: [string, string][] = [];
  #changed: (text: string) => void;

  /** `changed` is told of every change; a URL gives it. */
  constructor(init?: Init, changed: (text: string) => void = () => {}) {
    this.#changed = changed;
    if (typeof init === 'string') {
      this.#pairs = read(init.replace(/^\?/, ''));
    } else if (init && Symbol.iterator in init) {
      for (const [name, value] of init) this.#pairs.push([String(name), String(value)]);
    } else if (init) {
      for (const [name, value] of Object.entries(init)) this.#pairs.push([name, String(value)]);
    }
  }

  /** What is there now, without telling the URL. */
  replace(text: string): void {
    this.#pairs = read(text);
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    this.#pairs.push([String(name), String(value)]);
    this.#changed(this.toString());
  }

  delete(name: string, value?: string): void {
    this.#pairs = this.#pairs.filter(([key, one]) => key !== name || (value !== undefined && one !== value));
    this.#changed(this.toString());
  }

  get(name: string): string | null {
    return this.#pairs.find(([key]) => key === name)?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter(([key]) => key === name).map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return this.#pairs.some(([key, one]) => key === name && (value === undefined || one === value));
  }

  set(name: string, value: string): void {
    const first = this.#pairs.findIndex(([key]) => key === name);
    if (first < 0) return this.append(name, value);
    this.#pairs = this.#pairs.filter(([key], at) => key !== name || at === first);
    this.#pairs[first] = [String(name), String(value)];
    this.#changed(this.toString());
  }

  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed(this.toString());
  }

  forEach(run: (value: string, name: string, all: URLSearchParams) => void): void {
    for (const [name, value] of this.#pairs) run(value, name, this);
  }

  keys(): IterableIterator<string> {
    return this.#pairs.map(([name]) => name).values();
  }

  values(): IterableIterator<string> {
    return this.#pairs.map(([, value]) => value).values();
  }

  entries(): IterableIterator<[string, string]> {
    return this.#pairs.map(([name, value]): [string, string] => [name, value]).values();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${form(name)}=${form(value)}`).join('&');
  }
}

/** application/x-www-form-urlencoded */
function form(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function read(text: string): [string, string][] {
  return text
    .split('&')
    .filter(Boolean)
    .map(pair => {
      const at = pair.indexOf('=');
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [decoded(name), decoded(value)];
    });
}

function decoded(text: string): string {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // A percent sign that begins nothing stays one.
    const bytes = spaced.replace(/%(?![0-9a-f]{2})/gi, '%25');
    return new TextDecoder().decode(Uint8Array.from(unescape(bytes), c => c.charCodeAt(0)));
  }
}
