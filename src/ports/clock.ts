// Time, so that tests and simulations can own it.

export interface Clock {
  /** Milliseconds since the Unix epoch. May step back when the machine's clock does. */
  now(): number;
  /**
   * Calls `run` once, no sooner than `delayMs` from now.
   * The returned function cancels it; cancelling twice or after the call does nothing.
   * A pending call never keeps the process alive.
   */
  schedule(delayMs: number, run: () => void): () => void;
}

/** setTimeout counts in 32 bits; anything longer would fire at once. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  schedule(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), longestTimer));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
