import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueHeap } from '../../src/store/due-heap.ts';
import { Entry } from '../../src/store/entry.ts';
import { newMessage } from '../support/new-message.ts';

const count = 20;
const entry = (seq: number): Entry => Entry.accept(newMessage(`m${seq}`), seq, 0);

describe('the heap of what is due', () => {
  it('gives out each message once, the earliest first and those of one instant in their order, wherever it was moved', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('set'), who: fc.nat(count - 1), at: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('move'), who: fc.nat(count - 1), at: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove'), who: fc.nat(count - 1), at: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('take'), who: fc.constant(0), at: fc.nat(3) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const heap = new DueHeap();
        const entries = Array.from({ length: count }, (_, seq) => entry(seq));
        const model = new Map<Entry, number>();
        let lastSeq = count;
        const firstBy = (now: number): Entry | undefined =>
          [...model]
            .filter(([, at]) => at <= now)
            .sort(([a, at], [b, bt]) => at - bt || a.record.seq - b.record.seq)[0]?.[0];
        const take = (now: number): void => {
          const first = firstBy(now);
          expect(heap.take(now)?.record.seq).toBe(first?.record.seq);
          if (first) model.delete(first);
        };
        for (const { do: what, who, at } of steps) {
          const one = entries[who] ?? entry(count);
          // A message that goes to another mailbox is behind the others from then on.
          if (what === 'move') one.record.seq = ++lastSeq;
          if (what === 'set' || what === 'move') {
            heap.set(one, at);
            model.set(one, at);
          } else if (what === 'remove') {
            heap.remove(one);
            model.delete(one);
          } else {
            take(at);
          }
          expect(heap.first).toBe(Math.min(...model.values()));
        }
        for (let left = model.size; left >= 0; left--) take(3);
      }),
      { numRuns: 300 },
    );
  });
});
