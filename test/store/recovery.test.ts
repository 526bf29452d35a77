// What an LMDB store is after a crash: the files as they lay on disk at that moment, opened again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Consumer, LedgerEntry, MailboxEvents, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { damageRecords } from '../support/damage.ts';
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

/** A program that opens the file, reads, says so, and stays. */
const holdOpen = `
  const db = require('lmdb').open({ path: process.argv[1], noSubdir: true, encoding: 'binary', maxDbs: 16 });
  db.get('format');
  console.log('open');
  setInterval(() => db.get('format'), 1000);
`;

describe('after a crash', () => {
  const clock = new ManualClock();
  const opened: Store[] = [];
  let root: string;
  let images = 0;

  beforeEach(() => {
    root = temporaryFolder();
    images = 0;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  const openStore = (folder = join(root, 'live')): Store => {
    const store = openLmdbStore({ folder, clock, random: () => 0 });
    opened.push(store);
    return store;
  };
  /** Another store on the bytes that are on disk right now. */
  const crash = (folder = join(root, 'live')): Store => {
    const image = join(root, `image${images++}`);
    mkdirSync(image);
    // In this order: the journal may be newer than the tables, never older.
    copyFileSync(join(folder, 'bus.mdb'), join(image, 'bus.mdb'));
    cpSync(join(folder, 'journal'), join(image, 'journal'), { recursive: true });
    return openStore(image);
  };
  const message = (id: string, more: Partial<NewMessage> = {}): NewMessage => {
    const bytes = Buffer.from(`{"message_id":"${id}","padding":"${'x'.repeat(500)}"}`);
    return newMessage(id, { mailbox: box, acceptedAt: clock.now(), bytes, ...more });
  };
  /** The only file of the journal. */
  const journalFile = (folder = join(root, 'live')): string => {
    const [name, ...more] = readdirSync(join(folder, 'journal'));
    expect(more).toEqual([]);
    return join(folder, 'journal', name ?? '');
  };
  const damage = (text: string): void => {
    const file = readFileSync(journalFile());
    const at = file.indexOf(text);
    expect(at).toBeGreaterThan(0);
    file.write('?', at);
    writeFileSync(journalFile(), file);
  };
  const takeIds = async (store: Store, max = 10) =>
    (await store.mailboxes.take(box, max, lease, consumer)).map((offer) => offer.messageId);
  /** Commits until what was written before lies in the tables only. */
  const fillReplayWindow = async (store: Store, inEach: (block: number) => Promise<void> = async () => undefined) => {
    for (let block = 0; block < 70; block++) {
      const bytes = Buffer.alloc(100_000, 'x');
      await store.mailboxes.enqueue(message(`busy${block}`, { mailbox: 'codex://busy', bytes }));
      await inEach(block);
    }
  };
  const drain = async (store: Store): Promise<string[]> => {
    const seen: string[] = [];
    for (let taken = await takeIds(store, 64); taken.length > 0; taken = await takeIds(store, 64)) {
      seen.push(...taken);
      await store.mailboxes.ack(box, taken);
    }
    return seen;
  };

  it('everything that was accepted is queued, byte for byte and in order', async () => {
    const store = openStore();
    await Promise.all(['a', 'b', 'c'].map((id) => store.mailboxes.enqueue(message(id))));
    const after = crash();
    expect(after.mailboxes.stats(box)).toEqual({ queued: 3, inFlight: 0 });
    const offers = await after.mailboxes.take(box, 10, lease, consumer);
    expect(offers.map((offer) => offer.bytes.toString())).toEqual(
      ['a', 'b', 'c'].map((id) => message(id).bytes.toString()),
    );
  });

  it('what was acked is not offered again and its id is still known', async () => {
    const store = openStore();
    await Promise.all(['a', 'b'].map((id) => store.mailboxes.enqueue(message(id))));
    await takeIds(store);
    await store.mailboxes.ack(box, ['a']);
    const after = crash();
    expect(await takeIds(after)).toEqual(['b']);
    expect(await after.mailboxes.enqueue(message('a'))).toMatchObject({
      outcome: 'known',
      entry: { status: 'acknowledged' },
    });
  });

  it('what was accepted after a clean stop and a new start is there as well, also after commits that carried no mail', async () => {
    let store = openStore();
    await store.mailboxes.enqueue(message('first'));
    for (let i = 0; i < 5; i++)
      await store.agents.put(`codex://${i}`, { descriptor: { agent_id: `codex://${i}`, capabilities: [] } });
    await store.close();
    store = openStore();
    const ids = Array.from({ length: 8 }, (_, index) => `later${index}`);
    for (const id of ids) await store.mailboxes.enqueue(message(id));
    const after = crash();
    expect(await takeIds(after)).toEqual(['first', ...ids]);
    await after.mailboxes.ack(box, ['first', ...ids.slice(0, 4)]);
    const again = crash(join(root, 'image0'));
    expect(await takeIds(again)).toEqual(ids.slice(4));
  });

  it('an ack is not forgotten when the tables take over what came before it', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await takeIds(store);
    // The tables show `a` as offered from here on.
    await store.mailboxes.deadLetters(undefined, 1);
    await fillReplayWindow(store, async (segment) => {
      if (segment === 10) await store.mailboxes.ack(box, ['a']);
    });
    const after = crash();
    expect(await after.mailboxes.find('a')).toMatchObject({ status: 'acknowledged' });
    expect(await takeIds(after)).toEqual([]);
  });

  it('what was accepted after everything older was purged is there', async () => {
    const store = openLmdbStore({
      folder: join(root, 'live'),
      clock,
      random: () => 0,
      limits: { retentionMs: 60_000 },
    });
    opened.push(store);
    for (let i = 0; i < 3; i++) {
      await store.mailboxes.enqueue(message(`old${i}`));
      await takeIds(store);
      await store.mailboxes.ack(box, [`old${i}`]);
    }
    await store.mailboxes.deadLetters(undefined, 1);
    for (let i = 0; i < 50; i++) {
      clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await store.close();
    const next = openStore();
    for (let i = 0; i < 5; i++) await next.mailboxes.enqueue(message(`new${i}`));
    expect(await takeIds(crash())).toEqual(['new0', 'new1', 'new2', 'new3', 'new4']);
  });

  it('what had been offered is offered again with a higher attempt, and that counts as no failure', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a', { retry: { maxRetries: 0, backoff: 'linear' } }));
    await takeIds(store);
    const after = crash();
    const [offer] = await after.mailboxes.take(box, 1, lease, consumer);
    expect(offer).toMatchObject({ messageId: 'a', attempt: 2 });
    expect((await after.mailboxes.find('a'))?.attempts).toMatchObject([
      { outcome: 'interrupted' },
      { outcome: 'open' },
    ]);
  });

  it('a lease that was open at a clean stop has ended: its message is offered, and nobody can give it back', async () => {
    const before = openStore();
    await before.mailboxes.enqueue(message('a', { retry: { maxRetries: 0, backoff: 'linear' } }));
    await takeIds(before);
    await before.close();
    const store = openStore();
    expect(await store.mailboxes.nack(box, 'a', {})).toBeUndefined();
    expect(store.mailboxes.extend(box, 'a', lease)).toBe(false);
    expect(store.mailboxes.stats(box)).toEqual({ queued: 1, inFlight: 0 });
    expect(await store.mailboxes.take(box, 1, lease, consumer)).toMatchObject([{ messageId: 'a', attempt: 2 }]);
    expect(store.mailboxes.stats(box)).toEqual({ queued: 0, inFlight: 1 });
    const outcomes = [{ outcome: 'interrupted' }, { outcome: 'open' }];
    expect((await store.mailboxes.find('a'))?.attempts).toMatchObject(outcomes);
    await store.mailboxes.enqueue(message('b'));
    expect((await crash().mailboxes.find('a'))?.attempts).toMatchObject([
      { outcome: 'interrupted' },
      { outcome: 'interrupted' },
    ]);
  });

  it('a backlog far larger than the replay window is complete, in order and counted, crash after crash', async () => {
    const count = 12_000;
    let store = openStore();
    for (let start = 0; start < count; start += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => store.mailboxes.enqueue(message(`m${start + index}`))),
      );
    }
    const expected = Array.from({ length: count }, (_, index) => `m${index}`);
    const first = await takeIds(store, 50);
    await store.mailboxes.ack(box, first);
    store = crash();
    expect(store.mailboxes.stats(box)).toEqual({ queued: count - 50, inFlight: 0 });
    const second = await takeIds(store, 1_000);
    await store.mailboxes.ack(box, second);
    const third = crash(join(root, 'image0'));
    expect(third.mailboxes.stats(box)).toEqual({ queued: count - 1_050, inFlight: 0 });
    expect([...first, ...second, ...(await drain(third))]).toEqual(expected);
    expect(third.mailboxes.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    const fourth = crash(join(root, 'image1'));
    expect(await takeIds(fourth)).toEqual([]);
    expect(await fourth.mailboxes.find('m7777')).toMatchObject({ status: 'acknowledged' });
  });

  it('the attempts that were left out are counted, in the tables as in the journal', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    for (let round = 0; round < 60; round++) {
      await takeIds(store);
      store.mailboxes.release(consumer.connectionId);
    }
    // Waits for the commit of this turn.
    await store.agents.put(box, { descriptor: { agent_id: box, capabilities: [] } });
    const before = { ...(await store.mailboxes.find('a')) };
    expect(before.attemptsLeftOut).toBe(5);
    const replayed = crash();
    await store.close();
    for (const after of [replayed, openStore()]) {
      expect(await after.mailboxes.find('a')).toEqual(before);
      expect(await after.mailboxes.take(box, 1, lease, consumer)).toMatchObject([{ attempt: 61 }]);
    }
  });

  it('a message in backoff waits on, and comes when its time has come', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await takeIds(store);
    await store.mailboxes.nack(box, 'a', { delayMs: 5_000 });
    const after = crash();
    expect(await takeIds(after)).toEqual([]);
    clock.advance(5_000);
    expect(await takeIds(after)).toEqual(['a']);
  });

  it('cold messages expire as well, and are reported', async () => {
    const store = openStore();
    for (let index = 0; index < 100; index++)
      await store.mailboxes.enqueue(message(`m${index}`, { deadline: clock.now() + 1_000 }));
    const after = crash();
    const reported: string[] = [];
    after.mailboxes.listen({ ...silent, exhausted: (entry) => reported.push(entry.messageId) });
    clock.advance(2_000);
    expect(reported.sort()).toEqual(Array.from({ length: 100 }, (_, index) => `m${index}`).sort());
    expect(await takeIds(after)).toEqual([]);
  });

  it('a cold message expires also behind a crowd of expired ones that are leased', async () => {
    const store = openStore();
    const reported: string[] = [];
    store.mailboxes.listen({ ...silent, exhausted: (entry) => reported.push(entry.messageId) });
    const deadline = clock.now() + 1_000;
    const crowd = Array.from({ length: 1_000 }, (_, index) =>
      store.mailboxes.enqueue(message(`m${index}`, { deadline })),
    );
    await Promise.all(crowd);
    for (let left = 1_000; left > 0; ) left -= (await store.mailboxes.take(box, left, 3_600_000, consumer)).length;
    await store.mailboxes.enqueue(message('cold', { mailbox: 'codex://other', deadline: deadline + 1_000 }));
    // All of them are in the tables from here on.
    await store.mailboxes.deadLetters(undefined, 1);
    clock.advance(5_000);
    expect(reported).toEqual(['cold']);
  });

  it('an open lease that is older than the replay window ends all the same', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a', { retry: { maxRetries: 0, backoff: 'linear' } }));
    await takeIds(store);
    // The tables show `a` as offered from here on.
    await store.mailboxes.deadLetters(undefined, 1);
    await fillReplayWindow(store);
    const after = crash();
    expect(await after.mailboxes.take(box, 1, lease, consumer)).toMatchObject([{ messageId: 'a', attempt: 2 }]);
    expect((await after.mailboxes.find('a'))?.attempts).toMatchObject([
      { outcome: 'interrupted' },
      { outcome: 'open' },
    ]);
  });

  it('a message that nobody had decided on is reported again', async () => {
    const store = openStore();
    store.mailboxes.listen(silent);
    await store.mailboxes.enqueue(message('a'));
    await takeIds(store);
    await store.mailboxes.nack(box, 'a', { giveUp: true });
    for (const folder of [join(root, 'live'), join(root, 'image0')]) {
      const after = crash(folder);
      const reported: LedgerEntry[] = [];
      after.mailboxes.listen({ ...silent, exhausted: (entry) => reported.push(entry) });
      expect(reported).toMatchObject([{ messageId: 'a', status: 'queued' }]);
      await after.close();
    }
  });

  it('dead letters, redriven and discarded ones are as they were', async () => {
    const store = openStore();
    await Promise.all(['a', 'b', 'c'].map((id) => store.mailboxes.enqueue(message(id))));
    for (const id of ['a', 'b', 'c']) await store.mailboxes.bury(id, 'unwanted');
    await store.mailboxes.redrive('b', clock.now() + 1_000);
    await store.mailboxes.discard('c');
    const after = crash();
    expect((await after.mailboxes.deadLetters(undefined, 10)).items.map((entry) => entry.messageId)).toEqual(['a']);
    expect(await takeIds(after)).toEqual(['b']);
    expect(await after.mailboxes.find('c')).toBeUndefined();
  });

  it('a dead letter that is about to be forgotten is sent again for good, or not at all', async () => {
    const store = openLmdbStore({ folder: join(root, 'live'), clock, limits: { retentionMs: 60_000 } });
    opened.push(store);
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.bury('a', 'unwanted');
    await store.mailboxes.deadLetters(undefined, 1);
    clock.advance(70_000);
    // Its purge waits for the commit of this turn.
    const isRedriven = await store.mailboxes.redrive('a', clock.now() + 300_000);
    expect(await takeIds(crash())).toEqual(isRedriven ? ['a'] : []);
    expect(await takeIds(store)).toEqual(isRedriven ? ['a'] : []);
    // Its id is free, in that turn already.
    expect((await store.mailboxes.enqueue(message('a'))).outcome).toBe(isRedriven ? 'known' : 'stored');
  });

  it('a postponed message comes in its time also where the tables took it over with its acceptance', async () => {
    const store = openStore();
    const stored = store.mailboxes.enqueue(message('a', { deliverAt: clock.now() + 5_000 }));
    // Everything there is goes to the tables, in the commit of this turn.
    await Promise.all([stored, store.mailboxes.deadLetters(undefined, 1)]);
    const after = crash();
    const mail: string[] = [];
    after.mailboxes.listen({ ...silent, mail: (mailbox) => mail.push(mailbox) });
    clock.advance(5_000);
    expect(mail).toEqual([box]);
    expect(await takeIds(after)).toEqual(['a']);
  });

  it('a rerouted message is in its new mailbox only', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.reroute('a', {
      mailbox: 'codex://spare',
      facts: { sender: 'x://y', messageType: 'status_update', routedBy: 'test' },
    });
    const after = crash();
    expect(after.mailboxes.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    expect(after.mailboxes.stats('codex://spare')).toEqual({ queued: 1, inFlight: 0 });
    expect(await takeIds(after)).toEqual([]);
  });

  it('a rerouted message is acked by nobody in whose mailbox it was not offered, at once and after it went to the tables', async () => {
    const facts = { sender: 'x://y', messageType: 'status_update' };
    const before = openStore();
    await before.mailboxes.enqueue(message('a', { mailbox: 'codex://away' }));
    await before.mailboxes.take('codex://away', 1, lease, { ...consumer, agentId: 'codex://away' });
    await before.mailboxes.reroute('a', { mailbox: box, facts });
    expect(await crash().mailboxes.ack(box, ['a'])).toEqual([undefined]);
    await before.close();
    const after = openStore();
    expect(await after.mailboxes.ack(box, ['a'])).toEqual([undefined]);
    expect(await takeIds(after)).toEqual(['a']);
    expect(await after.mailboxes.ack(box, ['a'])).toEqual(['acknowledged']);
  });

  it('a rerouted message is the envelope that it was rerouted with, at once and after it went to the tables', async () => {
    let store = openStore();
    const bytes = Buffer.from(`{"message_id":"a","detour":"${'y'.repeat(900)}"}`);
    const detour = { mailbox: box, facts: { sender: 'x://y', messageType: 'status_update' }, bytes };
    await store.mailboxes.enqueue(message('a', { mailbox: 'codex://away' }));
    await store.mailboxes.enqueue(message('b', { mailbox: 'codex://away' }));
    await store.mailboxes.reroute('a', detour);
    expect((await crash().mailboxes.take(box, 1, lease, consumer))[0]?.bytes.equals(bytes)).toBe(true);
    // A clean stop writes the tables; what is moved then has rows of the size that it had.
    await store.close();
    store = openStore();
    await store.mailboxes.reroute('b', { ...detour, bytes: Buffer.alloc(2_000, 'z') });
    await store.close();
    const limits = { maxMailboxBytes: bytes.length + 2_000 };
    store = openLmdbStore({ folder: join(root, 'live'), clock, limits });
    opened.push(store);
    const offers = await store.mailboxes.take(box, 9, lease, consumer);
    expect(offers.map((offer) => offer.bytes.length)).toEqual([bytes.length, 2_000]);
    await expect(store.mailboxes.enqueue(message('c'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
    await store.mailboxes.ack(box, ['b']);
    await store.mailboxes.enqueue(message('c'));
    expect(() => store.mailboxes.assertRoom(box, 2_000 - message('c').bytes.length)).not.toThrow();
    expect(() => store.mailboxes.assertRoom(box, 2_001 - message('c').bytes.length)).toThrow();
    expect(() => store.mailboxes.assertRoom('codex://away', bytes.length + 2_000)).not.toThrow();
  });

  it('a rerouted message outlives the retention of the journal that its envelope came in', async () => {
    const week = 7 * 86_400_000;
    let store = openStore();
    const bytes = Buffer.from('{"message_id":"a","detour":true}');
    const facts = { sender: 'x://y', messageType: 'status_update' };
    await store.mailboxes.enqueue(message('a', { mailbox: 'codex://away', deadline: clock.now() + 3 * week }));
    await store.mailboxes.reroute('a', { mailbox: box, facts, bytes });
    await store.close();
    store = openStore();
    clock.advance(2 * week);
    await store.agents.put(box, { descriptor: { agent_id: box, capabilities: [] } });
    expect((await store.mailboxes.take(box, 1, lease, consumer))[0]?.bytes.equals(bytes)).toBe(true);
  });

  it('a postponed message is as it was: not due before its time, then in its place', async () => {
    const store = openStore();
    const now = clock.now();
    for (const [id, ms] of [
      ['b', 2_000],
      ['a', 1_000],
      ['c', 3_000],
    ] as const) {
      await store.mailboxes.enqueue(message(id, { deliverAt: now + ms }));
    }
    const early = crash();
    clock.advance(999);
    expect(await takeIds(early)).toEqual([]);
    clock.advance(1_010);
    await early.mailboxes.enqueue(message('d'));
    // What has fallen due has its place on disk.
    const late = crash(join(root, 'image0'));
    clock.advance(1_000);
    expect(await takeIds(late)).toEqual(['a', 'b', 'd', 'c']);
  });

  it('however many are postponed, each comes at its time, in their order, and none that was cancelled', async () => {
    const many = 3_000;
    let store = openStore();
    const now = clock.now();
    for (let start = 0; start < many; start += 500) {
      const ids = Array.from({ length: 500 }, (_, index) => start + index);
      await Promise.all(
        ids.map((n) => store.mailboxes.enqueue(message(`m${n}`, { deliverAt: now + 60_000 + (n % 7) * 1_000 }))),
      );
    }
    // A third of them is cancelled: they are not in the way of the others.
    for (let n = 0; n < many; n += 3) void store.mailboxes.bury(`m${n}`, 'task cancelled');
    await store.close();
    store = openStore();
    await store.mailboxes.enqueue(message('first'));
    expect(await takeIds(store)).toEqual(['first']);
    expect(store.mailboxes.stats(box)).toEqual({ queued: many - many / 3, inFlight: 1 });
    await store.mailboxes.ack(box, ['first']);
    clock.advance(59_000);
    expect(await takeIds(store)).toEqual([]);
    clock.advance(2_000);
    await store.mailboxes.enqueue(message('between'));
    for (let second = 0; second < 10; second++) {
      clock.advance(1_000);
      await store.agents.put(box, { descriptor: { agent_id: box, capabilities: [] } });
    }
    const seen = await drain(store);
    const left = Array.from({ length: many }, (_, n) => n).filter((n) => n % 3 !== 0);
    const expected = left.toSorted((a, b) => (a % 7) - (b % 7)).map((n) => `m${n}`);
    expect(new Set(seen)).toEqual(new Set([...expected, 'between']));
    expect(seen.length).toBe(expected.length + 1);
    const place = seen.indexOf('between');
    expect(seen.slice(0, place).every((id) => expected.indexOf(id) < 600)).toBe(true);
    expect(seen.filter((id) => id !== 'between').map((id) => Number(id.slice(1)) % 7)).toEqual(
      expected.map((id) => Number(id.slice(1)) % 7),
    );
  });

  it('the copies of a broadcast are there with the record of its id, or none of it', async () => {
    const store = openStore();
    const copies = Array.from({ length: 200 }, (_, n) => message(`c${n}`, { bytes: Buffer.alloc(20_000, 'x') }));
    await store.mailboxes.enqueue(message('before'));
    const enqueued = store.mailboxes.enqueueCopies(message('b1', { mailbox: 'x://y#broadcast' }), copies);
    const early = crash();
    expect([early.mailboxes.knows('b1'), early.mailboxes.stats(box).queued]).toEqual([false, 1]);
    await enqueued;
    const after = crash();
    expect(await after.mailboxes.find('b1')).toMatchObject({ status: 'acknowledged' });
    expect(await drain(after)).toEqual(['before', ...copies.map(({ messageId }) => messageId)]);
  });

  it('session events and agents are there', async () => {
    const store = openStore();
    const event = (id: number): SessionEvent => ({
      id: String(id),
      type: 'step_completed',
      session_id: 'sess_1',
      at: '2025-02-02T11:00:00.000Z',
      data: { step: `step ${id}` },
    });
    await store.sessions.append('sess_1', 0, [event(1), event(2)]);
    await store.sessions.append('sess_1', 2, [event(3)]);
    await store.sessions.append('sess_2', 0, [event(1)]);
    await expect(store.sessions.append('sess_1', 2, [event(3)])).rejects.toMatchObject({ code: 'VERSION_MISMATCH' });
    await store.agents.put(box, { descriptor: { agent_id: box, capabilities: ['x'] } });
    const after = crash();
    expect(await after.sessions.sessionIds()).toEqual(['sess_1', 'sess_2']);
    expect(await after.sessions.read('sess_1', 1, 10)).toEqual([event(2), event(3)]);
    expect(await after.agents.all()).toEqual([[box, { descriptor: { agent_id: box, capabilities: ['x'] } }]]);
    await expect(after.sessions.append('sess_1', 0, [event(1)])).rejects.toMatchObject({ code: 'VERSION_MISMATCH' });
    // After a refusal a session is read before it is appended to again.
    expect(await after.sessions.read('sess_1', 0, 10)).toHaveLength(3);
    // Removed while an append is still on its way: nothing of the session is left behind.
    await Promise.all([after.sessions.append('sess_1', 3, [event(4)]), after.sessions.remove('sess_1')]);
    expect(await after.sessions.read('sess_1', 0, 10)).toEqual([]);
    expect(await after.sessions.sessionIds()).toEqual(['sess_2']);
  });

  it('keys are there, those that were removed are not', async () => {
    const store = openStore();
    const secrets = [{ hash: 'a1', hint: 'abw_Zk3q', createdAt: 1 }];
    const key = (keyId: string) => ({ keyId, workspaceId: 'team-a', scopes: ['send' as const], createdAt: 1, secrets });
    await Promise.all([store.keys.put(key('key_1')), store.keys.put(key('key_2'))]);
    expect(await crash().keys.all()).toEqual([key('key_1'), key('key_2')]);
    await store.keys.remove('key_1');
    expect(await crash().keys.all()).toEqual([key('key_2')]);
  });

  it('a damaged envelope is reported by its id and never offered', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('good1'));
    await store.mailboxes.enqueue(message('bad', { bytes: Buffer.from('{"message_id":"bad","mark":"DAMAGE-ME"}') }));
    await store.mailboxes.enqueue(message('good2'));
    await store.close();
    damage('DAMAGE-ME');
    const after = openStore();
    const reported: string[] = [];
    after.mailboxes.listen({
      ...silent,
      exhausted: (entry, reason) => reported.push(`${entry.messageId}: ${reason}`),
    });
    expect(await takeIds(after)).toEqual(['good1', 'good2']);
    expect(reported).toEqual(['bad: damaged']);
  });

  describe('with damaged records', () => {
    const damage = (...ids: string[]) => damageRecords(join(root, 'live'), ...ids);
    const listenTo = (store: Store) => {
      const heard: string[] = [];
      store.mailboxes.listen({
        ...silent,
        exhausted: (entry, reason) => heard.push(`${entry.messageId}: ${reason}`),
        damaged: (id, error) => heard.push(`${id}: ${error.code}`),
      });
      return heard;
    };
    const many = ['a', 'b', 'c'];

    it('a damaged one that nobody had decided on is reported by its id, and the others as ever', async () => {
      const store = openStore();
      await Promise.all(many.map((id) => store.mailboxes.enqueue(message(id))));
      await takeIds(store);
      for (const id of many) await store.mailboxes.nack(box, id, { giveUp: true });
      await store.close();
      await damage('b');
      const after = openStore();
      expect(listenTo(after).sort()).toEqual(['a: given up: nacked', 'b: STORE_UNREADABLE', 'c: given up: nacked']);
      await expect(after.mailboxes.find('b')).rejects.toMatchObject({ code: 'STORE_UNREADABLE' });
    });

    it('a damaged dead letter is listed by its id, and the others as ever', async () => {
      const store = openStore();
      await Promise.all(many.map((id) => store.mailboxes.enqueue(message(id))));
      for (const id of many) await store.mailboxes.bury(id, 'unwanted');
      await store.close();
      await damage('b');
      const after = openStore();
      const heard = listenTo(after);
      const { items, damaged } = await after.mailboxes.deadLetters(undefined, 10);
      expect(items.map((entry) => entry.messageId)).toEqual(['a', 'c']);
      expect(damaged).toEqual(['b']);
      await after.mailboxes.deadLetters(undefined, 10);
      expect(heard).toEqual(['b: STORE_UNREADABLE']);
    });

    it('a damaged message in a mailbox is reported by its id, and the others are offered, acked and expire', async () => {
      const store = openStore();
      await Promise.all(many.map((id) => store.mailboxes.enqueue(message(id))));
      await store.close();
      await damage('b');
      const after = openStore();
      const heard = listenTo(after);
      expect(await takeIds(after)).toEqual(['a', 'c']);
      expect(heard).toEqual(['b: STORE_UNREADABLE']);
      expect(await after.mailboxes.ack(box, ['a', 'b'])).toEqual(['acknowledged', undefined]);
      clock.advance(lease);
      clock.advance(600_000);
      expect(heard).toEqual(['b: STORE_UNREADABLE', 'c: expired']);
    });

    it('a damaged record of an old segment is kept, and what is old beside it is purged', async () => {
      const store = openStore();
      await Promise.all(many.map((id) => store.mailboxes.enqueue(message(id))));
      await takeIds(store);
      await store.mailboxes.ack(box, many);
      await store.close();
      await damage('b');
      const after = openStore();
      const heard = listenTo(after);
      for (let day = 0; day < 9; day++) {
        clock.advance(86_400_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(heard).toEqual(['b: STORE_UNREADABLE']);
    });
  });

  it('a journal without its tables, and tables without their journal, are refused', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.close();
    const parted = ['bus.mdb', 'journal'].map((part) => {
      const folder = join(root, `without ${part}`);
      cpSync(join(root, 'live'), folder, { recursive: true });
      rmSync(join(folder, part), { recursive: true });
      return folder;
    });
    for (const folder of parted) {
      const isRefused = () =>
        expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'STORE_UNREADABLE' }));
      isRefused();
      // Nor is it taken for good the second time, once the first has let go of it.
      await vi.waitFor(isRefused);
    }
    expect(await takeIds(openStore())).toEqual(['a']);
  });

  it('damage in the part of the journal that is replayed is refused', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a', { bytes: Buffer.from('{"message_id":"a","mark":"DAMAGE-ME"}') }));
    await store.mailboxes.enqueue(message('b'));
    damage('DAMAGE-ME');
    expect(() => crash()).toThrow(expect.objectContaining({ code: 'STORE_UNREADABLE' }));
  });

  it('a message under the id of one that was discarded is there, though the tables still show the other', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.bury('a', 'unwanted');
    await store.mailboxes.deadLetters(undefined, 1);
    const discarded = store.mailboxes.discard('a');
    const bytes = Buffer.from('{"message_id":"a","another":true}');
    expect(await store.mailboxes.enqueue(message('a', { bytes }))).toMatchObject({ outcome: 'stored' });
    const after = crash();
    expect(await after.mailboxes.take(box, 1, lease, consumer)).toMatchObject([{ messageId: 'a', attempt: 1, bytes }]);
    expect((await after.mailboxes.deadLetters(undefined, 10)).items).toEqual([]);
    expect(await discarded).toBe(true);
  });

  it('a discarded message is gone, whether or not the tables had been told', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.bury('a', 'unwanted');
    await store.mailboxes.deadLetters(undefined, 1);
    const discarded = store.mailboxes.discard('a');
    // In the turn in which the journal has it.
    await store.agents.put(box, { descriptor: { agent_id: box, capabilities: [] } });
    const images = [crash()];
    expect(await discarded).toBe(true);
    images.push(crash());
    for (const after of images) {
      expect(await after.mailboxes.find('a')).toBeUndefined();
      expect((await after.mailboxes.deadLetters(undefined, 10)).items).toEqual([]);
      expect((await after.mailboxes.enqueue(message('a'))).outcome).toBe('stored');
    }
  });

  it('an unknown format is refused', async () => {
    await openStore().close();
    const raw = open({ path: join(root, 'live', 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
    await raw.put('format', Buffer.from('999'));
    await raw.close();
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_UNREADABLE' }));
  });

  it('a file that is no store is refused and left as it is', () => {
    const path = join(root, 'live', 'bus.mdb');
    mkdirSync(join(root, 'live'));
    writeFileSync(path, 'mine'.repeat(3_000));
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_UNREADABLE' }));
    expect(readFileSync(path, 'utf8')).toBe('mine'.repeat(3_000));
  });

  it('a store that is being copied may be opened; a mark that an earlier backup left hides no bus', async () => {
    await openStore().close();
    const path = join(root, 'live', 'bus.mdb');
    const holder = spawn(process.execPath, ['-e', holdOpen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    writeFileSync(`${path}-backup-${holder.pid}`, '');
    writeFileSync(`${path}-backup-${process.pid}`, '');
    writeFileSync(`${path}-backup-999999999`, '');
    const store = openStore();
    expect(readdirSync(join(root, 'live')).filter((name) => name.includes('backup'))).toEqual([
      `bus.mdb-backup-${holder.pid}`,
    ]);
    await store.close();
    rmSync(`${path}-backup-${holder.pid}`);
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
  });

  it('a store that is open is not opened again, neither by this process nor by another', async () => {
    const store = openStore();
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
    await store.close();
    const holder = spawn(process.execPath, ['-e', holdOpen, join(root, 'live', 'bus.mdb')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await openStore().close();
  });

  it('the files are for their owner only', async () => {
    const store = openStore();
    expect(statSync(join(root, 'live')).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'live', 'bus.mdb')).mode & 0o777).toBe(0o600);
    await store.mailboxes.enqueue(message('a'));
    expect(statSync(join(root, 'live', 'journal')).mode & 0o777).toBe(0o700);
    expect(statSync(journalFile()).mode & 0o777).toBe(0o600);
  });
});
