import { expect, it } from 'vitest';
import { createRandom } from './random.mjs';

it('makes the same choices from the same seed, and others from another', () => {
  const choices = (/** @type {number} */ seed) => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.between(0, 1_000_000));
  };
  expect(choices(1)).toEqual(choices(1));
  expect(choices(1)).not.toEqual(choices(2));
});

it('stays within its bounds, and reaches both', () => {
  const random = createRandom(3);
  const drawn = new Set(Array.from({ length: 200 }, () => random.between(2, 5)));
  expect([...drawn].sort()).toEqual([2, 3, 4, 5]);
});
