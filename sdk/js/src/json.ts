// JSON without loss: integers that a number cannot hold are bigints, in both directions.
// Everything that crosses the border to the host goes through here.

/** Something long enough to be an integer beyond 2^53. */
const LONG = /\d{16}/;
/** A string, which is skipped, or a number. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Read JSON. Unlike `JSON.parse`, an integer beyond 2^53 becomes a `bigint` with all its
 * digits; every other number is a `number`.
 *
 * @throws {SyntaxError} When the text is not JSON.
 */
export function parse(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  if (!LONG.test(text)) return plain;
  const mark = unused(text);
  let found = false;
  const marked = text.replace(TOKEN, token => {
    const exact = !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token));
    if (exact) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return plain;
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/**
 * Write JSON. Unlike `JSON.stringify`, a `bigint` is written with all its digits, as a
 * number. `undefined` for what JSON has no word for.
 *
 * @throws {TypeError} When the value contains itself.
 */
export function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // It has a bigint, or contains itself, which the next call says again.
  }
  let found = false;
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    found = true;
    return null;
  }) as string | undefined;
  if (!found || text === undefined) return text;
  const mark = unused(text);
  const marked = JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? mark + String(item) : item,
  );
  return marked.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}

/** Text that is JSON already. */
export class RawJson {
  /** The text. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * JSON text, to be passed on byte for byte as a result, a payload or what a step returned:
 * `return rawJson(job.json)`. Runner refuses a result that is not JSON.
 */
export function rawJson(text: string): RawJson {
  return new RawJson(text);
}

/** Letters that the text does not contain. */
function unused(text: string): string {
  for (let n = 0; ; n++) {
    const mark = `@bigint${n}@`;
    if (!text.includes(mark)) return mark;
  }
}
