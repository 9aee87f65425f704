// Values as `console.log` of Node shows them, nearly.

import { frames } from './trace.ts';

/** How deep objects are shown. */
const DEPTH = 3;
/** How many items of one list or object. */
const ITEMS = 100;

/** The arguments of `console.log` as one line. */
export function format(data: unknown[]): string {
  let [first, ...rest] = data;
  if (typeof first === 'string' && rest.length > 0) {
    first = first.replace(/%([sdifjoOc%])/g, (whole, kind: string) => {
      if (kind === '%') return '%';
      if (rest.length === 0) return whole;
      const value = rest.shift();
      switch (kind) {
        case 's':
          return typeof value === 'string' ? value : inspect(value, 1);
        case 'd':
          return typeof value === 'bigint' ? `${value}n` : String(Number(value));
        case 'i':
          return String(Math.trunc(Number(value)));
        case 'f':
          return String(Number(value));
        case 'j':
          return JSON.stringify(value) ?? 'undefined';
        case 'c':
          return '';
        default:
          return inspect(value);
      }
    });
  }
  return (data.length ? [first, ...rest] : rest)
    .map(value => (typeof value === 'string' ? value : inspect(value)))
    .join(' ');
}

/** Any value in words. */
export function inspect(value: unknown, depth = DEPTH, above: unknown[] = []): string {
  switch (typeof value) {
    case 'string':
      return `'${value.replace(/['\\\n]/g, c => (c === '\n' ? '\\n' : `\\${c}`))}'`;
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return value.toString();
    case 'function':
      return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'Function'}${value.name ? `: ${value.name}` : ' (anonymous)'}]`;
    case 'object':
      break;
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
  if (value === null) return 'null';
  if (above.includes(value)) return '[Circular]';
  const inner = (item: unknown): string => inspect(item, depth - 1, [...above, value]);
  if (value instanceof Error) return error(value, inner);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  const name = title(value);
  if (depth < 0) return `[${name || 'Object'}]`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => `${inner(key)} => ${inner(item)}`);
    return block(`Map(${value.size}) `, '{', pairs, '}');
  }
  if (value instanceof Set) return block(`Set(${value.size}) `, '{', [...value].map(inner), '}');
  if (Array.isArray(value)) return block('', '[', Array.from(value, inner), ']');
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = Array.from(value as Uint8Array, String);
    return block(`${name}(${items.length}) `, '[', items, ']');
  }
  const pairs = Reflect.ownKeys(value)
    .filter(key => Object.prototype.propertyIsEnumerable.call(value, key))
    .map(key => `${shown(key)}: ${property(value, key, inner)}`);
  return block(name && name !== 'Object' ? `${name} ` : '', '{', pairs, '}');
}

function error(value: Error, inner: (item: unknown) => string): string {
  const head = value.message ? `${value.name}: ${value.message}` : value.name;
  const told = frames(value.stack ?? '').map(frame => `\n    at ${frame}`);
  const stack = head + told.join('');
  const more = Object.keys(value).filter(key => key !== 'name' && key !== 'message');
  const extra = more.map(key => `${key}: ${property(value, key, inner)}`);
  if (value.cause !== undefined) extra.push(`cause: ${inner(value.cause)}`);
  return stack + (extra.length ? ` { ${extra.join(', ')} }` : '');
}

function title(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return '[Object: null prototype]';
  const { constructor } = value;
  return typeof constructor === 'function' ? constructor.name : '';
}

function shown(key: string | symbol): string {
  if (typeof key === 'symbol') return `[${key.toString()}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`;
}

/** A property, without running its getter. */
function property(value: object, key: string | symbol, inner: (item: unknown) => string): string {
  const of = Object.getOwnPropertyDescriptor(value, key);
  return of?.get ? '[Getter]' : inner(of?.value);
}

function block(name: string, open: string, items: string[], close: string): string {
  if (items.length === 0) return name + open + close;
  const more = items.length - ITEMS;
  const shown = more > 0 ? [...items.slice(0, ITEMS), `... ${more} more items`] : items;
  const pad = open === '{' || open === '[' ? ' ' : '';
  return name + open + pad + shown.join(', ') + pad + close;
}
