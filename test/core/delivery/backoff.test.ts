import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../src/core/delivery/backoff.ts';

const longestMs = 60_000;
const kinds = fc.constantFrom('linear' as const, 'exponential' as const);
const failures = fc.integer({ min: 1, max: 1_000_000 });
const jitters = fc.double({ min: 0, max: 1, noNaN: true });

describe('the wait after failed attempts', () => {
  it.each([
    ['linear', 1, 1_000],
    ['linear', 2, 2_000],
    ['linear', 3, 3_000],
    ['linear', 7, 7_000],
    ['linear', 20, 20_000],
    ['linear', 60, longestMs],
    ['linear', 61, longestMs],
    ['linear', 1_000_000, longestMs],
    ['exponential', 1, 1_000],
    ['exponential', 2, 2_000],
    ['exponential', 3, 4_000],
    ['exponential', 6, 32_000],
    ['exponential', 7, longestMs],
    ['exponential', 20, longestMs],
    ['exponential', 1_000_000, longestMs],
  ] as const)('is %s after %i: %i ms, and up to a fifth less', (backoff, count, longest) => {
    expect(backoffMs(backoff, count, 0)).toBe(longest);
    expect(backoffMs(backoff, count, 0.5)).toBe(longest * 0.9);
    expect(backoffMs(backoff, count, 1)).toBe(longest * 0.8);
  });

  it('is a whole number between nothing and a minute, whatever it is asked for', () => {
    fc.assert(
      fc.property(kinds, failures, jitters, (backoff, count, jitter) => {
        const wait = backoffMs(backoff, count, jitter);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(longestMs);
      }),
    );
  });

  it('grows with every failure until it is at its longest, where it stays', () => {
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 100 }), jitters, (backoff, count, jitter) => {
        const [now, next] = [backoffMs(backoff, count, jitter), backoffMs(backoff, count + 1, jitter)];
        if (now === backoffMs(backoff, 1_000, jitter)) expect(next).toBe(now);
        else expect(next).toBeGreaterThan(now);
      }),
    );
  });

  it('is shorter the more jitter takes off, by a fifth at most', () => {
    fc.assert(
      fc.property(kinds, failures, jitters, jitters, (backoff, count, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const [longest, long, short] = [0, less, more].map((jitter) => backoffMs(backoff, count, jitter));
        expect(long).toBeLessThanOrEqual(longest ?? 0);
        expect(short).toBeLessThanOrEqual(long ?? 0);
        expect(short).toBeGreaterThanOrEqual((longest ?? 0) * 0.8);
      }),
    );
  });
});
