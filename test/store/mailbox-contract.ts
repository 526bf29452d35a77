// What every mailbox store must do; each adapter runs this suite.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, LedgerEntry, MailboxStore, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const box = 'opencode://backend';
const lease = 30_000;

export function mailboxContract(
  name: string,
  open: (clock: ManualClock) => Promise<{ store: Store; dispose: () => Promise<void> }>,
) {
  describe(`${name} as a mailbox store`, () => {
    const clock = new ManualClock();
    let store: Store;
    let mail: MailboxStore;
    let dispose: () => Promise<void>;
    let rung: string[];
    let exhausted: { entry: LedgerEntry; reason: string }[];

    beforeEach(async () => {
      ({ store, dispose } = await open(clock));
      mail = store.mailboxes;
      rung = [];
      exhausted = [];
      mail.listen({
        mail: (mailbox) => rung.push(mailbox),
        exhausted: (entry, reason) => exhausted.push({ entry, reason }),
      });
    });
    afterEach(async () => {
      await store.close();
      await dispose();
    });

    const consumer = (connectionId = 'conn_1'): Consumer => ({
      agentId: box,
      door: 'websocket',
      connectionId,
    });
    const message = (messageId: string, more: Partial<NewMessage> = {}): NewMessage => ({
      messageId,
      mailbox: box,
      priority: 'medium',
      acceptedAt: clock.now(),
      deadline: clock.now() + 300_000,
      retry: { maxRetries: 3, backoff: 'linear' },
      facts: {
        sender: 'claude-code://orchestrator',
        messageType: 'status_update',
      },
      bytes: Buffer.from(JSON.stringify({ message_id: messageId, text: 'ünï' })),
      ...more,
    });
    const ids = async (max = 10, connection = 'conn_1') =>
      (await mail.take(box, max, lease, consumer(connection))).map((offer) => offer.messageId);

    it('offers what was enqueued, byte for byte, once', async () => {
      const sent = message('m1');
      expect(await mail.enqueue(sent)).toEqual({
        outcome: 'stored',
        status: 'queued',
      });
      const [offer, ...rest] = await mail.take(box, 10, lease, consumer());
      expect(rest).toEqual([]);
      expect(offer).toMatchObject({
        messageId: 'm1',
        attempt: 1,
        leaseEndsAt: clock.now() + lease,
      });
      expect(offer?.bytes.equals(sent.bytes)).toBe(true);
      expect(await ids()).toEqual([]);
    });

    it('tells the listener about mail only when it can be taken', async () => {
      let takenInTime: Promise<string[]> | undefined;
      mail.listen({
        mail: () => {
          takenInTime = ids();
        },
        exhausted: () => undefined,
      });
      const outcome = await mail.enqueue(message('m1'));
      expect(await takenInTime).toEqual(['m1']);
      expect(outcome).toEqual({ outcome: 'stored', status: 'offered' });
    });

    it('offers nothing before it is durable', async () => {
      const enqueued = mail.enqueue(message('m1'));
      expect(await ids()).toEqual([]);
      await enqueued;
      expect(await ids()).toEqual(['m1']);
    });

    it('keeps the order of acceptance inside a priority, and lets a higher priority overtake', async () => {
      const priorities = ['low', 'medium', 'high', 'critical', 'low', 'medium', 'high', 'critical'] as const;
      await Promise.all(priorities.map((priority, index) => mail.enqueue(message(`m${index}`, { priority }))));
      expect(await ids(3)).toEqual(['m3', 'm7', 'm2']);
      expect(await ids()).toEqual(['m6', 'm1', 'm5', 'm0', 'm4']);
    });

    it('keeps mailboxes apart', async () => {
      await mail.enqueue(message('m1', { mailbox: 'codex://other' }));
      expect(await ids()).toEqual([]);
      expect(mail.stats(box)).toEqual({ queued: 0, inFlight: 0 });
      expect(mail.stats('codex://other')).toEqual({ queued: 1, inFlight: 0 });
    });

    it('counts what is queued and what is in flight', async () => {
      await Promise.all(['a', 'b', 'c'].map((id) => mail.enqueue(message(id))));
      expect(mail.stats(box)).toEqual({ queued: 3, inFlight: 0 });
      await ids(2);
      expect(mail.stats(box)).toEqual({ queued: 1, inFlight: 2 });
      await mail.ack(box, ['a']);
      expect(mail.stats(box)).toEqual({ queued: 1, inFlight: 1 });
    });

    it('answers a known id with what it knows, at once and after it was settled', async () => {
      const [first, second] = await Promise.all([
        mail.enqueue(message('m1')),
        mail.enqueue(message('m1', { bytes: Buffer.from('{}') })),
      ]);
      expect(first.outcome).toBe('stored');
      expect(second).toMatchObject({
        outcome: 'known',
        entry: { messageId: 'm1', bytes: message('m1').bytes },
      });
      await ids();
      await mail.ack(box, ['m1']);
      expect(await mail.enqueue(message('m1'))).toMatchObject({
        outcome: 'known',
        entry: { status: 'acknowledged' },
      });
      expect(await ids()).toEqual([]);
    });

    it('settles on ack for good and records the attempt', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      clock.advance(1_000);
      expect(await mail.ack(box, ['m1', 'unknown'])).toEqual(['acknowledged', undefined]);
      expect(await mail.ack(box, ['m1'])).toEqual(['acknowledged']);
      clock.advance(lease * 2);
      expect(await ids()).toEqual([]);
      expect(await mail.find('m1')).toMatchObject({
        status: 'acknowledged',
        attempts: [
          {
            attempt: 1,
            agent_id: box,
            door: 'websocket',
            connection_id: 'conn_1',
            outcome: 'acked',
          },
        ],
      });
    });

    it('confirms a repeated ack no earlier than the first', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      const order: string[] = [];
      const first = mail.ack(box, ['m1']).then(() => order.push('first'));
      const second = mail.ack(box, ['m1']).then(() => order.push('second'));
      await Promise.all([first, second]);
      expect(order).toEqual(['first', 'second']);
    });

    it('knows an id from the turn on in which it was handed over', async () => {
      expect(mail.knows('m1')).toBe(false);
      const enqueued = mail.enqueue(message('m1'));
      expect(mail.knows('m1')).toBe(true);
      await enqueued;
      await ids();
      await mail.ack(box, ['m1']);
      expect(mail.knows('m1')).toBe(true);
    });

    it('takes no ack for a message that was never offered, or from another mailbox', async () => {
      await mail.enqueue(message('m1'));
      expect(await mail.ack(box, ['m1'])).toEqual([undefined]);
      await ids();
      expect(await mail.ack('codex://other', ['m1'])).toEqual([undefined]);
      expect((await mail.find('m1'))?.status).toBe('offered');
    });

    it('offers again after a nack, later by the retry rule, with a higher attempt', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      expect(await mail.nack(box, 'm1', { reason: 'busy' })).toBe('queued');
      expect(await ids()).toEqual([]);
      clock.advance(1_000);
      expect(rung.at(-1)).toBe(box);
      const [offer] = await mail.take(box, 1, lease, consumer());
      expect(offer).toMatchObject({ messageId: 'm1', attempt: 2 });
      expect((await mail.find('m1'))?.attempts).toMatchObject([
        { outcome: 'nacked', reason: 'busy' },
        { outcome: 'open' },
      ]);
    });

    it('waits as long as a nack asks for', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      await mail.nack(box, 'm1', { delayMs: 50_000 });
      clock.advance(49_999);
      expect(await ids()).toEqual([]);
      clock.advance(1);
      expect(await ids()).toEqual(['m1']);
    });

    it('refuses a nack for what is not offered', async () => {
      await mail.enqueue(message('m1'));
      expect(await mail.nack(box, 'm1', {})).toBeUndefined();
      expect(await mail.nack(box, 'unknown', {})).toBeUndefined();
    });

    it('counts a lease that ran out as a failed attempt and offers again', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      clock.advance(lease);
      expect((await mail.find('m1'))?.attempts).toMatchObject([{ outcome: 'lease_expired' }]);
      clock.advance(1_000);
      expect(await ids()).toEqual(['m1']);
    });

    it('takes a late ack: the work is done', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      clock.advance(lease);
      expect(await mail.ack(box, ['m1'])).toEqual(['acknowledged']);
      clock.advance(60_000);
      expect(await ids()).toEqual([]);
    });

    it('extends a lease', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      clock.advance(lease - 1);
      expect(mail.extend(box, 'm1', lease)).toBe(true);
      clock.advance(lease - 1);
      expect((await mail.find('m1'))?.status).toBe('offered');
      clock.advance(1);
      expect((await mail.find('m1'))?.status).toBe('queued');
      expect(mail.extend(box, 'm1', lease)).toBe(false);
    });

    it('puts the leases of a lost connection back in their old order, at once, without counting a failure', async () => {
      await Promise.all(
        ['a', 'b', 'c'].map((id) => mail.enqueue(message(id, { retry: { maxRetries: 0, backoff: 'linear' } }))),
      );
      await ids(2, 'conn_1');
      mail.release('conn_1');
      expect(await ids(3, 'conn_2')).toEqual(['a', 'b', 'c']);
      expect((await mail.find('a'))?.attempts).toMatchObject([{ outcome: 'disconnected' }, { outcome: 'open' }]);
      mail.release('conn_1');
      expect((await mail.find('a'))?.status).toBe('offered');
      expect(exhausted).toEqual([]);
    });

    it('reports a message whose retries are used up, and offers it to nobody', async () => {
      await mail.enqueue(message('m1', { retry: { maxRetries: 1, backoff: 'linear' } }));
      for (let attempt = 0; attempt < 2; attempt++) {
        await ids();
        await mail.nack(box, 'm1', {});
        clock.advance(1_000);
      }
      expect(exhausted).toMatchObject([{ entry: { messageId: 'm1' }, reason: 'retries used up: nacked' }]);
      expect(await ids()).toEqual([]);
    });

    it('reports a message that the recipient gave up', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      await mail.nack(box, 'm1', { giveUp: true, reason: 'cannot' });
      expect(exhausted).toMatchObject([{ reason: 'given up: cannot' }]);
    });

    it('reports a message at its deadline and never offers it afterwards', async () => {
      await mail.enqueue(message('m1', { deadline: clock.now() + 250 }));
      clock.advance(249);
      expect(exhausted).toEqual([]);
      clock.advance(6);
      expect(exhausted).toMatchObject([{ entry: { messageId: 'm1' }, reason: 'expired' }]);
      expect(await ids()).toEqual([]);
    });

    it('reports each deadline, also of a message that was on its way to the disk while another one expired', async () => {
      await mail.enqueue(message('a', { deadline: clock.now() + 100 }));
      clock.advance(50);
      const enqueuing = mail.enqueue(message('b', { deadline: clock.now() + 2_000 }));
      clock.advance(100);
      await enqueuing;
      clock.advance(10_000);
      expect(exhausted.map(({ entry }) => entry.messageId)).toEqual(['a', 'b']);
    });

    it('reports the deadline of a message that was rerouted', async () => {
      await mail.enqueue(message('a', { deadline: clock.now() + 5_000 }));
      await ids();
      await mail.nack(box, 'a', { giveUp: true });
      clock.advance(1_000);
      await mail.reroute('a', 'codex://spare', { sender: 'x://y', messageType: 'status_update' });
      clock.advance(10_000);
      expect(exhausted.map(({ reason }) => reason)).toEqual(['given up: nacked', 'expired']);
    });

    it('buries, lists, redrives and discards dead letters', async () => {
      await mail.enqueue(message('m1'));
      await mail.enqueue(message('m2'));
      expect(await mail.bury('m1', 'no one wants it')).toBe(true);
      clock.advance(1);
      expect(await mail.bury('m2', 'neither this')).toBe(true);
      expect(await mail.bury('m1', 'again')).toBe(false);
      expect(await ids()).toEqual([]);

      const first = await mail.deadLetters(undefined, 1);
      expect(first.items).toMatchObject([{ messageId: 'm1', status: 'dead', reason: 'no one wants it' }]);
      const second = await mail.deadLetters(first.next, 1);
      expect(second.items).toMatchObject([{ messageId: 'm2' }]);
      expect(second.next).toBeUndefined();

      expect(await mail.redrive('m1', clock.now() + 1_000)).toBe(true);
      expect(await ids()).toEqual(['m1']);
      expect(await mail.redrive('m1', clock.now() + 1_000)).toBe(false);
      await mail.ack(box, ['m1']);
      expect(await mail.discard('m2')).toBe(true);
      expect(await mail.find('m2')).toBeUndefined();
      expect((await mail.deadLetters(undefined, 10)).items).toEqual([]);
      expect((await mail.enqueue(message('m2'))).outcome).toBe('stored');
    });

    it('reroutes to the back of another mailbox with fresh retries', async () => {
      await mail.enqueue(message('m1', { retry: { maxRetries: 0, backoff: 'linear' } }));
      await ids();
      await mail.nack(box, 'm1', {});
      expect(exhausted).toHaveLength(1);
      const facts = {
        sender: 'claude-code://orchestrator',
        messageType: 'status_update',
        routedBy: 'fallback',
      };
      expect(await mail.reroute('m1', 'codex://spare', facts)).toBe(true);
      expect(rung.at(-1)).toBe('codex://spare');
      const [offer] = await mail.take('codex://spare', 1, lease, {
        agentId: 'codex://spare',
        door: 'http',
        connectionId: 'pull_1',
      });
      expect(offer).toMatchObject({ messageId: 'm1', attempt: 2 });
      expect(await mail.find('m1')).toMatchObject({
        mailbox: 'codex://spare',
        facts,
      });
      expect(mail.stats(box)).toEqual({ queued: 0, inFlight: 0 });
      expect(await mail.reroute('unknown', box, facts)).toBe(false);
    });

    it('delivers a long backlog completely and in order', async () => {
      const count = 3_000;
      for (let start = 0; start < count; start += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, index) => mail.enqueue(message(`m${start + index}`))));
      }
      expect(mail.stats(box)).toEqual({ queued: count, inFlight: 0 });
      const seen: string[] = [];
      while (seen.length < count) {
        const taken = await ids(97);
        expect(taken.length).toBeGreaterThan(0);
        seen.push(...taken);
        await mail.ack(box, taken);
      }
      expect(seen).toEqual(Array.from({ length: count }, (_, index) => `m${index}`));
      expect(mail.stats(box)).toEqual({ queued: 0, inFlight: 0 });
    });
  });
}
