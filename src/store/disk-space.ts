// Whether the disk has room for new mail; what is left below the reserve is for acks and bookkeeping.
import { statfs } from 'node:fs';
import type { Clock } from '../ports/clock.ts';

const checkMs = 1_000;

export class DiskSpace {
  readonly #folder: string;
  readonly #reserveBytes: number;
  readonly #clock: Clock;
  #low = false;
  #cancel: () => void = () => undefined;
  #stopped = false;

  constructor(folder: string, reserveBytes: number, clock: Clock) {
    this.#folder = folder;
    this.#reserveBytes = reserveBytes;
    this.#clock = clock;
    this.#check();
  }

  get low(): boolean {
    return this.#low;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #check(): void {
    statfs(this.#folder, (error, stats) => {
      // A file system that cannot say how full it is says so when a write fails.
      if (!error) this.#low = stats.bavail * stats.bsize < this.#reserveBytes;
      if (!this.#stopped) this.#cancel = this.#clock.schedule(checkMs, () => this.#check());
    });
  }
}
