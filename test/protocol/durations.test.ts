import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSetting, parseDuration } from '../../src/protocol/durations.ts';
import { validatorOf } from '../../src/schema/registry.ts';

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['300s', 300_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '0s', '5', 's', '-1s', '1.5s', '01s', '1w', '9999999999ms', ' 1s'])('is not %j', (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError);
  });

  it('that is written is one that an envelope may carry, and no shorter than what was meant', () => {
    const isDuration = validatorOf('Duration');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31_536_000_000 }), (ms) => {
        const text = formatDuration(ms);
        expect(isDuration(text)).toBe(true);
        expect(parseDuration(text)).toBeGreaterThanOrEqual(ms);
        expect(parseDuration(text) - ms).toBeLessThan(1_000);
      }),
    );
    expect(formatDuration(1_234_567_891)).toBe('1234568s');
    expect(formatDuration(1e12 + 1)).toBe('16666667m');
    expect(formatDuration(3.6e15 - 1)).toBe('999999999h');
    expect(formatDuration(1e20)).toBe('999999999h');
  });

  it('of a setting is written exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31_536_000_000 }), (ms) => {
        const written = formatSetting(ms);
        expect(typeof written === 'number' ? written : parseDuration(written)).toBe(ms);
      }),
    );
    expect([30_000, 604_800_000, 1_234_567_891].map(formatSetting)).toEqual(['30s', '7d', 1_234_567_891]);
  });
});
