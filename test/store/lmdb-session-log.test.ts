import { expect, it, onTestFinished } from 'vitest';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import type { Table } from '../../src/store/lmdb-environment.ts';
import type { LmdbRows } from '../../src/store/lmdb-rows.ts';
import { LmdbSessionLog } from '../../src/store/lmdb-session-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const event = (sessionId: string, id: number): SessionEvent => ({
  id: String(id),
  type: 'step_completed',
  session_id: sessionId,
  at: '2025-02-02T11:00:00.000Z',
  data: { step: `step ${id}` },
});

/** A log over a table that is empty, which says how often it was asked. */
function watchedLog() {
  let asked = 0;
  const getKeys = () => {
    asked++;
    return [];
  };
  const rows = { put: () => ({ done: Promise.resolve() }), complete: async () => undefined };
  const log = new LmdbSessionLog({ getKeys } as Partial<Table> as Table, rows as unknown as LmdbRows);
  return { log, asked: () => asked };
}

it('remembers nothing of a session that was removed: the table is asked again', async () => {
  const { log, asked } = watchedLog();
  await log.append('sess_1', 0, [event('sess_1', 1)]);
  expect(asked()).toBe(1);
  await log.remove('sess_1');
  await log.remove('sess_2');
  const before = asked();
  await expect
    .poll(async () => {
      await log.append('sess_1', 1, []).catch(() => undefined);
      return asked();
    })
    .toBeGreaterThan(before);
  await log.append('sess_2', 0, []);
  expect(asked()).toBe(before + 2);
});

it('takes a session anew in the turn in which it is removed, and any time after', async () => {
  const store = openLmdbStore({ folder: temporaryFolder() });
  onTestFinished(() => store.close());
  const { sessions } = store;
  for (let round = 0; round < 20; round++) {
    const appended = sessions.append('sess_1', 0, [event('sess_1', 1), event('sess_1', 2)]);
    const removed = sessions.remove('sess_1');
    const again = sessions.append('sess_1', 0, [event('sess_1', 1)]);
    await Promise.all([appended, removed, again]);
    if (round % 2 > 0) expect(await sessions.read('sess_1', 0, 10)).toHaveLength(1);
    await sessions.remove('sess_1');
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await sessions.sessionIds()).toEqual([]);
});
