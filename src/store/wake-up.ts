// When time does something to a message, and one timer for the first of those instants.
import type { Clock } from '../ports/clock.ts';
import { DueHeap } from './due-heap.ts';
import type { Entry } from './entry.ts';

/** Two wake-ups are no closer than this, so that a crowd of deadlines costs one sweep. */
const shortestMs = 5;
/** What one sweep has left over is gone on with as soon as others had their turn. */
const leftOverMs = 1;

export class WakeUp {
  readonly #clock: Clock;
  readonly #run: (now: number) => void;
  readonly #due = new DueHeap();
  #at = Number.POSITIVE_INFINITY;
  /** When it woke last. */
  #last = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** `run` is to call `at` for what remains. */
  constructor(clock: Clock, run: (now: number) => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** The instant at which a message in memory is due next; Infinity where none is. */
  get next(): number {
    return this.#due.first;
  }

  /** Wakes for the message when it is due as it is now; to be called whenever that changes. */
  plan(entry: Entry): void {
    const { due } = entry;
    if (due === Number.POSITIVE_INFINITY) {
      this.#due.remove(entry);
      return;
    }
    this.#due.set(entry, due);
    this.at(due);
  }

  /** The message leaves memory. */
  forget(entry: Entry): void {
    this.#due.remove(entry);
  }

  /** The first message that is due by then; it is to be planned again. */
  take(now: number): Entry | undefined {
    return this.#due.take(now);
  }

  /** Whether the message was due when it woke last, and may wait its turn. */
  isOverdue(entry: Entry): boolean {
    return entry.due <= this.#last;
  }

  /** Wakes no later than at this instant. */
  at(instant: number): void {
    if (instant >= this.#at || this.#stopped || !Number.isFinite(instant)) return;
    this.#at = instant;
    this.#cancel?.();
    const rest = instant <= this.#last ? leftOverMs : shortestMs;
    this.#cancel = this.#clock.schedule(Math.max(rest, instant - this.#clock.now()), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#last = this.#clock.now();
      this.#run(this.#last);
    });
  }

  cancel(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
