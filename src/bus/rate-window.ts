// How many there were of each key in the minute that runs; of more keys than there is room for, the busiest.

const windowMs = 60_000;
const defaultKeys = 16_384;

/** How many there were of one key. Whoever has it counts on it. */
export interface Count {
  value: number;
}

export class RateWindow {
  readonly #mostKeys: number;
  readonly #counts = new Map<string, Count>();
  #begun = Number.NEGATIVE_INFINITY;

  constructor(mostKeys = defaultKeys) {
    this.#mostKeys = mostKeys;
  }

  /** How many keys are counted. */
  get size(): number {
    return this.#counts.size;
  }

  /** That of the minute in which `now` is, in milliseconds. */
  of(key: string, now: number): Count {
    // A clock that was set back begins a new minute as well.
    if (now < this.#begun || now >= this.#begun + windowMs) {
      this.#counts.clear();
      this.#begun = now;
    }
    let count = this.#counts.get(key);
    if (!count) {
      if (this.#counts.size >= this.#mostKeys) this.#forgetQuietest();
      count = { value: 0 };
      this.#counts.set(key, count);
    }
    return count;
  }

  /** Milliseconds until the next minute begins. */
  untilNext(now: number): number {
    return Math.max(0, this.#begun + windowMs - now);
  }

  /**
   * Those that are no busier than twice the average, which are half of them at least: what is forgotten of a key is little
   * beside any limit, and not each new one has to look for others to forget.
   */
  #forgetQuietest(): void {
    let total = 0;
    for (const { value } of this.#counts.values()) total += value;
    const most = (2 * total) / this.#counts.size;
    for (const [key, { value }] of this.#counts) if (value <= most) this.#counts.delete(key);
  }
}
