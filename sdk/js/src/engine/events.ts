// Event, EventTarget, AbortController and AbortSignal (https://dom.spec.whatwg.org) for
// QuickJS: without a tree of targets and without phases.

import { joinDeadlines, setDeadline } from '../deadlines.ts';
import { host } from '../host.ts';
import { start } from './loop.ts';

export class Event {
  readonly type: string;
  readonly cancelable: boolean;
  readonly bubbles: boolean;
  readonly timeStamp = 0;
  target: unknown = null;
  currentTarget: unknown = null;
  defaultPrevented = false;
  /** Whether no further listener is to be called. */
  stopped = false;

  constructor(type: string, { bubbles = false, cancelable = false } = {}) {
    this.type = String(type);
    this.bubbles = bubbles;
    this.cancelable = cancelable;
  }

  preventDefault(): void {
    this.defaultPrevented = this.cancelable;
  }

  stopPropagation(): void {}

  stopImmediatePropagation(): void {
    this.stopped = true;
  }
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };
interface ListenerOptions {
  once?: boolean;
  signal?: AbortSignal;
}

export class EventTarget {
  #listeners: { type: string; listener: Listener; once: boolean }[] = [];

  addEventListener(type: string, listener: Listener | null, options?: boolean | ListenerOptions): void {
    const { once = false, signal } = typeof options === 'object' ? options : {};
    if (!listener || signal?.aborted) return;
    if (this.#listeners.some(one => one.type === type && one.listener === listener)) return;
    this.#listeners.push({ type, listener, once });
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener));
  }

  removeEventListener(type: string, listener: Listener | null): void {
    this.#listeners = this.#listeners.filter(one => one.type !== type || one.listener !== listener);
  }

  dispatchEvent(event: Event): boolean {
    event.target = this;
    event.currentTarget = this;
    for (const { type, listener, once } of [...this.#listeners]) {
      if (type !== event.type || event.stopped) continue;
      if (once) this.removeEventListener(type, listener);
      try {
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
      } catch (error) {
        console.error('in an event listener:', error);
      }
    }
    event.currentTarget = null;
    return !event.defaultPrevented;
  }
}

let making = false;
let abort: (signal: AbortSignal, reason: unknown) => void;

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason: unknown;
  onabort: ((event: Event) => void) | null = null;

  static {
    abort = (signal, reason) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason ?? new DOMException('This operation was aborted', 'AbortError');
      const event = new Event('abort');
      signal.onabort?.(event);
      signal.dispatchEvent(event);
    };
  }

  constructor() {
    if (!making) throw new TypeError('Illegal constructor');
    super();
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = make();
    abort(signal, reason);
    return signal;
  }

  static timeout(ms: number): AbortSignal {
    const signal = make();
    const late = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    start(() => abort(signal, late()), ms, false, []);
    setDeadline(signal, host('AbortSignal.timeout').clock() + ms);
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const signal = make();
    const all = [...signals];
    joinDeadlines(signal, all);
    for (const one of all) {
      if (one.aborted) {
        abort(signal, one.reason);
        break;
      }
      one.addEventListener('abort', () => abort(signal, one.reason), { once: true });
    }
    return signal;
  }
}

function make(): AbortSignal {
  making = true;
  try {
    return new AbortSignal();
  } finally {
    making = false;
  }
}

export class AbortController {
  readonly signal = make();

  abort(reason?: unknown): void {
    abort(this.signal, reason);
  }
}
