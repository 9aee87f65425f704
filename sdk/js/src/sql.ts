// Statements for the databases that `queues.toml` grants to the plugin.

import type { Verdict, Wire } from './failure.ts';
import { host, HostError, type RawParameter, type RawRows, type RawScalar, type RawStatement } from './host.ts';
import { written } from './job.ts';
import { parse, RawJson } from './json.ts';

/** What is sent as a value of a type that JavaScript has not; made by `sql.decimal`, `sql.uuid`, … */
export class SqlValue {
  /** The value as the host takes it. */
  readonly raw: RawScalar;

  constructor(raw: RawScalar) {
    this.raw = raw;
  }
}

/**
 * A parameter: whole numbers and `bigint`s are integers, other numbers floats, a `Date` is a
 * point in time, bytes are bytes, an array is an array of Postgres, any other object is JSON.
 */
export type Parameter =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | SqlValue
  | RawJson
  | readonly Parameter[]
  | { readonly [key: string]: unknown };

/** How a statement is run. */
export interface StatementOptions {
  /** Milliseconds, to set a limit below the grant's own. */
  timeout?: number;
  /** How many rows it must return or change; with another number it fails and changes nothing. */
  expect?: number;
}

/** A statement of a transaction. */
export interface Statement {
  /** The text, with the database's own placeholders: `$1` in Postgres, `?` in MySQL and SQLite. */
  text: string;
  /** The values of its placeholders, in their order. */
  params?: readonly Parameter[];
  /** How many rows it must return or change; with another number the whole transaction is undone. */
  expect?: number;
}

/** What a statement returned. */
export interface Result<Row = Record<string, unknown>> {
  /** The rows, by column. Of two columns with one name the last counts. */
  rows: Row[];
  /** The columns with the database's own names of their types; '' where it has none. */
  columns: { name: string; kind: string }[];
  /** How many rows were returned or changed. */
  affected: number;
}

/** What kind of error it is; `wit/runner/sql.wit` says more. */
export type SqlErrorCode =
  | 'denied'
  | 'invalid'
  | 'constraint'
  | 'expectation'
  | 'conflict'
  | 'limit'
  | 'timeout'
  | 'unavailable'
  | 'uncertain'
  | 'failed';

const PASSING: readonly SqlErrorCode[] = ['conflict', 'timeout', 'unavailable', 'uncertain', 'failed'];

/**
 * Why there is no result. Uncaught, it retries the job if that may help (`conflict`, `timeout`,
 * `unavailable`, `uncertain`, `failed`), and rejects it otherwise.
 */
export class SqlError extends Error implements Verdict {
  override name = 'SqlError';
  /** What kind of error it is. */
  readonly code: SqlErrorCode;
  /** The SQLSTATE of Postgres and MySQL, the extended result code of SQLite. */
  readonly sqlState: string | undefined;
  /** The constraint that forbids it, where the database names it. */
  readonly constraint: string | undefined;
  /** The index of the statement in its transaction. */
  readonly statement: number | undefined;
  /** Byte of the statement's text at which the error is, where the database names it. */
  readonly position: number | undefined;

  constructor(code: SqlErrorCode, message: string, details: Partial<Pick<SqlError, 'sqlState' | 'constraint' | 'statement' | 'position'>> = {}) {
    super(message);
    this.code = code;
    this.sqlState = details.sqlState;
    this.constraint = details.constraint;
    this.statement = details.statement;
    this.position = details.position;
  }

  verdict(reason: string): Wire {
    return { tag: PASSING.includes(this.code) ? 'retry' : 'reject', val: reason };
  }
}

/**
 * The databases granted to the plugin, by name:
 *
 * ```toml
 * [plugins.billing.sql]
 * main = "env:DATABASE_URL"
 * ```
 *
 * Values come exactly: integers as numbers, beyond 2^53 as `bigint`s; decimals, UUIDs, dates and
 * times as strings (`2026-11-28T23:59:59.123456Z`, which `new Date` takes and cuts to milliseconds);
 * bytes as `Uint8Array`; JSON as `parseJson` reads it; null as `null`.
 */
