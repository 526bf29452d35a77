// What the journal says, what the tables show and what is in memory tell the same, whatever happens in between.
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, MailboxEvents, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { openJournalDisk } from '../../src/store/journal-disk.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { createLmdbStore, openLmdbStore } from '../../src/store/lmdb.ts';
import { openEnvironment } from '../../src/store/lmdb-environment.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const box = 'opencode://backend';
const consumer: Consumer = { agentId: box, door: 'websocket', connectionId: 'conn_1' };
const lease = 30_000;
const silent: MailboxEvents = {
  mail: () => undefined,
  retried: () => undefined,
  exhausted: () => undefined,
  damaged: () => undefined,
};

let root: string;
let clock: ManualClock;
let opened: Store[];
beforeEach(() => {
  root = temporaryFolder();
  clock = new ManualClock();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
});

type Options = Partial<Parameters<typeof openLmdbStore>[0]>;

function openStore(options: Options = {}, events: Partial<MailboxEvents> = {}): Store {
  const store = openLmdbStore({ folder: join(root, 'live'), clock, random: () => 0, ...options });
  opened.push(store);
  store.mailboxes.listen({ ...silent, ...events });
  return store;
}

const message = (id: string, more: Partial<NewMessage> = {}): NewMessage =>
  newMessage(id, { mailbox: box, acceptedAt: clock.now(), bytes: Buffer.from(`{"message_id":"${id}"}`), ...more });

const takeIds = async (store: Store): Promise<string[]> =>
  (await store.mailboxes.take(box, 10, lease, consumer)).map(({ messageId }) => messageId);

describe('a store', () => {
  it('reads its mail back from a journal file whose making was cut off at the last start', async () => {
    await openStore().close();
    writeFileSync(join(root, 'live', 'journal', '00000001.log'), '');
    const damaged: string[] = [];
    const store = openStore({}, { exhausted: ({ messageId }) => damaged.push(messageId) });
    const accepted = store.mailboxes.enqueue(message('a'));
    // On offer before it is flushed: its bytes are let go of.
    expect(await takeIds(store)).toEqual(['a']);
    await accepted;
    store.mailboxes.release(consumer.connectionId);
    const [again] = await store.mailboxes.take(box, 1, lease, consumer);
    expect(again?.bytes.toString()).toBe(message('a').bytes.toString());
    expect(damaged).toEqual([]);
  });

  it('reads what is durable while a transaction that has it is on its way', async () => {
    const store = openStore();
    const event = (id: number) =>
      ({ id: String(id), session_id: 's', at: '', type: 'x', data: {} }) as never as SessionEvent;
    for (let version = 0; version < 20; version++) {
      await store.sessions.append('s', version, [event(version + 1)]);
      const first = store.sessions.read('s', version, 10);
      await turn();
      await turn();
      const second = await store.sessions.read('s', version, 10);
      expect([(await first).length, second.length]).toEqual([1, 1]);
    }
  });

  it('counts no message any more that was discarded before its death came to the tables, also after a restart', async () => {
    const limits = { maxMailboxMessages: 1 };
    const before = openStore({ limits });
    await before.mailboxes.enqueue(message('a'));
    await before.close();
    const store = openStore({ limits });
    expect(await store.mailboxes.bury('a', 'unwanted')).toBe(true);
    expect(await store.mailboxes.discard('a')).toBe(true);
    await store.close();
    const after = openStore({ limits });
    expect(after.mailboxes.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    expect((await after.mailboxes.enqueue(message('b'))).outcome).toBe('stored');
    expect(await takeIds(after)).toEqual(['b']);
  });

  it('counts no message any more that was discarded before a crash', async () => {
    const before = openStore();
    await before.mailboxes.enqueue(message('a'));
    await before.close();
    const store = openStore();
    await store.mailboxes.bury('a', 'unwanted');
    // The tables do not hear of it.
    void store.mailboxes.discard('a');
    await store.mailboxes.enqueue(message('b'));
    let after = openStore({ folder: image('crashed') });
    expect(after.mailboxes.stats(box)).toEqual({ queued: 1, inFlight: 0 });
    await after.close();
    after = openStore({ folder: join(root, 'crashed') });
    expect(after.mailboxes.stats(box)).toEqual({ queued: 1, inFlight: 0 });
    expect(await takeIds(after)).toEqual(['b']);
  });

  it('offers what else is there when a message that waited for its time is held over a restart', async () => {
    const start = clock.now();
    const before = openStore();
    await before.mailboxes.enqueue(message('late', { deliverAt: start + 1_000, deadline: start + 2_000 }));
    await before.mailboxes.enqueue(message('plain', { deadline: start + 3_600_000 }));
    await before.close();
    clock.advance(5_000);
    const held = openStore();
    clock.advance(100);
    await turn();
    // Nobody has decided on it.
    await held.close();
    const store = openStore();
    expect(await takeIds(store)).toEqual(['plain']);
    store.mailboxes.release(consumer.connectionId);
    await store.mailboxes.bury('late', 'expired');
    await store.close();
    const after = openStore();
    expect(after.mailboxes.stats(box)).toEqual({ queued: 1, inFlight: 0 });
    expect(await takeIds(after)).toEqual(['plain']);
  });

  it('opens again after a change of the key before anything was journaled', async () => {
    const [old, young] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    await openStore({ encryptionKeys: [old] }).close();
    const changing = openLmdbStore({ folder: join(root, 'live'), encryptionKeys: [young, old] });
    expect(await changing.reencrypted).toBe(true);
    await changing.close();
    const store = openStore({ encryptionKeys: [young] });
    expect((await store.mailboxes.enqueue(message('a'))).outcome).toBe('stored');
  });

  it('keeps a message whose id was free again when the crash came before the removal of the first one', async () => {
    const folder = join(root, 'live');
    const environment = openEnvironment(folder);
    let isStuck = false;
    const transact: typeof environment.transact = (writes) =>
      isStuck ? new Promise(() => undefined) : environment.transact(writes);
    const store = createLmdbStore({ ...environment, transact }, openJournalDisk(join(folder, 'journal')), {
      clock,
      random: () => 0,
      limits: { ...defaultLimits, retentionMs: 10_000 },
      isFull: () => false,
    });
    await store.mailboxes.enqueue(message('a', { bytes: Buffer.from('{"old":1}') }));
    await takeIds(store);
    await store.mailboxes.ack(box, ['a']);
    await store.mailboxes.deadLetters(undefined, 1);
    clock.advance(9_000);
    isStuck = true;
    clock.advance(3_000);
    expect(await store.mailboxes.enqueue(message('a', { bytes: Buffer.from('{"new":1}') }))).toMatchObject({
      outcome: 'stored',
    });
    const after = openStore({ folder: image('crashed') });
    expect(await after.mailboxes.find('a')).toMatchObject({ status: 'queued', bytes: Buffer.from('{"new":1}') });
    expect(await takeIds(after)).toEqual(['a']);
    await after.close();
    await environment.close();
  });
});

/** What is on disk right now, in another folder. */
function image(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  // In this order: the journal may be newer than the tables, never older.
  copyFileSync(join(root, 'live', 'bus.mdb'), join(folder, 'bus.mdb'));
  cpSync(join(root, 'live', 'journal'), join(folder, 'journal'), { recursive: true });
  return folder;
}
