import { describe, expect, it } from 'vitest';
import { code, inline } from '../../../src/core/summary/markdown-text.ts';

describe('a text in Markdown', () => {
  it.each([
    [' - item', '\\- item'],
    ['\n+ item', '\\+ item'],
    ['\t* item', '\\* item'],
    ['\n1. item', '1\\. item'],
    [' 12) item', '12\\) item'],
    [' --- ', '\\---'],
    ['===', '\\==='],
    [' = ', '\\='],
    [':--', '\\:--'],
    ['\u00a0# title', '\\# title'],
    ['\r\n> quote', '\\> quote'],
    ['    code', 'code'],
    ['\u2028```', '\\`\\`\\`'],
  ])('%j opens nothing: %s', (text, line) => expect(inline(text)).toBe(line));

  it('is one line, and says the same', () => {
    expect(inline('a - b\n\n= c:\t1. d')).toBe('a - b = c: 1. d');
    expect(inline(' \n ')).toBe('');
  });
});

describe('a value as code', () => {
  it('is cut between characters', () => {
    for (const before of [1997, 1998, 1999]) {
      const text = code(`${'x'.repeat(before)}\u{1f600}${'y'.repeat(9)}`);
      expect([before, /\p{Surrogate}/u.test(text)]).toEqual([before, false]);
    }
  });
});