export const sql = {
  /**
   * Run one statement and read all its rows. A change is committed before it returns.
   *
   * ```ts
   * const { rows } = await sql.query<User>('main', 'select id, name from users where id = $1', [7]);
   * ```
   *
   * @throws {SqlError}
   */
  async query<Row = Record<string, any>>(
    database: string,
    text: string,
    params: readonly Parameter[] = [],
    options: StatementOptions = {},
  ): Promise<Result<Row>> {
    const statement = raw({ ...options, text, params });
    return result<Row>(asked(() => host('sql.query').sqlQuery(database, statement, limit(options))));
  },

  /**
   * Run one statement for its effect; how many rows it changed.
   *
   * @throws {SqlError}
   */
  async execute(database: string, text: string, params: readonly Parameter[] = [], options: StatementOptions = {}): Promise<number> {
    const statement = raw({ ...options, text, params });
    return asked(() => host('sql.execute').sqlExecute(database, statement, limit(options)));
  },

  /**
   * Run several statements, all or nothing; what each returned.
   *
   * ```ts
   * await sql.transaction('main', [
   *   { text: 'update stock set count = count - 1 where sku = $1', params: [sku], expect: 1 },
   *   { text: 'insert into orders (sku) values ($1)', params: [sku] },
   * ]);
   * ```
   *
   * @throws {SqlError} Its `statement` is the index of the one that failed; all are undone then,
   * except with `uncertain`.
   */
  async transaction(database: string, statements: readonly Statement[], options: { timeout?: number } = {}): Promise<Result<any>[]> {
    const all = statements.map(raw);
    return asked(() => host('sql.transaction').sqlTransaction(database, all, limit(options))).map(result<any>);
  },

  /** An exact decimal, `'12.340'`. */
  decimal: (text: string | bigint): SqlValue => new SqlValue({ tag: 'numeric', val: String(text) }),
  /** A number as a float, also if it is whole. */
  float: (value: number): SqlValue => new SqlValue({ tag: 'float', val: value }),
  /** A UUID. */
  uuid: (text: string): SqlValue => new SqlValue({ tag: 'uuid', val: text }),
  /** A date, `'2026-11-28'`. */
  date: (text: string): SqlValue => new SqlValue({ tag: 'date', val: text }),
  /** A time of day, `'23:59:59.123456'`. */
  time: (text: string): SqlValue => new SqlValue({ tag: 'time', val: text }),
  /** A date and time without zone, `'2026-11-28T23:59:59.123456'`. */
  timestamp: (text: string): SqlValue => new SqlValue({ tag: 'timestamp', val: text }),
  /** A point in time, in UTC: `'2026-11-28T23:59:59.123456Z'`. */
  timestamptz: (text: string): SqlValue => new SqlValue({ tag: 'timestamptz', val: text }),
  /** JSON, of any value: `sql.json([1, 2])`. */
  json: (value: unknown): SqlValue => new SqlValue({ tag: 'json', val: written(value, 'a parameter') }),
  /** Text of which the database finds out the type: an enum, an interval, an address. */
  other: (text: string): SqlValue => new SqlValue({ tag: 'other', val: text }),
};

function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const { code, ...details } = error.details;
    throw new SqlError(error.tag as SqlErrorCode, error.message, { ...details, sqlState: code });
  }
}

/** Longer than the host's own limit is no limit. */
function limit({ timeout }: { timeout?: number }): number | undefined {
  if (timeout === undefined) return undefined;
  if (!(timeout >= 0)) throw new SqlError('invalid', `timeout is milliseconds from 0, not ${String(timeout)}`);
  return Math.min(Math.ceil(timeout), 0xffff_ffff);
}

function raw({ text, params = [], expect }: Statement): RawStatement {
  if (expect !== undefined && !(Number.isSafeInteger(expect) && expect >= 0)) {
    throw new SqlError('invalid', `expect is a number of rows from 0, not ${String(expect)}`);
  }
  return { text, parameters: params.map(parameter), ...(expect !== undefined && { expect }) };
}

/** A value as the host takes it; `at` is its place among the parameters. */
export function parameter(value: unknown, at: number): RawParameter {
  if (!Array.isArray(value)) return { tag: 'scalar', val: scalar(value, at) };
  return { tag: 'array', val: value.map(one => scalar(one, at)) };
}

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

function scalar(value: unknown, at: number): RawScalar {
  if (value === null || value === undefined) return { tag: 'null' };
  switch (typeof value) {
    case 'boolean':
      return { tag: 'boolean', val: value };
    case 'number':
      return Number.isSafeInteger(value) ? { tag: 'integer', val: value } : { tag: 'float', val: value };
    case 'bigint':
      return value >= MIN && value <= MAX ? { tag: 'integer', val: value } : { tag: 'numeric', val: String(value) };
    case 'string':
      return { tag: 'text', val: value };
  }
  if (value instanceof SqlValue) return value.raw;
  if (value instanceof Uint8Array) return { tag: 'bytes', val: value };
  if (value instanceof Date && !Number.isNaN(value.getTime())) return { tag: 'timestamptz', val: value.toISOString() };
  const plain = value instanceof RawJson || Object.getPrototypeOf(value) === Object.prototype;
  if (plain) return { tag: 'json', val: written(value, `parameter ${at + 1}`) };
  const what = Array.isArray(value) ? 'an array in an array' : value instanceof Date ? 'an invalid Date' : `a ${(value as object).constructor?.name ?? typeof value}`;
  throw new SqlError('invalid', `parameter ${at + 1} is ${what}, which is no value of SQL; sql.json() makes JSON of it`);
}

function result<Row>({ columns, rows, affected }: RawRows): Result<Row> {
  const one = (values: RawParameter[]): Row => {
    const row: Record<string, unknown> = {};
    values.forEach((value, at) => {
      const name = columns[at]?.name ?? '';
      const read = value.tag === 'array' ? value.val.map(of => plain(of, name)) : plain(value.val, name);
      // A column may be called `__proto__`.
      Object.defineProperty(row, name, { value: read, enumerable: true, writable: true, configurable: true });
    });
    return row as Row;
  };
  return { rows: rows.map(one), columns: columns.map(({ name, kind }) => ({ name, kind })), affected };
}

function plain(value: RawScalar, column: string): unknown {
  switch (value.tag) {
    case 'null':
      return null;
    case 'json':
      return parse(value.val);
    case 'integer': {
      const number = Number(value.val);
      if (Number.isSafeInteger(number)) return number;
      if (typeof value.val === 'bigint') return value.val;
      // QuickJS has rounded it already.
      throw new SqlError(
        'invalid',
        `the column "${column}" has an integer beyond 2^53, which QuickJS would round; select it as text, or set engine = "starlingmonkey" in plugin.toml`,
      );
    }
    default:
      return value.val;
  }
}
