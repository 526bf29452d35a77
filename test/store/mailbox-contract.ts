// What every mailbox store must do; each adapter runs this suite.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consumer, LedgerEntry, MailboxStore, NewMessage } from '../../src/ports/mailbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';

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
    const damaged: string[] = [];
    let exhausted: { entry: LedgerEntry; reason: string }[];
    let retried: LedgerEntry[];

    beforeEach(async () => {
      ({ store, dispose } = await open(clock));
      mail = store.mailboxes;
      rung = [];
      exhausted = [];
      retried = [];
      mail.listen({
        mail: (mailbox) => rung.push(mailbox),
        retried: (entry) => retried.push(entry),
        exhausted: (entry, reason) => exhausted.push({ entry, reason }),
        damaged: (id) => damaged.push(id),
      });
    });
    afterEach(async () => {
      await store.close();
      await dispose();
      expect(damaged).toEqual([]);
    });

    const consumer = (connectionId = 'conn_1'): Consumer => ({
      agentId: box,
      door: 'websocket',
      connectionId,
    });
    const message = (id: string, more: Partial<NewMessage> = {}): NewMessage => {
      const bytes = Buffer.from(JSON.stringify({ message_id: id, text: 'ünï' }));
      return newMessage(id, { mailbox: box, acceptedAt: clock.now(), bytes, ...more });
    };
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
        retried: () => undefined,
        exhausted: () => undefined,
        damaged: () => undefined,
      });
      const outcome = await mail.enqueue(message('m1'));
      expect(await takenInTime).toEqual(['m1']);
      expect(outcome).toEqual({ outcome: 'stored', status: 'offered' });
    });

    it('offers nothing before it is durable', async () => {
      const order: string[] = [];
      const enqueued = mail.enqueue(message('m1')).then(() => order.push('stored'));
      const taken = ids().then((offered) => order.push(...offered));
      await Promise.all([enqueued, taken]);
      expect(order).toEqual(['stored', 'm1']);
    });

    it('leases a message to whoever it is stored for, and to others only when that one lets it go', async () => {
      const stored = await mail.enqueue(message('m1', { lease: { consumer: consumer('conn_9'), leaseMs: lease } }));
      expect(stored).toEqual({ outcome: 'stored', status: 'offered' });
      expect(rung).toEqual([]);
      expect(await ids()).toEqual([]);
      mail.release('conn_9');
      expect(rung).toEqual([box]);
      expect(await mail.take(box, 1, lease, consumer())).toMatchObject([{ messageId: 'm1', attempt: 2 }]);
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

    it('gives a glimpse of a message in the turn in which it was handed over, and of who had it, to its end', async () => {
      const { facts } = message('m1');
      expect(mail.glimpse('m1')).toBeUndefined();
      const storing = mail.enqueue(message('m1', { facts: { ...facts, hop: 2 } }));
      expect(mail.glimpse('m1')).toEqual({ mailbox: box, facts: { ...facts, hop: 2 }, offeredTo: [] });
      await storing;
      await ids();
      await mail.reroute('m1', { mailbox: 'codex://frontend', facts });
      expect(mail.glimpse('m1')).toEqual({ mailbox: 'codex://frontend', facts, offeredTo: [box] });
      await mail.bury('m1', 'gone');
      expect(mail.glimpse('m1')).toMatchObject({ facts, offeredTo: [box] });
      await mail.discard('m1');
      expect(mail.glimpse('m1')).toBeUndefined();
    });

    it('takes no ack for a message that was never offered, or from another mailbox', async () => {
      await mail.enqueue(message('m1'));
      expect(await mail.ack(box, ['m1'])).toEqual([undefined]);
      await ids();
      expect(await mail.ack('codex://other', ['m1'])).toEqual([undefined]);
      expect((await mail.find('m1'))?.status).toBe('offered');
    });

    it('takes no ack from the mailbox that a message went to, before it was offered there', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      await mail.nack(box, 'm1', { giveUp: true });
      const spare = 'codex://spare';
      await mail.reroute('m1', { mailbox: spare, facts: message('m1').facts });
      expect(await mail.ack(spare, ['m1'])).toEqual([undefined]);
      expect(await mail.ack(box, ['m1'])).toEqual([undefined]);
      expect((await mail.find('m1'))?.status).toBe('queued');
      await mail.take(spare, 1, lease, { ...consumer('conn_2'), agentId: spare });
      mail.release('conn_2');
      expect(await mail.ack(spare, ['m1'])).toEqual(['acknowledged']);
    });

    it('takes no ack for a message that has no attempt left, until it is decided what becomes of it', async () => {
      for (const id of ['buried', 'moved']) {
        await mail.enqueue(message(id));
        await ids();
        await mail.nack(box, id, { giveUp: true });
        expect(await mail.ack(box, [id])).toEqual([undefined]);
      }
      expect(await mail.bury('buried', 'unwanted')).toBe(true);
      expect(await mail.ack(box, ['buried'])).toEqual(['dead']);
      expect(await mail.reroute('moved', { mailbox: box, facts: message('moved').facts })).toBe(true);
      expect(await ids()).toEqual(['moved']);
      expect(await mail.ack(box, ['moved'])).toEqual(['acknowledged']);
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

    it('keeps the first and the latest attempts of a message that is offered without end, by their numbers', async () => {
      await mail.enqueue(message('m1'));
      for (let round = 1; round <= 200; round++) {
        expect(await mail.take(box, 1, lease, consumer(`conn_${round}`))).toMatchObject([{ attempt: round }]);
        mail.release(`conn_${round}`);
      }
      const found = await mail.find('m1');
      expect(found?.attemptsLeftOut).toBe(145);
      const kept = [1, 2, 3, 4, 5, ...Array.from({ length: 50 }, (_, index) => 151 + index)];
      expect(found?.attempts.map(({ attempt }) => attempt)).toEqual(kept);
      expect(found?.attempts.map(({ connection_id }) => connection_id)).toEqual(kept.map((round) => `conn_${round}`));
      expect(found?.attempts.at(-1)?.outcome).toBe('disconnected');
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

    it.each([
      ['linear', 2, 2_000],
      ['linear', 3, 3_000],
      ['exponential', 2, 2_000],
      ['exponential', 3, 4_000],
    ] as const)(
      'offers again when the %s wait after failure %i is over, and not before',
      async (backoff, count, ms) => {
        await mail.enqueue(message('m1', { retry: { maxRetries: 3, backoff } }));
        for (let failures = 1; failures <= count; failures++) {
          expect(await ids()).toEqual(['m1']);
          await mail.nack(box, 'm1', {});
          if (failures < count) clock.advance(60_000);
        }
        clock.advance(ms - 1);
        expect(await ids()).toEqual([]);
        clock.advance(1);
        expect(await ids()).toEqual(['m1']);
      },
    );

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

    it('counts no lease as failed that ran out before its offer was on record: nobody had it', async () => {
      await mail.enqueue(message('m1', { retry: { maxRetries: 0, backoff: 'linear' } }));
      const taking = ids();
      clock.advance(lease);
      expect(await taking).toEqual([]);
      expect(await ids()).toEqual(['m1']);
      const outcomes = (await mail.find('m1'))?.attempts.map(({ outcome }) => outcome);
      expect(outcomes).toEqual(['interrupted', 'open']);
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

    it('reports each failed attempt that another one follows, and no other end of an attempt', async () => {
      await mail.enqueue(
        message('m1', { retry: { maxRetries: 2, backoff: 'linear' }, deadline: clock.now() + 60_000 }),
      );
      await ids(1, 'conn_1');
      mail.release('conn_1');
      await ids();
      await mail.nack(box, 'm1', { reason: 'busy' });
      clock.advance(2_000);
      await ids();
      clock.advance(40_000);
      expect(retried.map(({ messageId, attempts }) => [messageId, attempts.at(-1)])).toEqual([
        ['m1', expect.objectContaining({ attempt: 2, outcome: 'nacked', reason: 'busy' })],
        ['m1', expect.objectContaining({ attempt: 3, outcome: 'lease_expired' })],
      ]);
      await ids();
      await mail.nack(box, 'm1', {});
      expect([retried.length, exhausted.length]).toEqual([2, 1]);
    });

    it('reports no attempt that would come after the deadline', async () => {
      await mail.enqueue(message('m1', { deadline: clock.now() + 5_000 }));
      await ids();
      await mail.nack(box, 'm1', { delayMs: 5_000 });
      clock.advance(10_000);
      expect(retried).toEqual([]);
      expect(exhausted).toMatchObject([{ reason: 'expired' }]);
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
      await mail.reroute('a', {
        mailbox: 'codex://spare',
        facts: { sender: 'x://y', messageType: 'status_update' },
      });
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

    it('goes on with the dead letters behind a page whose last one was discarded or sent again meanwhile', async () => {
      for (const id of ['a', 'b', 'c', 'd', 'e']) {
        await mail.enqueue(message(id));
        await mail.bury(id, 'unwanted');
        clock.advance(1);
      }
      const first = await mail.deadLetters(undefined, 2);
      expect(first.items.map(({ messageId }) => messageId)).toEqual(['a', 'b']);
      await mail.discard('b');
      const second = await mail.deadLetters(first.next, 1);
      expect(second.items.map(({ messageId }) => messageId)).toEqual(['c']);
      await mail.redrive('c', clock.now() + 1_000);
      const third = await mail.deadLetters(second.next, 2);
      expect(third.items.map(({ messageId }) => messageId)).toEqual(['d', 'e']);
      expect(third.next).toBeUndefined();
      await expect(mail.deadLetters('nonsense', 2)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    });

    it('buries a message together with what is to be told of it, which is offered once both are durable', async () => {
      await mail.enqueue(message('m1'));
      await ids();
      const seen: LedgerEntry[] = [];
      const burying = mail.bury('m1', 'unwanted', (dying) => {
        seen.push(dying);
        return message('told', { mailbox: 'codex://sender' });
      });
      const sender = { ...consumer('conn_2'), agentId: 'codex://sender' };
      let buried = false;
      void burying.then(() => {
        buried = true;
      });
      expect(await mail.take('codex://sender', 1, lease, sender)).toMatchObject([{ messageId: 'told', attempt: 1 }]);
      expect(buried).toBe(true);
      expect(await burying).toBe(true);
      expect(seen).toMatchObject([{ messageId: 'm1', status: 'offered', attempts: [{ outcome: 'open' }] }]);
      expect(await mail.bury('m1', 'again', () => message('never'))).toBe(false);
      expect(await mail.find('never')).toBeUndefined();
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
      expect(await mail.reroute('m1', { mailbox: 'codex://spare', facts })).toBe(true);
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
      expect(await mail.reroute('unknown', { mailbox: box, facts })).toBe(false);
    });

    it('reroutes with another envelope, and counts its bytes', async () => {
      await mail.enqueue(message('m1', { bytes: Buffer.alloc(600, 'a') }));
      await mail.enqueue(message('m2', { mailbox: 'codex://spare' }));
      const detour = { mailbox: 'codex://spare', facts: { sender: 'x://y', messageType: 'status_update' } };
      const bytes = Buffer.alloc(1_000, 'b');
      expect(await mail.reroute('m1', { ...detour, bytes })).toBe(true);
      expect(await mail.reroute('m1', { ...detour, bytes: Buffer.alloc(900, 'c') })).toBe(true);
      const taker: Consumer = { agentId: 'codex://spare', door: 'http', connectionId: 'pull_1' };
      const offers = await mail.take('codex://spare', 9, lease, taker);
      expect(offers.map((offer) => offer.messageId)).toEqual(['m2', 'm1']);
      expect(offers[1]?.bytes.toString()).toBe('c'.repeat(900));
      expect((await mail.find('m1'))?.bytes.toString()).toBe('c'.repeat(900));
    });

    it('offers a postponed message when its time has come, behind those that came before that', async () => {
      const later = { deliverAt: clock.now() + 500 };
      expect(await mail.enqueue(message('late', later))).toEqual({ outcome: 'stored', status: 'queued' });
      await mail.enqueue(message('later', { deliverAt: clock.now() + 800 }));
      await mail.enqueue(message('soon', { deliverAt: clock.now() + 400 }));
      await mail.enqueue(message('now'));
      expect(await mail.find('late')).toMatchObject({ status: 'queued', attempts: [], nextAttemptAt: later.deliverAt });
      expect(mail.stats(box)).toEqual({ queued: 4, inFlight: 0 });
      clock.advance(399);
      rung.length = 0;
      expect(await ids()).toEqual(['now']);
      expect(rung).toEqual([]);
      await mail.enqueue(message('between'));
      clock.advance(110);
      await mail.enqueue(message('behind'));
      expect(rung).toContain(box);
      clock.advance(300);
      expect((await mail.find('late'))?.nextAttemptAt).toBeUndefined();
      expect(await ids()).toEqual(['between', 'soon', 'late', 'behind', 'later']);
    });

    it('keeps the order of their times where many fall due together, and the order of acceptance at one time', async () => {
      const now = clock.now();
      const due = [50, 20, 40, 20, 30, 10];
      await Promise.all(due.map((ms, index) => mail.enqueue(message(`m${index}`, { deliverAt: now + ms }))));
      clock.advance(20_000);
      expect(await ids()).toEqual(['m5', 'm1', 'm3', 'm4', 'm2', 'm0']);
    });

    it('lets a postponed message be cancelled, expire and be rerouted', async () => {
      const deliverAt = clock.now() + 1_000;
      for (const id of ['buried', 'rerouted']) await mail.enqueue(message(id, { deliverAt }));
      await mail.enqueue(message('short', { deliverAt, deadline: clock.now() + 1_001 }));
      expect(await mail.bury('buried', 'task cancelled')).toBe(true);
      const facts = { sender: 'x://y', messageType: 'status_update' };
      expect(await mail.reroute('rerouted', { mailbox: 'codex://spare', facts })).toBe(true);
      expect(mail.stats('codex://spare')).toEqual({ queued: 1, inFlight: 0 });
      expect(await mail.ack(box, ['short'])).toEqual([undefined]);
      clock.advance(20_000);
      expect(exhausted.map(({ entry, reason }) => [entry.messageId, reason])).toEqual([['short', 'expired']]);
      expect(await ids()).toEqual([]);
    });

    it('takes in the copies of a broadcast with the record of its id, all or none', async () => {
      const record = message('b1', { mailbox: 'claude-code://orchestrator#broadcast' });
      const copies = [message('c1'), message('c2', { mailbox: 'codex://other' })];
      const both = [mail.enqueueCopies(record, copies), mail.enqueueCopies(record, [message('c3')])];
      expect(mail.knows('b1')).toBe(true);
      const [stored, known] = await Promise.all(both);
      expect(stored).toEqual({ outcome: 'stored', statuses: ['queued', 'queued'] });
      expect(known).toMatchObject({ outcome: 'known', entry: { messageId: 'b1', status: 'acknowledged' } });
      expect(await ids()).toEqual(['c1']);
      expect(mail.stats('codex://other')).toEqual({ queued: 1, inFlight: 0 });
      expect(mail.stats(record.mailbox)).toEqual({ queued: 0, inFlight: 0 });
      expect(mail.knows('c3')).toBe(false);
      expect((await mail.enqueue(record)).outcome).toBe('known');
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
