// Unit tests of handlers in Node, without Runner and without Wasm: a host that answers what
// a handler asks, and tells afterwards what it was asked. For `node --test`, vitest and
// every other runner.
//
//   using host = new Host();
//   host.reply('GET', 'https://api.example.com/weather', { json: { sky: 'rain' } });
//   assert.equal(await run(plugin, job('forecast', { city: 'Oslo' })), 'rain');
//
// It knows no grants and no limits; those are Runner's, and `runner run` tries the component
// under them.

import { watchSignals } from './deadlines.ts';
import { begin, type Host as Asked, HostError, type RawFlowJob, type RawJob, type RawNewJob, type RawRequest, type RawResponse, use } from './host.ts';
import type { Plugin } from './handler.ts';
import { fetch } from './http.ts';
import { Job, written } from './job.ts';
import { parse, stringify } from './json.ts';
import { type Level, makeConsole } from './log.ts';
import { type Asked as AskedStatement, Blobs, Databases, Keys, type Outcome } from './testing_reach.ts';

export type { Asked as AskedStatement, Outcome } from './testing_reach.ts';

/** A canned reply to one request. */
export interface Reply {
  /** 200 if left out. */
  status?: number;
  /** Header fields. */
  headers?: Record<string, string>;
  /** Content as text or bytes. */
  body?: string | Uint8Array;
  /** Content as JSON; with the header that says so. */
  json?: unknown;
  /** An error instead of a response, as in `wit/runner/http.wit`. */
  error?: 'denied' | 'invalid' | 'dns' | 'connect' | 'tls' | 'timeout' | 'too-large' | 'protocol';
}

/** A request that was sent. */
export interface Sent {
  method: string;
  url: string;
  headers: Headers;
  /** The content; empty if there is none. */
  body: Uint8Array;
  /** The content as text. */
  text: string;
  /** The timeout in milliseconds, if one was asked for. */
  timeout: number | undefined;
  /** Whether the host was asked for an idempotency key. */
  idempotent: boolean;
}

/** A line of the job's log. */
export interface Line {
  level: Level;
  message: string;
  fields: Record<string, string>;
}

/** A job that was added. */
export interface AddedJob {
  queue: string;
  name: string;
  data: unknown;
  /** The options as the host takes them. */
  options: RawNewJob['options'];
  /** What it is a child of: nothing, the job being worked on, or the job at this place of `added`. */
  parent: 'none' | 'current' | number;
  /** What its failure does to its parent. */
  onFailure: RawFlowJob['onFailure'];
}

/** Fields of a job for a test. */
export interface JobFields extends Partial<Omit<RawJob, 'data'>> {}

/**
 * A job with id `1` of the queue `test`, added just now, in the first of its three attempts,
 * except for the given fields.
 */
export function job<Data = any>(name: string, data: Data, fields: JobFields = {}): Job<Data> {
  const now = Date.now();
  return new Job<Data>({
    id: '1',
    queue: 'test',
    name,
    data: written(data, 'the payload'),
    attempt: 1,
    maxAttempts: 3,
    addedAt: now,
    startedAt: now,
    priority: 0,
    delay: 0,
    ...fields,
  });
}

/**
 * Let a plugin work on a job; the result as Runner stores it.
 *
 * @throws What the handler throws.
 */
export async function run(plugin: Plugin, job: Job<any>): Promise<unknown> {
  const result = await plugin.handle(job);
  return result === undefined ? null : parse(written(result, 'the result'));
}

let open: Host | undefined;

/**
 * The host of the handlers that run until `close`, or until the end of the block with
 * `using`. There can be one at a time.
 */
