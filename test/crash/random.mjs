// Seeded randomness: the same seed makes the same choices.

/** @typedef {ReturnType<typeof createRandom>} Random */

/** @param {number} seed A whole number. */
export function createRandom(seed) {
  let state = seed >>> 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (/** @type {number} */ low, /** @type {number} */ high) =>
    low + Math.floor(next() * (high - low + 1));
  return {
    /** A whole number from `low` to `high`, both included. */
    between,
    chance: (/** @type {number} */ probability) => next() < probability,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => /** @type {T} */ (list[between(0, list.length - 1)]),
    /** Randomness of its own for one actor, so that actors do not disturb each other's choices. */
    fork: () => createRandom(between(0, 2 ** 31 - 1)),
  };
}
