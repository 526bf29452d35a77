// A clock that stands still until a test moves it.
import type { Clock } from '../../src/ports/clock.ts';

interface Alarm {
  at: number;
  run: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  constructor(now = Date.parse('2025-02-02T11:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, delayMs), run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** How many calls are scheduled. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** As when somebody sets the clock of the machine: what is scheduled comes when it would have come. */
  setBack(ms: number): void {
    this.#now -= ms;
    for (const alarm of this.#alarms) alarm.at -= ms;
  }

  /** Moves time forward and runs what falls due, in order, each at its own instant. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}
