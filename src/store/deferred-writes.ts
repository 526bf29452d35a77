// Single writes to the tables that wait until the journal has their record.
import type { CheckpointPart } from './checkpoint.ts';

/** So many are worth a transaction of their own. */
const batch = 256;

interface Deferred {
  block: number;
  write: () => void;
}

export class DeferredWrites implements CheckpointPart {
  #waiting: Deferred[] = [];

  /** `write` belongs to a record in this block; 0 where to none. Writes keep their order, as far as they are flushed. */
  add(block: number, write: () => void): void {
    this.#waiting.push({ block, write });
  }

  oldest(): number | undefined {
    return this.#waiting[0]?.block;
  }

  isDue(): boolean {
    return this.#waiting.length >= batch;
  }

  write(flushed: number): void {
    const ready = this.#waiting.filter(({ block }) => block < flushed);
    this.#waiting = this.#waiting.filter(({ block }) => block >= flushed);
    for (const { write } of ready) write();
  }

  written(): void {}
}
