import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openTestBus } from '../http/test-bus.ts';
import { ManualClock } from '../support/manual-clock.ts';

const fault = new Error('unreadable');

/** What of the store cannot be read. */
const damages: Record<string, (store: Store) => Partial<Store>> = {
  'a key': ({ keys }) => ({
    keys: { put: (record) => keys.put(record), remove: (id) => keys.remove(id), all: () => Promise.reject(fault) },
  }),
  'a later session': ({ sessions }) => ({
    sessions: {
      append: (...given) => sessions.append(...given),
      remove: (id) => sessions.remove(id),
      sessionIds: () => sessions.sessionIds(),
      read: (id, ...rest) => (id.endsWith('later') ? Promise.reject(fault) : sessions.read(id, ...rest)),
    },
  }),
};

describe('a bus whose store', () => {
  it.each(Object.keys(damages))('cannot read %s is not opened, and leaves no timer behind', async (part) => {
    const store = createMemoryStore();
    const earlier = await openTestBus([], { store });
    for (const sessionId of ['sooner', 'later']) {
      earlier.sessions.createSession({ sessionId });
      await earlier.sessions.settled(sessionId);
    }
    await earlier.close();
    const clock = new ManualClock();
    const failing = openTestBus([], { store: { ...store, ...damages[part]?.(store) }, clock });
    await expect(failing).rejects.toBe(fault);
    expect(clock.pending).toBe(0);
    await store.close();
  });
});
