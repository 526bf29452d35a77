// What every key store must do; each adapter runs this suite.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../src/ports/key-store.ts';
import type { Store } from '../../src/ports/store.ts';

const record = (keyId: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  keyId,
  workspaceId: 'team-a',
  scopes: ['send'],
  createdAt: 1,
  secrets: [{ hash: 'a1', hint: 'abw_Zk3q', createdAt: 1 }],
  ...more,
});

export function keyContract(name: string, open: () => Promise<{ store: Store; dispose: () => Promise<void> }>) {
  describe(`${name} as a key store`, () => {
    let store: Store;
    let dispose: () => Promise<void>;

    beforeEach(async () => {
      ({ store, dispose } = await open());
    });
    afterEach(async () => {
      await store.close();
      await dispose();
    });

    it('is empty at first', async () => {
      expect(await store.keys.all()).toEqual([]);
    });

    it('has every key as it was put last, by their ids', async () => {
      await store.keys.put(record('key_1'));
      await store.keys.put(record('key_2', { userId: 'ünï', name: 'CI', expiresAt: 5 }));
      await store.keys.put(record('key_1', { scopes: ['send', 'admin'] }));
      const all = await store.keys.all();
      expect(all.toSorted((a, b) => a.keyId.localeCompare(b.keyId))).toEqual([
        record('key_1', { scopes: ['send', 'admin'] }),
        record('key_2', { userId: 'ünï', name: 'CI', expiresAt: 5 }),
      ]);
    });

    it('forgets a key that was removed, and takes the removal of one that is not there', async () => {
      await Promise.all([store.keys.put(record('key_1')), store.keys.put(record('key_2'))]);
      await Promise.all([store.keys.remove('key_1'), store.keys.remove('key_3')]);
      expect(await store.keys.all()).toEqual([record('key_2')]);
    });

    it('hands out and keeps copies', async () => {
      const scopes: KeyRecord['scopes'] & unknown[] = ['send'];
      await store.keys.put(record('key_1', { scopes }));
      scopes.push('admin');
      const [first] = await store.keys.all();
      if (first) first.keyId = 'changed';
      expect(await store.keys.all()).toEqual([record('key_1')]);
    });
  });
}
