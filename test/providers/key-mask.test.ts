import { describe, expect, it } from 'vitest';
import { withoutKeys } from '../../src/providers/key-mask.ts';

const key = 'sk-canary-0123456789abcdef';

describe('what a provider says', () => {
  it.each([
    [`Incorrect API key provided: ${key}.`, 'Incorrect API key provided: ***.'],
    ['The key sk-canar...cdef is odd', 'The key *** is odd'],
    ['the key "sk-ca******************cdef" is odd', 'the key "***" is odd'],
    ['the key ending with cdef is odd', 'the key ending with *** is odd'],
    ['(…cdef) is odd', '(***) is odd'],
    ['sk-canary-0123 is odd', '*** is odd'],
    ['not that of somebody else, sk_live_9Zq8 or AIzaSyA1234567890', 'not that of somebody else, *** or ***'],
  ])('is passed on without keys, whole or shortened: %s', (words, safe) => {
    expect(withoutKeys(words, key)).toBe(safe);
  });

  it.each([
    'There is no model gpt-4o-mini... try claude-sonnet-4-5 (see https://example.com/docs/a.b?x=1).',
    'max_tokens: 100000 > 8192, which is the most for skills',
  ])('is passed on as it is where there is none: %s', (words) => {
    expect(withoutKeys(words, key)).toBe(words);
    expect(withoutKeys(words, undefined)).toBe(words);
  });

  it('does not show a short key either', () => expect(withoutKeys('the key k1: no', 'k1')).toBe('the key ***: no'));
});
