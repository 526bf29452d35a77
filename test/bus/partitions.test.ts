import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PartitionMailboxes } from '../../src/bus/partition-mailboxes.ts';
import { Partitions } from '../../src/bus/partitions.ts';
import { unscope } from '../../src/bus/workspace-names.ts';
import type { MailboxEvents, MailboxStore } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { mailboxContract } from '../store/mailbox-contract.ts';
import { newMessage } from '../support/new-message.ts';

/** A partition whose own listener hears what the store reports, as the bus arranges it. */
class Listening extends PartitionMailboxes {
  readonly #whole: MailboxStore;

  constructor(whole: MailboxStore, workspaceId: string) {
    super(whole, workspaceId);
    this.#whole = whole;
  }

  override listen(events: MailboxEvents): void {
    this.#whole.listen({
      mail: (stored) => events.mail(unscope(stored).name),
      retried: (entry) => events.retried(this.entryOf(entry)),
      exhausted: (entry, reason) => events.exhausted(this.entryOf(entry), reason),
      damaged: (id, error) => events.damaged(unscope(id).name, error),
    });
  }
}

const partOf = (store: Store, workspaceId: string): Store => ({
  ...store,
  onFailure: (listener) => store.onFailure(listener),
  close: () => store.close(),
  mailboxes: new Listening(store.mailboxes, workspaceId),
});

for (const workspaceId of ['default', 'workspace-dev']) {
  mailboxContract(`the part of the workspace ${workspaceId} of a memory store`, async (clock) => ({
    store: partOf(createMemoryStore({ clock, random: () => 0 }), workspaceId),
    dispose: async () => undefined,
  }));

  mailboxContract(`the part of the workspace ${workspaceId} of an LMDB store`, async (clock) => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-bus-'));
    return {
      store: partOf(openLmdbStore({ folder, clock, random: () => 0 }), workspaceId),
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    };
  });
}

describe('a store divided among workspaces', () => {
  const box = 'opencode://backend';
  let store: Store;
  let ours: MailboxStore;
  let theirs: MailboxStore;
  let plain: MailboxStore;

  beforeEach(async () => {
    store = createMemoryStore();
    const partitions = await Partitions.open(store);
    ours = partitions.of('ours').mailboxes;
    theirs = partitions.of('theirs').mailboxes;
    plain = partitions.of('default').mailboxes;
  });
  afterEach(() => store.close());

  const message = (text: string) => newMessage('m1', { mailbox: box, bytes: Buffer.from(text) });
  const consumer = { agentId: box, door: 'websocket', connectionId: 'c1' } as const;

  it('keeps equal names of different workspaces apart', async () => {
    for (const [mail, text] of [
      [ours, 'ours'],
      [theirs, 'theirs'],
      [plain, 'plain'],
    ] as const) {
      expect(await mail.enqueue(message(text))).toMatchObject({ outcome: 'stored' });
    }
    for (const [mail, text] of [
      [ours, 'ours'],
      [theirs, 'theirs'],
      [plain, 'plain'],
    ] as const) {
      const offers = await mail.take(box, 10, 30_000, consumer);
      expect(offers.map(({ messageId, bytes }) => [messageId, bytes.toString()])).toEqual([['m1', text]]);
    }
  });

  it('answers questions about what is elsewhere as about what is nowhere', async () => {
    await theirs.enqueue(message('theirs'));
    await theirs.take(box, 1, 30_000, consumer);
    for (const mail of [ours, plain]) {
      expect(mail.knows('m1')).toBe(false);
      expect(await mail.find('m1')).toBeUndefined();
      expect(await mail.ack(box, ['m1'])).toEqual([undefined]);
      expect(await mail.nack(box, 'm1', {})).toBeUndefined();
      expect(mail.extend(box, 'm1', 1_000)).toBe(false);
      expect(await mail.bury('m1', 'gone')).toBe(false);
      expect(await mail.discard('m1')).toBe(false);
      expect(await mail.redrive('m1', Date.now() + 1_000)).toBe(false);
      expect(mail.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    }
    expect(theirs.stats(box)).toEqual({ queued: 0, inFlight: 1 });
  });

  it('fills a page of dead letters though those of others lie between', async () => {
    for (let n = 0; n < 9; n++) {
      for (const mail of [ours, theirs, plain]) {
        await mail.enqueue({ ...message('text'), messageId: `m${n}` });
        await mail.bury(`m${n}`, 'given up');
      }
    }
    for (const mail of [ours, theirs, plain]) {
      const first = await mail.deadLetters(undefined, 5);
      const second = await mail.deadLetters(first.next, 5);
      const ids = [...first.items, ...second.items].map((entry) => `${entry.mailbox} ${entry.messageId}`);
      expect(first.items).toHaveLength(5);
      expect(ids).toEqual(Array.from({ length: 9 }, (_, n) => `${box} m${n}`));
    }
  });
  it('names the damaged dead letters of its own only', async () => {
    const damagedStore = (damaged: string[]): MailboxStore =>
      Object.assign(Object.create(store.mailboxes), { deadLetters: async () => ({ items: [], damaged }) });
    const listIn = (workspaceId: string, damaged: string[]) =>
      new PartitionMailboxes(damagedStore(damaged), workspaceId).deadLetters(undefined, 10);
    expect(await listIn('ours', ['m1', 'ours|m2', 'theirs|m3'])).toEqual({ items: [], damaged: ['m2'] });
    expect(await listIn('default', ['m1', 'ours|m2'])).toEqual({ items: [], damaged: ['m1'] });
    expect(await listIn('third', ['m1', 'ours|m2'])).toEqual({ items: [] });
  });

  it('takes no name that could be one of another workspace', async () => {
    await theirs.enqueue(message('theirs'));
    for (const mail of [ours, plain]) {
      expect(() => mail.knows('theirs|m1')).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
      await expect(mail.find('theirs|m1')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
      expect(() => mail.stats(`theirs|${box}`)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
    }
  });
});
