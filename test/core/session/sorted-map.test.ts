import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { first, get, remove, type SortedMap, set, values } from '../../../src/core/session/sorted-map.ts';

const key = fc.integer({ min: 0, max: 300 }).map((number) => `k${number}`);
const change = fc.record({ key, value: fc.option(fc.integer(), { nil: undefined }) });

function depth(map: SortedMap<unknown>): number {
  return map ? 1 + Math.max(depth(map.left), depth(map.right)) : 0;
}

describe('a sorted map', () => {
  it('agrees with a Map after any sequence of changes, and every older version stays as it was', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), key, (changes, bound) => {
        let map: SortedMap<number>;
        const model = new Map<string, number>();
        const versions: [SortedMap<number>, number[]][] = [];
        for (const { key, value } of changes) {
          map = value === undefined ? remove(map, key) : set(map, key, value);
          if (value === undefined) model.delete(key);
          else model.set(key, value);
          const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
          versions.push([map, sorted.map(([, value]) => value)]);
          expect(get(map, key)).toBe(value);
          expect(first(map)?.key).toBe(sorted[0]?.[0]);
          expect(map?.size ?? 0).toBe(model.size);
        }
        for (const [version, expected] of versions) expect([...values(version)]).toEqual(expected);
        const above = [...model].filter(([key]) => key > bound).sort(([a], [b]) => (a < b ? -1 : 1));
        expect([...values(map, bound)]).toEqual(above.map(([, value]) => value));
      }),
      { numRuns: 60 },
    );
  });

  it('stays flat when keys come in order and leave in order', () => {
    let map: SortedMap<number>;
    const keyOf = (i: number) => String(i).padStart(6, '0');
    for (let i = 0; i < 20_000; i++) map = set(map, keyOf(i), i);
    expect(depth(map)).toBeLessThan(36);
    for (let i = 0; i < 19_000; i++) map = remove(map, keyOf(i));
    expect([...values(map)].length).toBe(1000);
    expect(depth(map)).toBeLessThan(25);
  });
});
