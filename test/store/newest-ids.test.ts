import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewestIds } from '../../src/store/newest-ids.ts';

/** A table that shows what was put when it is told to. */
function createTable(ids: string[] = []) {
  const shown = new Set(ids);
  const looked: string[] = [];
  const newest = new NewestIds((kind) => {
    looked.push(kind);
    return [...shown]
      .filter((id) => id.startsWith(kind))
      .sort()
      .at(-1);
  });
  return { shown, looked, newest };
}

describe('the newest ids', () => {
  it('tell of an id behind all of its kind that it is new, after one look at the table', () => {
    const { newest, looked } = createTable(['msg_005', 'task_9']);
    expect(['msg_006', 'msg_0051', 'msg_9'].map((id) => newest.isNewer(id))).toEqual([true, true, true]);
    expect(looked).toEqual(['msg_']);
  });

  it('tell nothing of an id that is there, or comes in front of one that is', () => {
    const { newest } = createTable(['msg_005']);
    expect(['msg_005', 'msg_004', 'msg'].map((id) => newest.isNewer(id))).toEqual([false, false, false]);
  });

  it('know what is put and not yet to be seen, whoever asked first', () => {
    const { newest } = createTable();
    newest.add('msg_007');
    expect(newest.isNewer('msg_007')).toBe(false);
    expect(newest.isNewer('task_1')).toBe(true);
    newest.add('task_1');
    expect(newest.isNewer('task_1')).toBe(false);
  });

  it('look for ids of so many kinds only', () => {
    const { newest, looked } = createTable();
    for (let kind = 0; kind < 10_000; kind++) newest.add(String(10_000 + kind));
    for (let kind = 0; kind < 10_000; kind++) expect(newest.isNewer(String(10_000 + kind))).toBe(false);
    expect(looked.length).toBeLessThanOrEqual(256);
  });

  it('never call an id new that was put, in whatever order ids are put, shown, and asked for', () => {
    const id = fc.stringMatching(/^[ab_]{1,6}$/);
    const step = fc.tuple(fc.constantFrom('put', 'show', 'ask'), id);
    fc.assert(
      fc.property(fc.array(id), fc.array(step, { maxLength: 60 }), (before, steps) => {
        const { newest, shown } = createTable(before);
        const put = new Set(before);
        for (const [what, one] of steps) {
          if (what === 'show') for (const known of put) shown.add(known);
          else if (what === 'ask') expect(newest.isNewer(one) && put.has(one)).toBe(false);
          else {
            newest.add(one);
            put.add(one);
          }
        }
        for (const known of put) expect(newest.isNewer(known)).toBe(false);
      }),
    );
  });
});