export class Host {
  /** The requests sent so far. */
  readonly requests: Sent[] = [];
  /** The lines logged so far, also those of `console`. */
  readonly logs: Line[] = [];
  /** The progress reported so far, as BullMQ stores it. */
  readonly progress: unknown[] = [];
  /** The jobs added so far. */
  readonly added: AddedJob[] = [];
  /** The finished steps. They stay from attempt to attempt. */
  readonly steps: Record<string, unknown> = {};
  /** The payloads stored with `job.updateData`. */
  readonly updates: unknown[] = [];
  /** Settings, which the test sets: `host.config.sender = '…'`. */
  readonly config: Record<string, string> = {};
  /** Secrets, which the test sets: `host.secrets.TOKEN = '…'`. */
  readonly secrets: Record<string, string> = {};
  /** Results of children that have completed, by key, which the test sets. */
  readonly childrenValues: Record<string, unknown> = {};
  /** Why children failed that do not fail the job, by key, which the test sets. */
  readonly ignoredFailures: Record<string, string> = {};
  /** Keys of the children whose failure fails the job, which the test sets. */
  readonly failedChildren: string[] = [];
  /** The job that `currentJob` gives, which the test sets. */
  currentJob: Job<any> = job('test', {});
  /** Why adding jobs fails, which the test sets. */
  refuseAdds: 'unknown-queue' | 'invalid' | 'limit' | 'lost' | 'unavailable' | undefined;
  /** The statements run so far, also those that failed. */
  readonly statements: AskedStatement[] = [];
  /** The keys of `kv`; the test lets their time pass with `host.kv.advance(ms)`. */
  readonly kv: Keys = new Keys();
  /** The stores of `blobs`; the test fills them with `host.blobs.put('inbox', 'a.txt', 'text')`. */
  readonly blobs: Blobs = new Blobs();
  readonly #databases: Databases = new Databases(this.statements);
  #replies: { to: string; reply: Reply }[] = [];
  #disowned = 0;
  #restore: (() => void)[] = [];

