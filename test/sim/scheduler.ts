// Virtual time, and which of the things that are due happens next: the seed decides.
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from './random.ts';

interface Task {
  at: number;
  run: () => void;
  life: Life | undefined;
}

/** One run of the server: what it has scheduled dies with it. */
export interface Life {
  readonly clock: Clock;
  /** Stands for setImmediate. */
  defer(run: () => void): void;
  /** Something outside that ends in so many milliseconds; nobody hears of it when the life is over by then. */
  after(delayMs: number, run: () => void): void;
  readonly alive: boolean;
  kill(): void;
}

export class Scheduler {
  readonly #random: Random;
  /** Timers may fire so many milliseconds late. */
  readonly #latestMs: number;
  #tasks: Task[] = [];
  #now = Date.parse('2025-02-02T11:00:00Z');
  #steps = 0;

  constructor(random: Random, latestMs: number) {
    this.#random = random;
    this.#latestMs = latestMs;
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** For actors: they outlive the server. */
  after(delayMs: number, run: () => void): void {
    this.#add(delayMs, run, undefined);
  }

  /** A new life of the server. */
  life(): Life {
    let alive = true;
    const life: Life = {
      clock: {
        now: () => this.#now,
        schedule: (delayMs, run) => {
          const task = this.#add(Math.max(0, delayMs) + this.#random.between(0, this.#latestMs), run, life);
          return () => this.#remove(task);
        },
      },
      defer: (run) => void this.#add(0, run, life),
      after: (delayMs, run) => void this.#add(delayMs, run, life),
      get alive() {
        return alive;
      },
      kill: () => {
        alive = false;
        this.#tasks = this.#tasks.filter((task) => task.life !== life);
      },
    };
    return life;
  }

  /** Everyone but the server waits so much longer. */
  lull(ms: number): void {
    for (const task of this.#tasks) if (!task.life) task.at += ms;
  }

  /** No actor does anything any more. */
  dismissActors(): void {
    this.#tasks = this.#tasks.filter((task) => task.life);
  }

  /** How many things a life still waits for. */
  pendingOf(life: Life): number {
    return this.#tasks.filter((task) => task.life === life).length;
  }

  /** When the next thing is due; undefined where nothing is. */
  get nextAt(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.#tasks) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Makes one thing happen, and all that follows from it in the same turn; false where there is nothing left. */
  async step(): Promise<boolean> {
    const next = this.nextAt;
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next);
    const due = this.#tasks.filter(({ at }) => at <= this.#now);
    const task = this.#random.pick(due);
    if (!task) return false;
    this.#remove(task);
    this.#steps++;
    task.run();
    await endOfTurn();
    return true;
  }

  #add(delayMs: number, run: () => void, life: Life | undefined): Task {
    const task = { at: this.#now + Math.ceil(delayMs), run, life };
    if (!life || life.alive) this.#tasks.push(task);
    return task;
  }

  #remove(task: Task): void {
    const index = this.#tasks.indexOf(task);
    if (index >= 0) this.#tasks.splice(index, 1);
  }
}

/** All that promises have to do is done then. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
