// Promises (ECMA-262, 27.2) that are settled by `drain`. QuickJS runs no jobs of native
// promises before an export returns, so on QuickJS these take their place, and the build
// lowers `async` functions to them.

type Then = (value: unknown) => unknown;
type Settle = (value: unknown) => void;

interface Capability {
  promise: Settled;
  resolve: Settle;
  reject: Settle;
}

interface Reaction extends Partial<Capability> {
  onFulfilled: Then | undefined;
  onRejected: Then | undefined;
}

const tasks: (() => void)[] = [];
/** Rejected promises that nobody has asked for. */
const orphans = new Set<Settled>();

/** Do this after what runs now. */
export function later(task: () => void): void {
  tasks.push(task);
}

/** Run what is to be done, and what that leaves to be done. */
export function drain(): void {
  for (let at = 0; at < tasks.length; at++) {
    // A task throws only if it was given to `queueMicrotask`; the others then come next time.
    try {
      (tasks[at] as () => void)();
    } catch (error) {
      tasks.splice(0, at + 1);
      throw error;
    }
  }
  tasks.length = 0;
}

/** Reasons of rejected promises that nobody asked for, once. */
export function unhandled(): unknown[] {
  return [...orphans].map(promise => Settled.state(promise).value);
}

/** Forget what a job left behind. */
export function forget(): void {
  tasks.length = 0;
  orphans.clear();
}

class Settled {
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #value: unknown;
  #reactions: Reaction[] = [];
  #handled = false;

