// How many there were of each key in the minute that runs; of more keys than there is room for, the busiest.

const windowMs = 60_000;
const defaultKeys = 16_384;

/** How many there were of one key. Whoever has it counts on it. */
export interface Count {
  value: number;
}

export class RateWindow {
  readonly #mostKeys: number;
  /** In two steps: a key joined of both names would be made, and hashed, for every message. */
  readonly #groups = new Map<string, Map<string, Count>>();
  #size = 0;
  #begun = Number.NEGATIVE_INFINITY;

  constructor(mostKeys = defaultKeys) {
    this.#mostKeys = mostKeys;
  }

  /** How many keys are counted. */
  get size(): number {
    return this.#size;
  }

  /** That of the minute in which `now` is, in milliseconds; the key is a name in a group. */
  of(group: string, name: string, now: number): Count {
    // A clock that was set back begins a new minute as well.
    if (now < this.#begun || now >= this.#begun + windowMs) {
      this.#groups.clear();
      this.#size = 0;
      this.#begun = now;
    }
    return this.#groups.get(group)?.get(name) ?? this.#add(group, name);
  }

  /** Milliseconds until the next minute begins. */
  untilNext(now: number): number {
    return Math.max(0, this.#begun + windowMs - now);
  }

  #add(group: string, name: string): Count {
    if (this.#size >= this.#mostKeys) this.#forgetQuietest();
    let counts = this.#groups.get(group);
    if (!counts) {
      counts = new Map();
      this.#groups.set(group, counts);
    }
    const count = { value: 0 };
    counts.set(name, count);
    this.#size++;
    return count;
  }

  /**
   * Those that are no busier than twice the average, which are half of them at least: what is forgotten of a key is little
   * beside any limit, and not each new one has to look for others to forget.
   */
  #forgetQuietest(): void {
    let total = 0;
    for (const counts of this.#groups.values()) for (const { value } of counts.values()) total += value;
    const most = (2 * total) / this.#size;
    for (const [group, counts] of this.#groups) {
      for (const [name, { value }] of counts) {
        if (value <= most && counts.delete(name)) this.#size--;
      }
      if (counts.size === 0) this.#groups.delete(group);
    }
  }
}
