// An encrypted store: nothing of what was sent is on disk, nothing opens without the key, nothing can be moved.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Consumer, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { Journal } from '../../src/store/journal.ts';
import { JournalCipher } from '../../src/store/journal-cipher.ts';
import { openJournalDisk } from '../../src/store/journal-disk.ts';
import { KeyRing } from '../../src/store/key-ring.ts';
import { type LmdbStore, openLmdbStore } from '../../src/store/lmdb.ts';
import { RecordCipher } from '../../src/store/record-cipher.ts';
import { damageRecords, damageRows } from '../support/damage.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const oldKey = Buffer.alloc(32, 'old');
const newKey = Buffer.alloc(32, 'new');
const box = 'opencode://backend';
const consumer: Consumer = { agentId: box, door: 'http', connectionId: 'conn_1' };
const canary = 'CANARY-7f3a';

let root: string;
let live: string;
let opened: LmdbStore[];
beforeEach(() => {
  root = temporaryFolder();
  live = join(root, 'live');
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
});

interface Opening {
  keys?: Buffer[];
  folder?: string;
  onReencryption?: () => void;
  clock?: ManualClock;
}

function openStore({ keys = [oldKey], folder = live, onReencryption, clock }: Opening = {}): LmdbStore {
  const encryptionKeys = keys.length > 0 ? keys : undefined;
  const more = clock ? { clock } : {};
  const store = openLmdbStore({ folder, encryptionKeys, journalFileBytes: 64_000, onReencryption, ...more });
  opened.push(store);
  return store;
}

/** The files are let go of a little later. */
const reopened = (opening?: Opening) => vi.waitFor(() => openStore(opening));

/** The files as they are on disk right now, in a folder of their own. */
function image(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  // In this order: the journal may be newer than the tables, never older.
  copyFileSync(join(live, 'bus.mdb'), join(folder, 'bus.mdb'));
  cpSync(join(live, 'journal'), join(folder, 'journal'), { recursive: true });
  return folder;
}

const message = (id: string, more: Partial<NewMessage> = {}): NewMessage =>
  newMessage(id, {
    mailbox: box,
    facts: { sender: 'claude-code://orchestrator', messageType: 'status_update', routedBy: `${canary}-facts` },
    bytes: Buffer.from(`{"payload":"${canary}-payload-${id}"}`),
    ...more,
  });

/** Something of everything that is stored. */
async function use({ mailboxes, sessions, agents, keys, audit }: LmdbStore, from = 0, count = 700): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `m${from + index}`);
  await Promise.all(ids.map((id) => mailboxes.enqueue(message(id))));
  const offers = await mailboxes.take(box, count - 20, 30_000, consumer);
  const taken = offers.map(({ messageId }) => messageId);
  await mailboxes.ack(box, taken.slice(10));
  const [rejected = '', moved = '', dead = ''] = taken;
  await mailboxes.nack(box, rejected, { delayMs: 60_000, reason: `${canary}-nack` });
  const bytes = Buffer.from(`{"payload":"${canary}-moved"}`);
  await mailboxes.reroute(moved, { mailbox: 'codex://other', facts: message(moved).facts, bytes });
  await mailboxes.bury(dead, `${canary}-death`);
  const event = (id: number): SessionEvent => ({
    id: String(id),
    type: 'context_updated',
    session_id: `s${from}`,
    at: '2025-02-02T11:00:00.000Z',
    data: { mode: 'merge', context: { secret: `${canary}-context` }, context_version: id },
  });
  await sessions.append(`s${from}`, 0, [event(1), event(2)]);
  const descriptor = { agent_id: box, capabilities: [`${canary}-capability`], metadata: { note: `${canary}-agent` } };
  await agents.put(box, { descriptor, tokens: [{ hash: `${canary}-hash` }] });
  const secrets = [{ hash: `${canary}-key-hash`, hint: `${canary}-hint`, createdAt: 1 }];
  const key = { name: `${canary}-key`, workspaceId: `${canary}-team`, scopes: [], createdAt: 1, secrets };
  await keys.put({ keyId: 'key_1', ...key });
  await audit.append({ at: 1, action: 'refused', actor: `${canary}-actor`, address: `${canary}-address` });
}

