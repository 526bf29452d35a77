import { describe, expect, it, onTestFinished } from 'vitest';
import type { AuditRecord } from '../../src/ports/audit-log.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { damageRows } from '../support/damage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const end = Number.MAX_SAFE_INTEGER;
const record = (at: number): AuditRecord => ({ at, action: 'refused', actor: `agent ${at}`, workspace_id: 'default' });

function newFolder(): string {
  const folder = temporaryFolder();
  return folder;
}

function closedAtTheEnd(store: Store): Store {
  onTestFinished(() => store.close());
  return store;
}

const placesIn = async ({ audit }: Store, before = end, limit = 100) =>
  (await audit.readBefore(before, limit)).map(({ place }) => place);

describe.each([
  ['memory', () => closedAtTheEnd(createMemoryStore())],
  ['lmdb', () => closedAtTheEnd(openLmdbStore({ folder: newFolder() }))],
])('the audit log of the %s store', (_name, open) => {
  it('is empty at first', async () => {
    const { audit } = open();
    expect(await audit.readBefore(end, 10)).toEqual([]);
    expect(await audit.trim(end, 0, 10)).toBe(0);
  });

  it('shows what was appended, newest first, also what nobody waited for', async () => {
    const { audit } = open();
    void audit.append(record(1));
    await audit.append(record(2));
    void audit.append(record(3));
    expect(await audit.readBefore(end, 10)).toEqual([
      { place: 3, record: record(3) },
      { place: 2, record: record(2) },
      { place: 1, record: record(1) },
    ]);
  });

  it('is read in pages', async () => {
    const store = open();
    for (let at = 1; at <= 5; at++) void store.audit.append(record(at));
    expect(await placesIn(store, end, 2)).toEqual([5, 4]);
    expect(await placesIn(store, 4, 2)).toEqual([3, 2]);
    expect(await placesIn(store, 2, 2)).toEqual([1]);
    expect(await placesIn(store, 1, 2)).toEqual([]);
    expect(await placesIn(store, 0, 2)).toEqual([]);
  });

  it('forgets what is old, in steps, and gives no place twice', async () => {
    const store = open();
    for (let at = 1; at <= 6; at++) await store.audit.append(record(at));
    expect(await store.audit.trim(4, 100, 2)).toBe(2);
    expect(await store.audit.trim(4, 100, 2)).toBe(1);
    expect(await store.audit.trim(4, 100, 2)).toBe(0);
    expect(await placesIn(store)).toEqual([6, 5, 4]);
    await store.audit.append(record(7));
    expect(await placesIn(store)).toEqual([7, 6, 5, 4]);
    expect(await placesIn(store, 5)).toEqual([4]);
  });

  it('forgets what is too much, but never the last', async () => {
    const store = open();
    for (let at = 1; at <= 6; at++) await store.audit.append(record(at));
    expect(await store.audit.trim(0, 4, 100)).toBe(2);
    expect(await placesIn(store)).toEqual([6, 5, 4, 3]);
    expect(await store.audit.trim(end, 0, 100)).toBe(3);
    expect(await placesIn(store)).toEqual([6]);
  });
});

describe('the audit log on disk', () => {
  it('is there after a restart, and goes on behind its last place', async () => {
    const folder = newFolder();
    const before = openLmdbStore({ folder });
    for (let at = 1; at <= 3; at++) await before.audit.append(record(at));
    await before.audit.trim(end, 0, 100);
    await before.close();
    const after = closedAtTheEnd(openLmdbStore({ folder }));
    await after.audit.append(record(4));
    expect(await placesIn(after)).toEqual([4, 3]);
  });

  it.each([
    ['in the clear', undefined],
    ['encrypted', [Buffer.alloc(32, 7)]],
  ])(
    'leaves out an entry that was damaged, tells of it once, and forgets it like the others (%s)',
    async (_how, encryptionKeys) => {
      const folder = newFolder();
      const before = openLmdbStore({ folder, encryptionKeys });
      for (let at = 1; at <= 6; at++) await before.audit.append(record(at));
      await before.close();
      await damageRows(folder, 'audit', [2, 5]);
      const after = closedAtTheEnd(openLmdbStore({ folder, encryptionKeys }));
      const told: string[] = [];
      after.audit.listen((error) => told.push(`${error.code}: ${error.message}`));
      expect(await placesIn(after, end, 3)).toEqual([6, 4, 3]);
      expect(await placesIn(after, 3, 3)).toEqual([1]);
      expect(await placesIn(after)).toEqual([6, 4, 3, 1]);
      expect(told).toEqual([
        expect.stringMatching(/^STORE_UNREADABLE: .*5.* damaged/),
        expect.stringMatching(/^STORE_UNREADABLE: .*2.* damaged/),
      ]);
      expect(await after.audit.trim(4, 100, 100)).toBe(3);
      expect(await after.audit.trim(6, 100, 100)).toBe(2);
      expect(await placesIn(after)).toEqual([6]);
      expect(told).toHaveLength(2);
    },
  );
});
