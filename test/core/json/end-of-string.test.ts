import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfString } from '../../../src/core/json/end-of-string.ts';

/** Byte by byte. */
function plainly(bytes: Uint8Array, opening: number): number {
  let at = opening + 1;
  while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return Math.min(at, bytes.length);
}

describe('the end of a string', () => {
  it.each([
    '',
    'a',
    '\\',
    '"',
    'x'.repeat(31),
    'x'.repeat(32),
    `${'x'.repeat(31)}"`,
    `${'x'.repeat(32)}\\"`,
    '\\'.repeat(99),
  ])('is the quote that no backslash escapes: %j', (value) => {
    const text = JSON.stringify(value);
    expect(endOfString(Buffer.from(`${text},"more"`), 0)).toBe(Buffer.byteLength(text) - 1);
  });

  it('is that of the bytes where none ends it', () => {
    for (const text of ['"', '"abc', '"\\"', `"${'x'.repeat(100)}`, `"${'\\"'.repeat(100)}`, '"\\']) {
      const bytes = Buffer.from(text);
      expect(endOfString(bytes, 0)).toBe(bytes.length);
    }
  });

  it('is where a look at each byte finds it, wherever quotes and backslashes are', () => {
    const part = fc.oneof(
      fc.constantFrom('"', '\\', '\\"', '\\\\'),
      fc.string({ minLength: 25, maxLength: 40, unit: fc.constantFrom('x', 'é') }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const bytes = Buffer.from(`"${parts.join('')}`);
        expect(endOfString(bytes, 0)).toBe(plainly(bytes, 0));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no longer for a megabyte of escaped quotes than a few looks at each byte', () => {
    const hostile = Buffer.from(`"${'\\"'.repeat(500_000)}"`);
    const began = performance.now();
    expect(endOfString(hostile, 0)).toBe(hostile.length - 1);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