/** What is under one key only must be everything. */
async function expectAll(store: LmdbStore, from = 0, count = 700): Promise<void> {
  for (let index = 0; index < count; index++) {
    const entry = await store.mailboxes.find(`m${from + index}`);
    expect(entry?.bytes.toString()).toContain(canary);
  }
  expect(await store.sessions.read(`s${from}`, 0, 10)).toHaveLength(2);
  expect((await store.agents.all())[0]?.[1].tokens?.[0]?.hash).toBe(`${canary}-hash`);
  expect((await store.keys.all())[0]?.name).toBe(`${canary}-key`);
  expect((await store.audit.readBefore(2, 1))[0]?.record.actor).toBe(`${canary}-actor`);
}

/** Files that hold a text, as bytes of it or as base64. */
function filesWith(folder: string, ...texts: (string | Buffer)[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)));
}

const code = (name: string, text = /./) =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });

describe('on disk', () => {
  const secrets = [canary, oldKey, oldKey.toString('hex'), oldKey.toString('base64url')];

  it('is nothing of what was sent, at work, after a crash and after a stop', async () => {
    const store = openStore();
    await use(store);
    expect(filesWith(live, ...secrets)).toEqual([]);
    const crashed = image('crashed');
    await store.close();
    expect(filesWith(live, ...secrets)).toEqual([]);
    const after = openStore({ folder: crashed });
    await expectAll(after);
    await after.close();
    expect(filesWith(crashed, ...secrets)).toEqual([]);
  });

  it('is all of it without encryption, so that the search is shown to find it', async () => {
    const store = openStore({ keys: [] });
    await use(store);
    await store.close();
    expect(filesWith(live, ...secrets).length).toBeGreaterThan(1);
  });
});

