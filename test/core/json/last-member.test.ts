import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastMember, lastOfText } from '../../../src/core/json/last-member.ts';

/** The text of the value that was found, and the key before it. */
function found(text: string, name: string): { key: string; value: string } | undefined {
  const bytes = Buffer.from(text);
  const place = lastMember(bytes, name, lastOfText(bytes, bytes.length));
  if (!place) return undefined;
  const member = bytes.subarray(place.key, place.close + 1).toString();
  const [, key = '', value = ''] = /^("(?:[^"\\]|\\.)*")\s*:\s*(.*)$/s.exec(member) ?? [];
  return { key, value };
}

describe('the last member of an object', () => {
  it.each([
    ['{"a":{"m":1},"m":{"x":1}}', '"m"', '{"x":1}'],
    ['{"m":{"x":1},"a":{"m":{"y":2}}}', '"m"', '{"x":1}'],
    [' { "m" : [ 1 , { } ] , "z" : "m\\":{}" }\n', '"m"', '[ 1 , { } ]'],
    ['{"m":{},"m":{"second":true},"z":1}', '"m"', '{"second":true}'],
    ['{"\\u006d":{"x":"}\\\\"},"z":["m",{"m":0}]}', '"\\u006d"', '{"x":"}\\\\"}'],
    ['{"m":{"\\\\":"\\\\\\"}","é":"{"}}', '"m"', '{"\\\\":"\\\\\\"}","é":"{"}'],
  ])('of %s is found', (text, key, value) => {
    expect(found(text, 'm')).toEqual({ key, value });
  });

  it.each(['{"a":1}', '{"a":{"m":{}}}', '{"a":"m","b":["m",{"m":{}}]}', '{"mm":{},"":{}}', '{"M":{}}'])(
    'of %s is not there',
    (text) => {
      expect(found(text, 'm')).toBeUndefined();
    },
  );

  it('is the one that counts, whatever else the object holds', () => {
    const key = fc.oneof(
      fc.constantFrom('m', 'n', '"', '\\', '"m":{', '}'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(key, key));
    const container = fc.oneof(fc.dictionary(key, value), fc.array(value));
    const members = fc.array(fc.oneof(fc.tuple(key, value), fc.tuple(fc.constant('m'), container)), { minLength: 1 });
    fc.assert(
      fc.property(members, fc.constantFrom(undefined, 1, '\t'), (all, indent) => {
        // A value that is no object or list has no place.
        if (all.some(([name, one]) => name === 'm' && (typeof one !== 'object' || one === null))) return;
        const written = all.map(([name, one]) => `${JSON.stringify(name)} :${JSON.stringify(one, undefined, indent)}`);
        const text = `{${written.join(' ,')}}`;
        const last = all.findLast(([name]) => name === 'm');
        expect(found(text, 'm')?.value).toBe(last && JSON.stringify(last[1], undefined, indent));
      }),
      { numRuns: 400 },
    );
  });
});
