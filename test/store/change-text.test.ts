import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeText } from '../../src/store/change-text.ts';
import type { Change } from '../../src/store/entry-record.ts';

const name = fc.oneof(fc.stringMatching(/^[a-z|:/@.+-]{1,20}$/), fc.string({ unit: 'binary', maxLength: 8 }));
const ids = fc.array(name, { minLength: 1, maxLength: 5 });
const at = fc.nat(2 ** 31);
const by = fc.record({
  agentId: name,
  door: fc.constantFrom('websocket' as const, 'http' as const),
  connectionId: name,
});
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ type: fc.constant('acked' as const), ids, at }),
  fc.record({ type: fc.constant('offered' as const), ids, at, until: at, by }),
  fc.record({ type: fc.constant('held' as const), ids, at, reason: name }),
);

describe('the text of a change', () => {
  it('is what JSON says, whatever the names are made of', () => {
    fc.assert(
      fc.property(change, (one) => {
        expect(changeText(one)).toBe(JSON.stringify(one));
      }),
    );
  });

  it('is that of one id where a name looks like two', () => {
    const one: Change = { type: 'acked', ids: ['a","b'], at: 1 };
    expect(JSON.parse(changeText(one))).toEqual(one);
  });
});
