// How much a store keeps, and for how long: the same in memory and in LMDB.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import type { MailboxLimits } from '../../src/store/limits.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const box = 'opencode://backend';
const consumer = { agentId: box, door: 'http' as const, connectionId: 'conn_1' };
const minute = 60_000;
const day = 86_400_000;

let folder: string;
let clock: ManualClock;
let opened: Store[];
beforeEach(() => {
  folder = temporaryFolder();
  clock = new ManualClock();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
});

const message = (id: string, more: Partial<NewMessage> = {}): NewMessage => {
  const bytes = Buffer.from(`{"message_id":"${id}","padding":"${'x'.repeat(600)}"}`);
  return newMessage(id, { mailbox: box, acceptedAt: clock.now(), bytes, ...more });
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Time passes, and what was started by it is flushed. */
async function pass(store: Store, ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    clock.advance(ms / 20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.mailboxes.find('nothing');
}

async function deliver(store: Store, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => store.mailboxes.enqueue(message(id))));
  const taken = await store.mailboxes.take(box, ids.length, 30_000, consumer);
  await store.mailboxes.ack(
    box,
    taken.map((offer) => offer.messageId),
  );
}

const stores = {
  memory: (limits: Partial<MailboxLimits>) => createMemoryStore({ clock, limits }),
  lmdb: (limits: Partial<MailboxLimits>) => openLmdbStore({ folder, clock, limits }),
};

