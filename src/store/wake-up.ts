// One timer for all deadlines, leases and retries: it knows only the next instant at which anything is due.
import type { Clock } from '../ports/clock.ts';

/** Two wake-ups are no closer than this, so that a crowd of deadlines costs one sweep. */
const shortestMs = 5;
/** A sweep looks at everything in memory: the more that is, the farther apart sweeps are. */
const entriesPerMs = 2_000;

export class WakeUp {
  readonly #clock: Clock;
  readonly #run: (now: number) => void;
  readonly #size: () => number;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** `run` is to call `at` for what remains; it looks at `size` entries. */
  constructor(clock: Clock, run: (now: number) => void, size: () => number) {
    this.#clock = clock;
    this.#run = run;
    this.#size = size;
  }

  /** Wakes no later than at this instant. */
  at(instant: number): void {
    if (instant >= this.#at || this.#stopped || !Number.isFinite(instant)) return;
    this.#at = instant;
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(this.#delayUntil(instant), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#run(this.#clock.now());
    });
  }

  #delayUntil(instant: number): number {
    return Math.max(shortestMs, this.#size() / entriesPerMs, instant - this.#clock.now());
  }

  cancel(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
