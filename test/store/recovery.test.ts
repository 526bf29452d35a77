// What an LMDB store is after a crash: the file as it lay on disk at that moment, opened again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, LedgerEntry, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { ManualClock } from '../support/manual-clock.ts';

const box = 'opencode://backend';
const consumer: Consumer = { agentId: box, door: 'websocket', connectionId: 'conn_1' };
const lease = 30_000;

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
    root = mkdtempSync(join(tmpdir(), 'agent-bus-'));
    images = 0;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    rmSync(root, { recursive: true, force: true });
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
    copyFileSync(join(folder, 'bus.mdb'), join(image, 'bus.mdb'));
    return openStore(image);
  };
  const message = (messageId: string, more: Partial<NewMessage> = {}): NewMessage => ({
    messageId,
    mailbox: box,
    priority: 'medium',
    acceptedAt: clock.now(),
    deadline: clock.now() + 300_000,
    retry: { maxRetries: 3, backoff: 'linear' },
    facts: { sender: 'claude-code://orchestrator', messageType: 'status_update' },
    bytes: Buffer.from(`{"message_id":"${messageId}","padding":"${'x'.repeat(500)}"}`),
    ...more,
  });
  const takeIds = async (store: Store, max = 10) =>
    (await store.mailboxes.take(box, max, lease, consumer)).map((offer) => offer.messageId);
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
    const other = { ...consumer, agentId: 'codex://busy', connectionId: 'conn_2' };
    await store.mailboxes.enqueue(message('a'));
    await takeIds(store);
    // The tables show `a` as offered from here on.
    await store.mailboxes.deadLetters(undefined, 1);
    await store.mailboxes.enqueue(message('busy', { mailbox: other.agentId }));
    for (let segment = 0; segment < 70; segment++) {
      await store.mailboxes.take(other.agentId, 1, lease, other);
      store.mailboxes.release(other.connectionId);
      if (segment === 10) await store.mailboxes.ack(box, ['a']);
      // Waits for the commit of this turn.
      await store.agents.put(box, { descriptor: { agent_id: box, capabilities: [] } });
    }
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

  it('an open lease counts as an attempt, not as a failure', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a', { retry: { maxRetries: 0, backoff: 'linear' } }));
    await takeIds(store);
    await store.mailboxes.enqueue(message('b'));
    const after = crash();
    const [offer] = await after.mailboxes.take(box, 1, lease, consumer);
    expect(offer).toMatchObject({ messageId: 'a', attempt: 2 });
    expect((await after.mailboxes.find('a'))?.attempts).toMatchObject([
      { outcome: 'interrupted' },
      { outcome: 'open' },
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
    after.mailboxes.listen({ mail: () => undefined, exhausted: (entry) => reported.push(entry.messageId) });
    clock.advance(2_000);
    expect(reported.sort()).toEqual(Array.from({ length: 100 }, (_, index) => `m${index}`).sort());
    expect(await takeIds(after)).toEqual([]);
  });

  it('a message that nobody had decided on is reported again', async () => {
    const store = openStore();
    store.mailboxes.listen({ mail: () => undefined, exhausted: () => undefined });
    await store.mailboxes.enqueue(message('a'));
    await takeIds(store);
    await store.mailboxes.nack(box, 'a', { giveUp: true });
    for (const folder of [join(root, 'live'), join(root, 'image0')]) {
      const after = crash(folder);
      const reported: LedgerEntry[] = [];
      after.mailboxes.listen({ mail: () => undefined, exhausted: (entry) => reported.push(entry) });
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

  it('a rerouted message is in its new mailbox only', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.reroute('a', 'codex://spare', {
      sender: 'x://y',
      messageType: 'status_update',
      routedBy: 'test',
    });
    const after = crash();
    expect(after.mailboxes.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    expect(after.mailboxes.stats('codex://spare')).toEqual({ queued: 1, inFlight: 0 });
    expect(await takeIds(after)).toEqual([]);
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

  it('a damaged envelope is reported by its id and never offered', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('good1'));
    await store.mailboxes.enqueue(message('bad', { bytes: Buffer.from('{"message_id":"bad","mark":"DAMAGE-ME"}') }));
    await store.mailboxes.enqueue(message('good2'));
    await store.close();
    const path = join(root, 'live', 'bus.mdb');
    const file = readFileSync(path);
    for (let at = file.indexOf('DAMAGE-ME'); at >= 0; at = file.indexOf('DAMAGE-ME', at + 1))
      file.write('damaged!!', at);
    writeFileSync(path, file);
    const after = openStore();
    const reported: string[] = [];
    after.mailboxes.listen({
      mail: () => undefined,
      exhausted: (entry, reason) => reported.push(`${entry.messageId}: ${reason}`),
    });
    expect(await takeIds(after)).toEqual(['good1', 'good2']);
    expect(reported).toEqual(['bad: damaged']);
  });

  it('an unknown format is refused', async () => {
    await openStore().close();
    const raw = open({ path: join(root, 'live', 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
    await raw.put('format', Buffer.from('999'));
    await raw.close();
    expect(() => openStore()).toThrow(expect.objectContaining({ code: 'STORE_UNREADABLE' }));
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
    openStore();
    expect(statSync(join(root, 'live')).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'live', 'bus.mdb')).mode & 0o777).toBe(0o600);
  });
});