describe.each(Object.entries(stores))('%s', (_name, open) => {
  const openStore = (limits: Partial<MailboxLimits>): Store => {
    const store = open(limits);
    opened.push(store);
    return store;
  };

  it('refuses the message that a mailbox has no room for, by count, and takes it once there is room', async () => {
    const store = openStore({ maxMailboxMessages: 2 });
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.enqueue(message('b'));
    await expect(store.mailboxes.enqueue(message('c'))).rejects.toMatchObject({
      code: 'MAILBOX_FULL',
      retryable: true,
    });
    expect((await store.mailboxes.enqueue(message('d', { mailbox: 'codex://other' }))).outcome).toBe('stored');
    expect((await store.mailboxes.enqueue(message('a'))).outcome).toBe('known');
    await store.mailboxes.take(box, 1, 30_000, consumer);
    await store.mailboxes.ack(box, ['a']);
    expect((await store.mailboxes.enqueue(message('c'))).outcome).toBe('stored');
  });

  it('refuses the message that a mailbox has no room for, by bytes', async () => {
    const store = openStore({ maxMailboxBytes: 1_500 });
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.enqueue(message('b'));
    await expect(store.mailboxes.enqueue(message('c'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  });

  it('leaves a dead letter where it is while its mailbox has no room for it', async () => {
    const store = openStore({ maxMailboxMessages: 1 });
    await store.mailboxes.enqueue(message('dead'));
    await store.mailboxes.bury('dead', 'unwanted');
    await store.mailboxes.enqueue(message('a'));
    const later = clock.now() + 1_000;
    await expect(store.mailboxes.redrive('dead', later)).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
    expect((await store.mailboxes.deadLetters(undefined, 1)).items).toMatchObject([{ messageId: 'dead' }]);
    await store.mailboxes.take(box, 1, 30_000, consumer);
    await store.mailboxes.ack(box, ['a']);
    expect(await store.mailboxes.redrive('dead', later)).toBe(true);
  });

  it('tells of a death also where the mailbox is full', async () => {
    const store = openStore({ maxMailboxMessages: 1 });
    await store.mailboxes.enqueue(message('full', { mailbox: 'codex://sender' }));
    await store.mailboxes.enqueue(message('dying'));
    expect(await store.mailboxes.bury('dying', 'unwanted', () => message('told', { mailbox: 'codex://sender' }))).toBe(
      true,
    );
    expect(store.mailboxes.stats('codex://sender')).toEqual({ queued: 2, inFlight: 0 });
  });

  it('lets go of mail that ended while nobody took any', async () => {
    const store = openStore({});
    store.mailboxes.listen({
      mail: () => undefined,
      retried: () => undefined,
      exhausted: ({ messageId }, reason) => void store.mailboxes.bury(messageId, reason),
      damaged: () => undefined,
    });
    await store.mailboxes.enqueue(message('stays', { deadline: clock.now() + day }));
    const kept: WeakRef<Buffer>[] = [];
    const ids = Array.from({ length: 200 }, (_, index) => `m${index}`);
    for (const id of ids) {
      const expiring = message(id, { deadline: clock.now() + 1_000 });
      kept.push(new WeakRef(expiring.bytes));
      await store.mailboxes.enqueue(expiring);
    }
    await vi.waitFor(async () => {
      await pass(store, 1_000);
      expect(store.mailboxes.stats(box).queued).toBe(1);
    });
    for (const id of ids) await store.mailboxes.discard(id);
    await vi.waitFor(() => {
      collectGarbage();
      expect(kept.filter((bytes) => bytes.deref()).length).toBeLessThan(100);
    });
  });

  it('forgets what ended once its retention has passed, and nothing before', async () => {
    const store = openStore({ retentionMs: day });
    await deliver(store, ['a', 'b']);
    await store.mailboxes.enqueue(message('waiting', { deadline: clock.now() + 30 * day }));
    await store.mailboxes.enqueue(message('dead'));
    await store.mailboxes.bury('dead', 'unwanted');
    await pass(store, day - 120_000);
    expect(await store.mailboxes.find('a')).toMatchObject({ status: 'acknowledged' });
    await pass(store, day);
    expect(await store.mailboxes.find('waiting')).toMatchObject({ status: 'queued' });
    await vi.waitFor(async () => {
      await pass(store, minute);
      expect(await store.mailboxes.find('a')).toBeUndefined();
    });
    expect((await store.mailboxes.enqueue(message('b'))).outcome).toBe('stored');
  });

  it('forgets what ended after a time in which the clock was ahead', async () => {
    const store = openStore({ retentionMs: minute });
    const end = async (acked: string, died: string) => {
      await deliver(store, [acked]);
      await store.mailboxes.enqueue(message(died));
      await store.mailboxes.bury(died, 'unwanted');
    };
    await end('acked-ahead', 'died-ahead');
    clock.setBack(day);
    for (const number of [1, 2]) {
      const ids = [`acked-${number}`, `died-${number}`] as const;
      await end(...ids);
      await vi.waitFor(async () => {
        await pass(store, minute / 2);
        for (const id of ids) expect(await store.mailboxes.find(id)).toBeUndefined();
      });
    }
    expect(await store.mailboxes.find('died-ahead')).toMatchObject({ status: 'dead' });
  });
});

describe('lmdb on a disk', () => {
  const openStore = (reserveBytes: number, limits: Partial<MailboxLimits> = {}): Store => {
    const store = openLmdbStore({ folder, clock, reserveBytes, limits, journalFileBytes: 256 * 1024 });
    opened.push(store);
    return store;
  };

  it('takes no new mail below the reserve, and goes on acking and reading', async () => {
    const first = openStore(0);
    await first.mailboxes.enqueue(message('a'));
    await first.close();
    const store = openStore(Number.MAX_SAFE_INTEGER);
    await vi.waitFor(() => expect(() => store.mailboxes.assertRoom(box, 1)).toThrow());
    await expect(store.mailboxes.enqueue(message('b'))).rejects.toMatchObject({ code: 'STORE_FULL' });
    const [offer] = await store.mailboxes.take(box, 1, 30_000, consumer);
    expect(offer?.messageId).toBe('a');
    expect(await store.mailboxes.ack(box, ['a'])).toEqual(['acknowledged']);
  });

  it('redrives nothing below the reserve', async () => {
    const first = openStore(0);
    await first.mailboxes.enqueue(message('dead'));
    await first.mailboxes.bury('dead', 'unwanted');
    await first.close();
    const store = openStore(Number.MAX_SAFE_INTEGER);
    await vi.waitFor(() => expect(() => store.mailboxes.assertRoom(box, 1)).toThrow());
    await expect(store.mailboxes.redrive('dead', clock.now())).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(await store.mailboxes.find('dead')).toMatchObject({ status: 'dead' });
  });

  it('keeps nothing of what ended in any file, however quiet it is afterwards, and makes no further files', async () => {
    const store = openStore(0, { retentionMs: 60_000 });
    const journal = join(folder, 'journal');
    const texts = () => readdirSync(journal).map((name) => readFileSync(join(journal, name), 'latin1'));
    await deliver(store, ['secret-1', 'secret-2']);
    expect(texts().join('')).toContain('secret-1');
    await vi.waitFor(async () => {
      await pass(store, minute);
      expect(texts().join('')).not.toContain('secret');
    });
    const names = readdirSync(journal);
    for (let passes = 0; passes < 5; passes++) await pass(store, minute);
    expect(readdirSync(journal)).toEqual(names);
    expect((await store.mailboxes.enqueue(message('secret-1'))).outcome).toBe('stored');
  });

  it('stays as large as it is under a steady load that expires', async () => {
    const store = openStore(0, { retentionMs: 60_000 });
    const journal = join(folder, 'journal');
    const size = (): number => {
      const files = [join(folder, 'bus.mdb'), ...readdirSync(journal).map((name) => join(journal, name))];
      return files.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
    };
    const round = async (number: number): Promise<number> => {
      for (let batch = 0; batch < 6; batch++) {
        await deliver(
          store,
          Array.from({ length: 200 }, (_, index) => `r${number}_${batch}_${index}`),
        );
        await pass(store, 20_000);
      }
      return size();
    };
    for (let number = 0; number < 4; number++) await round(number);
    const settled = size();
    let last = 0;
    for (let number = 4; number < 12; number++) last = await round(number);
    expect(last).toBeLessThanOrEqual(settled * 1.5);
  });
});