describe('a key', () => {
  beforeEach(async () => {
    const store = openStore();
    await use(store);
    await store.close();
  });

  it('that is wrong opens nothing, and leaves everything as it was', async () => {
    expect(() => openStore({ keys: [newKey] })).toThrow(code('ENCRYPTION_KEY_WRONG', /under key [0-9a-f]{16}/));
    await expectAll(await reopened());
  });

  it('that is missing opens nothing', () => {
    expect(() => openStore({ keys: [] })).toThrow(code('ENCRYPTION_KEY_WRONG', /is encrypted; set encryptionEnabled/));
  });

  it('opens no store that is not encrypted', async () => {
    const folder = join(root, 'plain');
    await openStore({ keys: [], folder }).close();
    expect(() => openStore({ folder })).toThrow(code('STORE_NOT_ENCRYPTED'));
  });

  it('that one record alone is under is asked for, and the record is not taken for a torn write', async () => {
    const after = openStore({ keys: [newKey, oldKey] });
    await after.mailboxes.enqueue(message('late'));
    const crashed = image('mixed');
    await after.close();
    // Tables from before the change of the key, as in a backup that was begun earlier.
    const raw = open({ path: join(crashed, 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
    const content = Buffer.from(JSON.stringify([new KeyRing([oldKey]).primary.id]));
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(content));
    await raw.openDB({ name: 'marks', encoding: 'binary' }).put('keys', Buffer.concat([sum, content]));
    await raw.close();
    const files = () => readdirSync(join(crashed, 'journal')).length;
    const before = files();
    expect(() => openStore({ folder: crashed })).toThrow(code('ENCRYPTION_KEY_WRONG'));
    expect(files()).toBe(before);
    const both = await reopened({ folder: crashed, keys: [newKey, oldKey] });
    expect((await both.mailboxes.find('late'))?.bytes.toString()).toContain(canary);
  });
});

describe('a record', () => {
  async function exchange(table: string, one: string, other: string): Promise<void> {
    const raw = open({ path: join(live, 'bus.mdb'), noSubdir: true, encoding: 'binary', maxDbs: 16 });
    const rows = raw.openDB<Buffer, string>({ name: table, encoding: 'binary' });
    const [first, second] = [one, other].map((key) => Buffer.from(rows.get(key) ?? ''));
    await rows.put(one, second ?? Buffer.alloc(0));
    await rows.put(other, first ?? Buffer.alloc(0));
    await raw.close();
  }

  it('of which a bit was changed is reported by its id and never delivered', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.enqueue(message('b'));
    await store.close();
    await damageRecords(live, 'a');
    const after = openStore();
    const damaged: string[] = [];
    after.mailboxes.listen({
      mail: () => undefined,
      exhausted: () => undefined,
      retried: () => undefined,
      damaged: (id) => damaged.push(id),
    });
    const offers = await after.mailboxes.take(box, 10, 30_000, consumer);
    expect(offers.map(({ messageId }) => messageId)).toEqual(['b']);
    expect(damaged).toEqual(['a']);
  });

  it.each([
    ['the id of its key', 0],
    ['the salt of its data key', 5],
    ['its number', 17],
    ['its content', 30],
  ])('of which %s was changed is damaged, and no reason to ask for another key', async (_part, byte) => {
    const store = openStore();
    for (const id of ['a', 'b']) {
      await store.mailboxes.enqueue(message(id));
      await store.mailboxes.bury(id, 'unwanted');
    }
    await store.close();
    await damageRows(live, 'ledger', ['a'], byte);
    const after = openStore();
    await expect(after.mailboxes.find('a')).rejects.toThrow(code('STORE_UNREADABLE', /"a"/));
    const { items, damaged } = await after.mailboxes.deadLetters(undefined, 10);
    expect([items.map(({ messageId }) => messageId), damaged]).toEqual([['b'], ['a']]);
  });

  it('of a table cannot take the place of another', async () => {
    const store = openStore();
    await store.mailboxes.enqueue(message('a'));
    await store.mailboxes.enqueue(message('b'));
    await store.close();
    await exchange('ledger', 'a', 'b');
    const after = openStore();
    for (const id of ['a', 'b']) {
      await expect(after.mailboxes.find(id)).rejects.toThrow(code('STORE_UNREADABLE', new RegExp(`"${id}"`)));
    }
  });

  it('of the journal cannot take the place of another, and is not cut off as a torn write', async () => {
    const folder = join(root, 'journal');
    const openJournal = () => {
      const cipher = new JournalCipher(new RecordCipher(new KeyRing([oldKey]), 1));
      return new Journal(openJournalDisk(folder), 1, { cipher });
    };
    const journal = openJournal();
    expect([...journal.replay(0)]).toEqual([]);
    for (const id of ['a', 'b']) journal.row({ table: 'agents', key: id, value: Buffer.from(id) });
    await journal.flush();
    const path = join(folder, '00000001.log');
    const bytes = readFileSync(path);
    const length = (bytes.length - 32) / 2;
    const [first, second] = [bytes.subarray(32, 32 + length), bytes.subarray(32 + length)];
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 32), second, first]));
    expect(() => [...openJournal().replay(0)]).toThrow(code('STORE_UNREADABLE'));
    writeFileSync(path, bytes);
    const [block] = openJournal().replay(0);
    expect(block?.records.map(({ record }) => record.kind === 'row' && record.row.key)).toEqual(['a', 'b']);
  });

  it('is never sealed under the same key and number as another, in any run', () => {
    const labels = new Set<string>();
    for (let run = 0; run < 3; run++) {
      const cipher = new RecordCipher(new KeyRing([oldKey]), 1);
      for (let record = 0; record < 300; record++) {
        labels.add(cipher.seal(Buffer.from('same'), 'place').toString('hex', 0, 20));
      }
    }
    expect(labels.size).toBe(900);
  });

  it('of one store cannot be opened in another', () => {
    const ring = new KeyRing([oldKey]);
    const sealed = new RecordCipher(ring, 1).seal(Buffer.from('content'), 'place');
    expect(new RecordCipher(ring, 1).open(sealed, 'place').toString()).toBe('content');
    expect(() => new RecordCipher(ring, 2).open(sealed, 'place')).toThrow(code('STORE_UNREADABLE'));
  });
});