  constructor(executor: (resolve: Settle, reject: Settle) => void) {
    if (typeof executor !== 'function') {
      throw new TypeError(`Promise resolver ${String(executor)} is not a function`);
    }
    const { resolve, reject } = this.#functions();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  static state(promise: Settled) {
    promise.#handled = true;
    orphans.delete(promise);
    return { state: promise.#state, value: promise.#value };
  }

  /** The two functions, of which only the first call counts. */
  #functions(): { resolve: Settle; reject: Settle } {
    let done = false;
    const once =
      (settle: Settle): Settle =>
      value => {
        if (done) return;
        done = true;
        settle(value);
      };
    return {
      resolve: once(value => this.#resolve(value)),
      reject: once(reason => this.#settle('rejected', reason)),
    };
  }

  #resolve(value: unknown): void {
    if (value === this) {
      return this.#settle('rejected', new TypeError('Chaining cycle detected for promise'));
    }
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') {
      return this.#settle('fulfilled', value);
    }
    let then: unknown;
    try {
      then = (value as { then?: unknown }).then;
    } catch (error) {
      return this.#settle('rejected', error);
    }
    if (typeof then !== 'function') return this.#settle('fulfilled', value);
    later(() => {
      const { resolve, reject } = this.#functions();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state: 'fulfilled' | 'rejected', value: unknown): void {
    this.#state = state;
    this.#value = value;
    if (state === 'rejected' && !this.#handled) orphans.add(this);
    const reactions = this.#reactions;
    this.#reactions = [];
    for (const reaction of reactions) later(() => this.#react(reaction));
  }

  #react({ onFulfilled, onRejected, resolve, reject }: Reaction): void {
    const handler = this.#state === 'fulfilled' ? onFulfilled : onRejected;
    try {
      if (handler) resolve?.(handler(this.#value));
      else if (this.#state === 'fulfilled') resolve?.(this.#value);
      else reject?.(this.#value);
    } catch (error) {
      reject?.(error);
    }
  }

  then(onFulfilled?: unknown, onRejected?: unknown): Settled {
    const species = (this.constructor as { [Symbol.species]?: Constructor } | undefined)?.[
      Symbol.species
    ];
    const capability = capable(species ?? Settled);
    const reaction: Reaction = {
      ...capability,
      onFulfilled: typeof onFulfilled === 'function' ? (onFulfilled as Then) : undefined,
      onRejected: typeof onRejected === 'function' ? (onRejected as Then) : undefined,
    };
    this.#handled = true;
    orphans.delete(this);
    if (this.#state === 'pending') this.#reactions.push(reaction);
    else later(() => this.#react(reaction));
    return capability.promise;
  }

  catch(onRejected?: unknown): Settled {
    return this.then(undefined, onRejected);
  }

  finally(last?: unknown): Settled {
    if (typeof last !== 'function') return this.then(last, last);
    const C = this.constructor as Constructor;
    return this.then(
      (value: unknown) => C.resolve(last()).then(() => value),
      (reason: unknown) =>
        C.resolve(last()).then(() => {
          throw reason;
        }),
    );
  }

  get [Symbol.toStringTag](): string {
    return 'Promise';
  }

  static get [Symbol.species](): unknown {
    return this;
  }

  static resolve(this: Constructor, value?: unknown): Settled {
    if (typeof value === 'object' && value !== null && #state in value && value.constructor === this) {
      return value;
    }
    const { promise, resolve } = capable(this);
    resolve(value);
    return promise;
  }

  static reject(this: Constructor, reason?: unknown): Settled {
    const { promise, reject } = capable(this);
    reject(reason);
    return promise;
  }

  static withResolvers(this: Constructor): Capability {
    return { ...capable(this) };
  }

  static try(this: Constructor, run: (...args: unknown[]) => unknown, ...args: unknown[]): Settled {
    return new this(resolve => resolve(run(...args)));
  }

  static all(this: Constructor, items: Iterable<unknown>): Settled {
    return gather(this, items, ({ resolve, reject }, values, done) => at => [
      value => {
        values[at] = value;
        if (done()) resolve(values);
      },
      reject,
    ]);
  }

  static allSettled(this: Constructor, items: Iterable<unknown>): Settled {
    return gather(this, items, ({ resolve }, values, done) => at => {
      const put = (value: unknown): void => {
        values[at] = value;
        if (done()) resolve(values);
      };
      return [
        value => put({ status: 'fulfilled', value }),
        reason => put({ status: 'rejected', reason }),
      ];
    });
  }

  static any(this: Constructor, items: Iterable<unknown>): Settled {
    return gather(
      this,
      items,
      ({ resolve, reject }, errors, done) =>
        at => [
          resolve,
          reason => {
            errors[at] = reason;
            if (done()) reject(new AggregateError(errors, 'All promises were rejected'));
          },
        ],
      ({ reject }, errors) => reject(new AggregateError(errors, 'All promises were rejected')),
    );
  }

  static race(this: Constructor, items: Iterable<unknown>): Settled {
    const { promise, resolve, reject } = capable(this);
    try {
      for (const item of items) this.resolve(item).then(resolve, reject);
    } catch (error) {
      reject(error);
    }
    return promise;
  }
}

interface Constructor {
  new (executor: (resolve: Settle, reject: Settle) => void): Settled;
  resolve(value?: unknown): Settled;
}

function capable(C: Constructor): Capability {
  let functions: [Settle, Settle] | undefined;
  const promise = new C((resolve, reject) => {
    functions = [resolve, reject];
  });
  const [resolve, reject] = functions as unknown as [Settle, Settle];
  return { promise, resolve, reject };
}

type Collect = (
  capability: Capability,
  values: unknown[],
  done: () => boolean,
) => (at: number) => [Settle, Settle];

/** What `all`, `allSettled` and `any` share: they end with the last of the items. */
function gather(
  C: Constructor,
  items: Iterable<unknown>,
  collect: Collect,
  none = ({ resolve }: Capability, values: unknown[]): void => resolve(values),
): Settled {
  const capability = capable(C);
  const values: unknown[] = [];
  let open = 1;
  const one = collect(capability, values, () => --open === 0);
  try {
    let at = 0;
    for (const item of items) {
      values.push(undefined);
      open++;
      const [fulfilled, rejected] = one(at++);
      C.resolve(item).then(fulfilled, rejected);
    }
    if (--open === 0) none(capability, values);
  } catch (error) {
    capability.reject(error);
  }
  return capability.promise;
}

Object.defineProperty(Settled, 'name', { value: 'Promise' });

/** Whether a promise is settled, and with what; who asks handles a rejection. */
export function state(promise: unknown): { state: string; value: unknown } {
  return Settled.state(promise as Settled);
}

/** Takes the place of the native `Promise`. */
export const PromiseClass = Settled as unknown as PromiseConstructor;
