// structuredClone (https://html.spec.whatwg.org/#structuredserializeinternal) for QuickJS.

/** A copy of everything that is data, also of what contains itself. */
export function structuredClone<T>(value: T, options: { transfer?: unknown[] } = {}): T {
  if (options.transfer?.length) throw uncloneable('nothing can be transferred');
  return copy(value, new Map()) as T;
}

function uncloneable(why: string): DOMException {
  return new DOMException(why, 'DataCloneError');
}

function copy(value: unknown, seen: Map<object, object>): unknown {
  if (typeof value === 'function') throw uncloneable('a function cannot be cloned');
  if (typeof value === 'symbol') throw uncloneable('a symbol cannot be cloned');
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known) return known;
  const keep = <O extends object>(clone: O): O => {
    seen.set(value, clone);
    return clone;
  };
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof Boolean || value instanceof Number || value instanceof String) {
    return keep(Object(value.valueOf()) as object);
  }
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(viewed(value, seen));
  if (value instanceof Map) {
    const map = keep(new Map());
    for (const [key, item] of value) map.set(copy(key, seen), copy(item, seen));
    return map;
  }
  if (value instanceof Set) {
    const set = keep(new Set());
    for (const item of value) set.add(copy(item, seen));
    return set;
  }
  if (value instanceof Error) {
    const error = keep(Object.create(Object.getPrototypeOf(value) as object) as Error);
    for (const key of ['name', 'message', 'stack', 'cause'] as const) {
      if (value[key] === undefined) continue;
      Object.defineProperty(error, key, {
        value: copy(value[key], seen),
        configurable: true,
        writable: true,
      });
    }
    return error;
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) {
    throw uncloneable(`a ${value.constructor.name} cannot be cloned`);
  }
  const clone = keep(Array.isArray(value) ? new Array<unknown>(value.length) : {});
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    Object.defineProperty(clone, key, {
      value: copy(item, seen),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return clone;
}

function viewed(value: ArrayBufferView, seen: Map<object, object>): ArrayBufferView {
  const buffer = copy(value.buffer, seen) as ArrayBuffer;
  if (value instanceof DataView) return new DataView(buffer, value.byteOffset, value.byteLength);
  const { constructor, byteOffset, length } = value as Uint8Array;
  return new (constructor as Uint8ArrayConstructor)(buffer, byteOffset, length);
}
