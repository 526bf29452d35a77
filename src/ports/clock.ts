// Time, so that tests and simulations can own it.

export interface Clock {
  /** Milliseconds since the Unix epoch. May step back when the machine's clock does. */
  now(): number;
  /**
   * Calls `run` once, no sooner than `delayMs` from now, give or take a millisecond.
   * The returned function cancels it; cancelling twice or after the call does nothing.
   * A pending call never keeps the process alive.
   */
  schedule(delayMs: number, run: () => void): () => void;
}

/**
 * Timers stand still while the machine sleeps, and do not see that its clock was set: the time is looked at as often as this.
 * Also, setTimeout counts in 32 bits; anything longer would fire at once.
 */
const lookAgainMs = 30_000;
/** Timers may fire that much early. */
const earlyMs = 1;

export const systemClock: Clock = {
  now: Date.now,
  schedule(delayMs, run) {
    // Whichever comes first: a clock that is set back makes nobody wait longer.
    const wall = Date.now() + delayMs;
    const steady = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer = setTimeout(look, Math.min(Math.max(0, leftMs), lookAgainMs));
      timer.unref();
    };
    const look = (): void => {
      const leftMs = Math.min(wall - Date.now(), steady - performance.now());
      if (leftMs <= earlyMs) run();
      else wait(leftMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