  constructor() {
    if (open) throw new Error('there is a Host already; close it first');
    open = this;
    use(asked(this));
    begin();
    const { fetch: original } = globalThis;
    globalThis.fetch = fetch;
    this.#restore.push(() => {
      globalThis.fetch = original;
    }, watchSignals(() => performance.now()), recorded(this.logs));
  }

  /** Answer one request. Several replies to the same URL are given in order. */
  reply(method: string, url: string, reply: Reply = {}): void {
    this.#replies.push({ to: `${method} ${url}`, reply });
  }

  /**
   * Expect a statement that contains `part`, however it is broken into lines, and what it comes
   * to. Of several expectations that a statement meets, the first is taken; each is met once.
   */
  statement(database: string, part: string, outcome: Outcome = {}): void {
    this.#databases.expect(database, part, outcome);
  }

  /**
   * The end of the test.
   *
   * @throws {Error} When a request or a statement that was expected was not sent.
   */
  close(): void {
    if (open !== this) return;
    open = undefined;
    use(undefined);
    for (const restore of this.#restore) restore();
    const unrun = this.#databases.unrun();
    if (unrun.length > 0) throw new Error(`these statements were expected and not run: ${unrun.join(', ')}`);
    if (this.#replies.length === 0) return;
    const unasked = this.#replies.map(({ to }) => to).join(', ');
    throw new Error(`these requests were expected and not sent: ${unasked}`);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** For the fake: the reply to a request. */
  answer(request: RawRequest): RawResponse {
    const body = request.body ?? new Uint8Array(0);
    this.requests.push({
      method: request.method,
      url: request.url,
      headers: new Headers(request.headers),
      body,
      text: new TextDecoder().decode(body),
      timeout: request.timeout,
      idempotent: request.idempotent,
    });
    const to = `${request.method} ${request.url}`;
    const at = this.#replies.findIndex(expected => expected.to === to);
    if (at < 0) {
      const expected = this.#replies.map(({ to }) => to).join(', ') || 'none';
      throw new Error(`no reply for ${to}; expected: ${expected}`);
    }
    const [{ reply } = { reply: {} as Reply }] = this.#replies.splice(at, 1);
    if (reply.error) throw new HostError(reply.error, `a reply of the test to ${to}`);
    const headers = Object.entries(reply.headers ?? {}).map(([k, v]): [string, string] => [k.toLowerCase(), v]);
    if (reply.json !== undefined) headers.push(['content-type', 'application/json']);
    const content = reply.json === undefined ? (reply.body ?? '') : (stringify(reply.json) ?? '');
    return {
      status: reply.status ?? 200,
      headers,
      body: typeof content === 'string' ? new TextEncoder().encode(content) : content,
      url: request.url,
    };
  }

  /** For the fake: the database's answers. */
  database(): ReturnType<Databases['asked']> {
    return this.#databases.asked();
  }

  /** For the fake: how many children are not done. */
  unprocessed(): number {
    return this.added.slice(this.#disowned).filter(({ parent }) => parent === 'current').length;
  }

  /** For the fake: the children added so far are removed; `added` still tells of them. */
  disown(): void {
    this.#disowned = this.added.length;
  }
}

/** Lines of `console` are printed and recorded; returns how to stop that. */
function recorded(logs: Line[]): () => void {
  const original = { ...console };
  const say = makeConsole(
    (level, message) => logs.push({ level, message, fields: {} }),
    () => performance.now(),
  );
  for (const level of ['log', 'info', 'debug', 'warn', 'error'] as const) {
    console[level] = (...data: unknown[]) => {
      say[level](...data);
      original[level](...data);
    };
  }
  return () => Object.assign(console, original);
}

/** The host's functions, answered by the test. */
function asked(of: Host): Asked {
  const push = (queue: string, { name, data, options }: RawNewJob, parent: AddedJob['parent'], onFailure?: RawFlowJob['onFailure']): string => {
    if (of.refuseAdds) throw new HostError(of.refuseAdds, 'the test refuses it');
    const at = of.added.push({ queue, name, data: parse(data), options, parent, onFailure });
    return options.id ?? String(at);
  };
  const tree = (jobs: RawFlowJob[], above: 'none' | 'current'): string[] => {
    const first = of.added.length;
    return jobs.map(({ queue, job, parent, onFailure }) =>
      push(queue, job, parent === undefined ? above : first + parent, onFailure),
    );
  };
  const pairs = (record: Record<string, unknown>): [string, string][] =>
    Object.entries(record).map(([key, value]) => [key, written(value, key)]);
  return {
    currentJob: () => raw(of.currentJob),
    updateData: json => void of.updates.push(parse(json)),
    childrenValues: () => pairs(of.childrenValues),
    ignoredFailures: () => Object.entries(of.ignoredFailures),
    failedChildren: () => of.failedChildren,
    dependencies: () => ({
      processed: Object.keys(of.childrenValues).length,
      unprocessed: of.unprocessed(),
      failed: of.failedChildren.length,
      ignored: Object.keys(of.ignoredFailures).length,
    }),
    removeUnprocessedChildren: () => of.disown(),
    // Runner's default timeout.
    timeLeft: () => 30_000,
    log: (level, message, fields) =>
      void of.logs.push({ level, message, fields: Object.fromEntries(fields) }),
    progress: (percent, message) => {
      const clamped = Math.max(0, Math.min(100, percent));
      of.progress.push(message === undefined ? clamped : { percent: clamped, message });
    },
    progressJson: json => void of.progress.push(parse(json)),
    send: request => of.answer(request),
    setting: key => of.config[key],
    settings: () => Object.entries(of.config).sort(),
    secret: name => of.secrets[name],
    add: (queue, job) => push(queue, job, 'none'),
    addBulk: (queue, jobs) => jobs.map(job => push(queue, job, 'none')),
    addFlow: jobs => tree(jobs, 'none'),
    addChildren: jobs => tree(jobs, 'current'),
    step: name => (name in of.steps ? written(of.steps[name], name) : undefined),
    putStep: (name, json) => {
      of.steps[name] = parse(json);
    },
    ...of.database(),
    ...of.kv.asked(),
    ...of.blobs.asked(),
    random: length => crypto.getRandomValues(new Uint8Array(length)),
    clock: () => performance.now(),
    sleep: () => {},
    stderr: text => of.logs.push(...text.trimEnd().split('\n').map((message): Line => ({ level: 'warn', message, fields: {} }))),
  };
}

function raw(of: Job<any>): RawJob {
  const { id, queue, name, json, attempt, maxAttempts, priority, delay, requestId, parent } = of;
  return {
    id,
    queue,
    name,
    data: json,
    attempt,
    maxAttempts,
    addedAt: of.addedAt.getTime(),
    startedAt: of.startedAt.getTime(),
    priority,
    delay,
    ...(requestId !== undefined && { requestId }),
    ...(parent && { parent }),
  };
}