describe('a change of the key', () => {
  it('brings everything under the new one while mail flows, and loses nothing', async () => {
    const before = openStore();
    await use(before);
    await before.close();
    const store = openStore({ keys: [newKey, oldKey] });
    const using = use(store, 1_000);
    expect(await store.reencrypted).toBe(true);
    await using;
    await store.close();
    const modes = readdirSync(join(live, 'journal')).map((name) => statSync(join(live, 'journal', name)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));
    expect(() => openStore()).toThrow(code('ENCRYPTION_KEY_WRONG'));
    const after = await reopened({ keys: [newKey] });
    expect(after.reencrypted).toBeUndefined();
    await expectAll(after);
    await expectAll(after, 1_000);
  });

  it.each([1, 3, 5, 6, 7])(
    'that a crash or a stop interrupts after %i steps goes on at the next start',
    async (steps) => {
      const before = openStore();
      await use(before);
      await before.close();
      const keys = [newKey, oldKey];
      let left = steps;
      let crashed = '';
      const stopped = openStore({
        keys,
        onReencryption: () => {
          if (--left > 0 || crashed !== '') return;
          crashed = image('crashed');
          void stopped.close();
        },
      });
      expect(await stopped.reencrypted).toBe(false);
      await stopped.close();
      for (const folder of [live, crashed]) {
        expect(() => openStore({ folder, keys: [newKey] })).toThrow(code('ENCRYPTION_KEY_WRONG'));
        const resumed = await reopened({ folder, keys });
        expect(await resumed.reencrypted).toBe(true);
        await resumed.close();
        await expectAll(openStore({ folder, keys: [newKey] }));
      }
    },
  );

  it('appends nothing to a file that is about to be replaced, not even what a start has to record', async () => {
    const before = openStore();
    await before.mailboxes.enqueue(message('leased'));
    await before.mailboxes.take(box, 1, 30_000, consumer);
    const crashed = image('crashed');
    await before.close();
    const file = join(crashed, 'journal', '00000001.log');
    const { size } = statSync(file);
    const after = openStore({ folder: crashed, keys: [newKey, oldKey] });
    await after.mailboxes.enqueue(message('next'));
    expect(statSync(file).size).toBe(size);
    expect(await after.reencrypted).toBe(true);
    expect(readdirSync(join(crashed, 'journal'))).toEqual(['00000001.log', '00000002.log']);
  });

  it('brings nothing back that is removed from the audit log at that moment', async () => {
    const before = openStore();
    const many = 100;
    for (let at = 1; at <= many; at++) await before.audit.append({ at, action: 'refused', actor: 'a://b' });
    await before.close();
    const clock = new ManualClock();
    const store = openStore({ keys: [newKey, oldKey], clock });
    let isDone = false;
    const reencrypted = store.reencrypted?.finally(() => {
      isDone = true;
    });
    let forgotten = 0;
    while (!isDone) {
      const trimming = store.audit.trim(many, many, 1);
      // It stands in the next transaction by then, in front of the step that begins now.
      await null;
      clock.advance(5);
      forgotten += await trimming;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await reencrypted).toBe(true);
    expect(forgotten).toBeGreaterThan(4);
    expect(await store.audit.readBefore(many + 1, many)).toHaveLength(many - forgotten);
  });

  it('leaves a damaged record as it is, and the others can be read', async () => {
    let store = openStore();
    await use(store);
    await store.close();
    await damageRecords(live, 'm5');
    store = openStore({ keys: [newKey, oldKey] });
    expect(await store.reencrypted).toBe(true);
    await store.close();
    store = openStore({ keys: [newKey] });
    await expect(store.mailboxes.find('m5')).rejects.toThrow(code('STORE_UNREADABLE'));
    expect((await store.mailboxes.find('m6'))?.bytes.toString()).toContain(canary);
  });
});
