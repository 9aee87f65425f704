// When signals of `AbortSignal.timeout` abort. The host blocks while it sends a request, and
// must be told how long it may.

/** Milliseconds of the host's clock, by signal. */
const deadlines = new WeakMap<object, number>();

/** When this signal aborts, if it does by itself. */
export function deadlineOf(signal: object | null | undefined): number | undefined {
  return signal ? deadlines.get(signal) : undefined;
}

/** This signal aborts then. */
export function setDeadline(signal: object, at: number): void {
  deadlines.set(signal, at);
}

/** A signal of several others aborts with the first of them. */
export function joinDeadlines(signal: object, others: Iterable<object>): void {
  const first = Math.min(...Array.from(others, one => deadlines.get(one) ?? Infinity));
  if (Number.isFinite(first)) deadlines.set(signal, first);
}

/** Learn of the engine's own signals from now on; returns how to stop that. */
export function watchSignals(now: () => number): () => void {
  const { timeout, any } = AbortSignal;
  AbortSignal.timeout = ms => {
    const signal = timeout.call(AbortSignal, ms);
    setDeadline(signal, now() + ms);
    return signal;
  };
  AbortSignal.any = signals => {
    const all = [...signals];
    const signal = any.call(AbortSignal, all);
    joinDeadlines(signal, all);
    return signal;
  };
  return () => Object.assign(AbortSignal, { timeout, any });
}
