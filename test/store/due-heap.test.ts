import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueHeap } from '../../src/store/due-heap.ts';
import { Entry } from '../../src/store/entry.ts';
import { newMessage } from '../support/new-message.ts';

const entry = (id: string): Entry => Entry.accept(newMessage(id), 1, 0);

describe('the heap of what is due', () => {
  it('gives out each message once, the earliest first, wherever it was moved meanwhile', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set'), who: fc.nat(19), at: fc.nat(50) }),
      fc.record({ do: fc.constant('remove'), who: fc.nat(19), at: fc.constant(0) }),
      fc.record({ do: fc.constant('take'), who: fc.constant(0), at: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new DueHeap();
        const entries = Array.from({ length: 20 }, (_, index) => entry(`m${index}`));
        const model = new Map<Entry, number>();
        for (const { do: what, who, at } of steps) {
          const one = entries[who] ?? entry('never');
          const first = Math.min(...model.values());
          if (what === 'set') {
            heap.set(one, at);
            model.set(one, at);
          } else if (what === 'remove') {
            heap.remove(one);
            model.delete(one);
          } else {
            const taken = heap.take(at);
            expect(taken && model.get(taken)).toBe(first <= at ? first : undefined);
            if (taken) model.delete(taken);
          }
          expect(heap.first).toBe(Math.min(...model.values()));
          expect(heap.size).toBe(model.size);
        }
      }),
    );
  });
});
