// `fetch` over the host's HTTP: only to granted hosts, with redirects, timeouts and
// idempotency keys. Requests are sent one after another, also under `Promise.all`.

import { deadlineOf } from './deadlines.ts';
import { Reject, Retry, RetryAfter, type Verdict, type Wire } from './failure.ts';
import { host, HostError } from './host.ts';

declare global {
  interface RequestInit {
    /**
     * Let Runner send an `Idempotency-Key` that is the same in every attempt of the job, if
     * the handler sends its requests in the same order.
     */
    idempotent?: boolean;
    /** Milliseconds for the request with its redirects, 30 seconds at most. */
    timeout?: number;
  }
}

/** Redirects that are followed: as many as the host allows. */
const REDIRECTS = 5;
/** How much of a response an error quotes, in characters. */
const QUOTED = 300;

/** What went wrong when there is no response. */
type Code =
  | 'denied'
  | 'invalid'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'too-large'
  | 'protocol';

const WORDS: Record<Code, string> = {
  denied: 'the request was denied',
  invalid: 'the request is wrong',
  dns: 'no address',
  connect: 'no connection',
  tls: 'no trusted connection',
  timeout: 'no answer in time',
  'too-large': 'the answer is too large',
  protocol: 'no valid answer',
};

/**
 * Why `fetch` has no response. Uncaught, it rejects the job if a retry cannot help (`denied`,
 * `invalid`, `too-large`), and retries it otherwise.
 */
export class HttpError extends TypeError implements Verdict {
  override name = 'HttpError';
  /** The kind of the error, as in `wit/runner/http.wit`. */
  readonly code: Code;

  constructor(code: Code, why: string, options?: ErrorOptions) {
    super(`${WORDS[code] ?? code}: ${why}`, options);
    this.code = code;
  }

  verdict(reason: string): Wire {
    const lasting = this.code === 'denied' || this.code === 'invalid' || this.code === 'too-large';
    return { tag: lasting ? 'reject' : 'retry', val: reason };
  }
}

/** `fetch`, as the web has it. Any status is a response. */
export async function fetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const request = requested(input, init);
  const { signal } = request;
  signal?.throwIfAborted();
  const body = init.body === undefined && !(input instanceof Request) ? undefined : await content(request);
  // Reading the content let other code run.
  signal?.throwIfAborted();
  const deadline = deadlineOf(init.signal ?? (input instanceof Request ? input.signal : undefined));
  // The Request of StarlingMonkey has no `redirect`.
  const redirect = init.redirect ?? request.redirect ?? 'follow';
  const to = host('fetch');
  const limits = [init.timeout, deadline === undefined ? undefined : deadline - to.clock()];
  const timeout = Math.min(...limits.filter(limit => limit !== undefined));
  if (timeout <= 0) throw late();
  try {
    const { status, headers, body: received, url } = to.send({
      method: request.method,
      url: request.url,
      // The length is the host's, as it is the browser's in the Fetch standard;
      // StarlingMonkey's Request sets it.
      headers: [...request.headers].filter(([name]) => name !== 'content-length'),
      ...(body?.length && { body }),
      ...(Number.isFinite(timeout) && { timeout: Math.max(1, Math.ceil(timeout)) }),
      redirects: redirect === 'follow' ? REDIRECTS : 0,
      idempotent: init.idempotent ?? false,
    });
    if (redirect === 'error' && [301, 302, 303, 307, 308].includes(status)) {
      throw new HttpError('protocol', `${url} redirects, and redirect is 'error'`);
    }
    const empty = [204, 205, 304].includes(status);
    const response = new Response(empty ? null : (received as Uint8Array<ArrayBuffer>), {
      status,
      headers,
    });
    Object.defineProperty(response, 'url', { value: url, enumerable: true });
    Object.defineProperty(response, 'redirected', { value: url !== request.url, enumerable: true });
    return response;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    if (error.tag === 'timeout' && deadline !== undefined && to.clock() >= deadline) {
      throw late();
    }
    throw new HttpError(error.tag as Code, error.message);
  }
}

/**
 * The response, if its status is 200 to 299.
 *
 * @throws What the status deserves: 408, 425, 429 and 5xx are retried, after the time in
 * `Retry-After` if a 429 or 503 has one; any other status rejects the job.
 */
export async function expectOk(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { status, url } = response;
  const text = (await response.text()).trim();
  const quoted = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  const who = /^https?:\/\/([^/?#]+)/.exec(url)?.[1] ?? 'the server';
  const reason = `${who} answered ${status}${quoted ? `: ${quoted}` : ''}`;
  const wait = status === 429 || status === 503 ? retryAfter(response.headers) : undefined;
  if (wait !== undefined) throw new RetryAfter(wait, reason);
  if (status >= 500 || [408, 425, 429].includes(status)) throw new Retry(reason);
  throw new Reject(reason);
}

/** Seconds or a date (RFC 9110, 10.2.3), as milliseconds. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** What is wrong with it is said like every other mistake in a request. */
function requested(input: RequestInfo | URL, init: RequestInit): Request {
  try {
    return new Request(input, init);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HttpError('invalid', why, { cause: error });
  }
}

async function content(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

function late(): DOMException {
  return new DOMException('The operation was aborted due to timeout', 'TimeoutError');
}
