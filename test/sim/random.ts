// Seeded randomness: the same seed makes the same choices.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.between(0, list.length - 1)];
  }

  /** One of the names, each as often as its weight says. */
  weighted<N extends string>(weights: { readonly [name in N]: number }): N {
    const entries = Object.entries(weights) as [N, number][];
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    let chosen = entries[0];
    for (const entry of entries) {
      if (entry[1] <= 0) continue;
      chosen = entry;
      at -= entry[1];
      if (at < 0) break;
    }
    if (!chosen) throw new RangeError('nothing to choose from');
    return chosen[0];
  }

  /** Randomness of its own for one actor, so that actors do not disturb each other's choices. */
  fork(): Random {
    return new Random(this.between(0, 2 ** 31 - 1));
  }
}
