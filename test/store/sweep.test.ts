// What is due comes in its time and order, also what is in the tables only.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, MailboxEvents, NewMessage } from '../../src/ports/mailbox-store.ts';
import { type LmdbStore, openLmdbStore } from '../../src/store/lmdb.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const box = 'opencode://backend';
const consumer: Consumer = { agentId: box, door: 'http', connectionId: 'conn_1' };
const minute = 60_000;

let clock: ManualClock;
let folder: string;
let store: LmdbStore;
let expired: string[];
let rung: number;
beforeEach(() => {
  clock = new ManualClock();
  folder = temporaryFolder();
  open();
});
afterEach(() => store.close());

function open(): void {
  expired = [];
  rung = 0;
  store = openLmdbStore({ folder, clock });
  const events: MailboxEvents = {
    mail: () => rung++,
    retried: () => undefined,
    exhausted: ({ messageId }) => expired.push(messageId),
    damaged: () => undefined,
  };
  store.mailboxes.listen(events);
}

const enqueue = (id: string, more: Partial<NewMessage> = {}) =>
  store.mailboxes.enqueue(newMessage(id, { mailbox: box, acceptedAt: clock.now(), ...more }));

/** What waits is in the tables only from here on. */
const cool = () => store.mailboxes.deadLetters(undefined, 1);

/** Time passes, and what was started by it is flushed. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    clock.advance(ms / 20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await cool();
}

describe('when the clock is set back', () => {
  it('a deadline that comes a second time is kept for what was sent in between', async () => {
    await enqueue('before', { deadline: clock.now() + minute });
    await cool();
    await pass(2 * minute);
    expect(expired).toEqual(['before']);
    clock.setBack(2 * minute);
    // Something that wakes the store before it is in the tables.
    await enqueue('waking', { deadline: clock.now() + 1_000 });
    await pass(2_000);
    await enqueue('after', { deadline: clock.now() + 20_000 });
    await cool();
    await pass(10 * minute);
    expect(expired).toEqual(['before', 'waking', 'after']);
  });

  it('a postponed message comes in its time, also where that comes a second time', async () => {
    await enqueue('before', { deliverAt: clock.now() + minute });
    await cool();
    await pass(2 * minute);
    clock.setBack(2 * minute);
    await enqueue('waking', { deadline: clock.now() + 1_000 });
    await pass(2_000);
    await enqueue('after', { deliverAt: clock.now() + 20_000 });
    await cool();
    const before = rung;
    await pass(minute);
    expect(rung).toBe(before + 1);
    const offers = await store.mailboxes.take(box, 10, 30_000, consumer);
    expect(offers.map(({ messageId }) => messageId)).toEqual(['before', 'after']);
  });
});

describe('many that fall due at one instant', () => {
  it('come in the order of their acceptance, however many are in the tables only', async () => {
    const deliverAt = clock.now() + minute;
    const ids = Array.from({ length: 1_000 }, (_, index) => `${(index * 7_919) % 1_000}`);
    await Promise.all(ids.map((id) => enqueue(id, { deliverAt })));
    await store.close();
    open();
    await pass(2 * minute);
    const seen: string[] = [];
    while (seen.length < ids.length) {
      const offers = await store.mailboxes.take(box, 100, 30_000, consumer);
      if (offers.length === 0) break;
      seen.push(...offers.map(({ messageId }) => messageId));
    }
    expect(seen).toEqual(ids);
  });
});
