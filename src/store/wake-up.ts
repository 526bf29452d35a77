// One timer for all deadlines, leases and retries: it knows only the next instant at which anything is due.
import type { Clock } from '../ports/clock.ts';

/** Two wake-ups are no closer than this, so that a crowd of deadlines costs one sweep. */
const shortestMs = 5;

export class WakeUp {
  readonly #clock: Clock;
  readonly #run: (now: number) => void;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** `run` is to call `at` for what remains. */
  constructor(clock: Clock, run: (now: number) => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Wakes no later than at this instant. */
  at(instant: number): void {
    if (instant >= this.#at || this.#stopped || !Number.isFinite(instant)) return;
    this.#at = instant;
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(Math.max(shortestMs, instant - this.#clock.now()), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#run(this.#clock.now());
    });
  }

  cancel(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
