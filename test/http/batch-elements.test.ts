import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementsOf } from '../../src/http/batch-elements.ts';

const texts = (elements: Buffer[] | undefined) => elements?.map(String);

describe('the envelopes in the body of a batch', () => {
  it('are found as they are written, whatever is in them', () => {
    const element = fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.array(fc.jsonValue()));
    fc.assert(
      fc.property(fc.array(element), fc.constantFrom(undefined, 1, '\t'), (messages, indent) => {
        const elements = elementsOf(Buffer.from(JSON.stringify({ messages }, undefined, indent)), messages.length);
        expect(elements?.map((bytes) => JSON.parse(String(bytes)))).toEqual(JSON.parse(JSON.stringify(messages)));
      }),
    );
    const odd = ['{"a":"}\\\\"}', '{ "\\"]" : [ "{" ] }', '{"é\\u0022":"\\\\\\""}'];
    expect(texts(elementsOf(Buffer.from(` { "messages" :\n[${odd.join(' ,\n')}] }`), 3))).toEqual(odd);
  });

  it('are those of the last list where the key is there twice, as for JSON.parse', () => {
    const body = '{"messages":[{"n":1},{"n":2}],"messages":[{"n":3},{"n":4}]}';
    expect(texts(elementsOf(Buffer.from(body), 2))).toEqual(['{"n":3}', '{"n":4}']);
  });

  it('are not told where one is neither an object nor a list', () => {
    expect(elementsOf(Buffer.from('{"messages":[{"n":1},"two"]}'), 2)).toBeUndefined();
  });
});
